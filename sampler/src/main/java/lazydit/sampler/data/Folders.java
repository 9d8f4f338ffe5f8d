package lazydit.sampler.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import lazydit.weights.CheckpointException;

/** What is in a folder, in an order that is the same everywhere; hidden things left out. */
final class Folders {
  private Folders() {}

  static List<Path> files(Path folder) {
    return list(folder).stream().filter(Files::isRegularFile).toList();
  }

  static List<Path> folders(Path folder) {
    return list(folder).stream().filter(Files::isDirectory).toList();
  }

  private static List<Path> list(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(entry -> !entry.getFileName().toString().startsWith("."))
          .sorted(Comparator.comparing(entry -> entry.getFileName().toString()))
          .toList();
    } catch (IOException e) {
      throw new CheckpointException(folder.toString(), "is a folder that cannot be read", e);
    }
  }
}
