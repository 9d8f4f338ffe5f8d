package lazydit.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import lazydit.engine.LazyDitException;

/**
 * Folders that appear whole or not at all: filled under a temporary name beside, then renamed. A
 * failure leaves whatever was there before, and nothing else.
 */
final class AtomicFolder {
  /** What is in a folder that may be replaced. */
  private static final List<String> MARKS = List.of("model_index.json", "config.json");

  private AtomicFolder() {}

  /**
   * Writes a folder.
   *
   * @param target the folder: not there yet, empty, or that of a model, which is replaced
   * @param content fills a new folder
   * @throws CheckpointException when it cannot be written; what {@code content} itself throws
   *     passes, its temporary files named as they would have been
   */
  static void write(Path target, Consumer<Path> content) {
    requireReplaceable(target);
    Path temporary = beside(target);
    try {
      Files.createDirectory(temporary);
      content.accept(temporary);
      put(temporary, target);
    } catch (IOException e) {
      throw new CheckpointException(
          target.toString(), "this folder cannot be written: " + e.getMessage(), e);
    } catch (LazyDitException e) {
      String message = e.getMessage();
      if (!message.contains(temporary.toString())) {
        throw e;
      }
      throw new LazyDitException(message.replace(temporary.toString(), target.toString()), e);
    } finally {
      delete(temporary);
    }
  }

  /** Refuses to touch what does not look like the folder of a model. */
  static void requireReplaceable(Path target) {
    if (!Files.exists(target)) {
      return;
    }
    if (!Files.isDirectory(target)) {
      throw new CheckpointException(target.toString(), "is a file where a folder is to be written");
    }
    if (!isEmpty(target) && MARKS.stream().noneMatch(name -> Files.exists(target.resolve(name)))) {
      throw new CheckpointException(
          target.toString(), "is a folder of something else than a model and is not replaced");
    }
  }

  static boolean isEmpty(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findAny().isEmpty();
    } catch (IOException e) {
      throw new CheckpointException(folder.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static void put(Path filled, Path target) throws IOException {
    if (!Files.exists(target)) {
      Files.move(filled, target);
      return;
    }
    Path real = target.toRealPath();
    Path old = beside(real);
    Files.move(real, old);
    try {
      Files.move(filled, real);
    } catch (IOException e) {
      Files.move(old, real);
      throw e;
    }
    delete(old);
  }

  private static Path beside(Path target) {
    Path absolute = target.toAbsolutePath().normalize();
    String suffix = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    return absolute.resolveSibling("." + absolute.getFileName() + "." + suffix + ".tmp");
  }

  private static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException | UncheckedIOException e) {
      // Whatever brought us here is the one worth reporting.
    }
  }
}
