package lazydit.sampler.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import lazydit.engine.LazyDitException;
import lazydit.weights.Progress;

/** Long work on files: a line of progress where somebody is looking, and an end when cancelled. */
final class FileWork {
  private FileWork() {}

  /**
   * Does the work.
   *
   * @param work given whom to tell how far it is
   * @return what the work returns
   */
  static <T> T run(Session session, Function<Progress, T> work) {
    session.interruptWhenCancelled();
    try (ProgressLine line = new ProgressLine(session.err(), ProgressLine.somebodyIsLooking())) {
      return work.apply(
          (done, total) -> {
            if (session.cancelled()) {
              throw new CancellationException("Cancelled.");
            }
            line.onProgress(done, total);
          });
    }
  }

  /** Refuses to replace what is there, unless told to. */
  static void requireFree(Path out, boolean force) {
    if (!force && Files.exists(out) && !isEmptyFolder(out)) {
      throw new LazyDitException(out + ": exists already; give --force to replace it.");
    }
  }

  private static boolean isEmptyFolder(Path path) {
    String[] files = path.toFile().list();
    return files != null && files.length == 0;
  }
}
