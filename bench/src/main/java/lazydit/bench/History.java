package lazydit.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import lazydit.engine.LazyDitException;

/** The file to which every recorded run adds a line: commit, machine, settings, summary. */
final class History {
  private History() {}

  /**
   * Adds a line.
   *
   * @param file one JSON object a line; made when there is none
   * @param report what is recorded
   * @throws LazyDitException when it cannot be written
   */
  static void append(Path file, Report report) {
    try {
      Files.writeString(
          file, report.historyLine(), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new LazyDitException("The run cannot be recorded in %s: %s.".formatted(file, e), e);
    }
  }
}
