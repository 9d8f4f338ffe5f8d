package lazydit.weights.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What a reader is given: a file, or files that belong together.
 *
 * @param subject which reader
 * @param origin the seed that it was made from
 * @param files contents by path, relative to a folder; not copied, not to be changed
 */
record Sample(Subject subject, String origin, SortedMap<String, byte[]> files) {
  Sample {
    files = Collections.unmodifiableSortedMap(files);
  }

  /** A file, or a folder with all that is in it. */
  static Sample read(Subject subject, Path path) {
    SortedMap<String, byte[]> files = new TreeMap<>();
    Path folder = Files.isDirectory(path) ? path : path.getParent();
    try (Stream<Path> all = Files.walk(path)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(folder.relativize(file).toString().replace('\\', '/'), Files.readAllBytes(file));
      }
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot read the seed " + path, e);
    }
    return new Sample(subject, path.getFileName().toString(), files);
  }

  Sample with(String name, byte[] content) {
    SortedMap<String, byte[]> changed = new TreeMap<>(files);
    changed.put(name, content);
    return new Sample(subject, origin, changed);
  }

  Sample without(String name) {
    SortedMap<String, byte[]> fewer = new TreeMap<>(files);
    fewer.remove(name);
    return new Sample(subject, origin, fewer);
  }

  List<String> names() {
    return List.copyOf(files.keySet());
  }

  /** The content of a sample that is one file. */
  byte[] content() {
    return files.values().iterator().next();
  }

  long size() {
    return files.values().stream().mapToLong(content -> content.length).sum();
  }

  /** Writes the files into a folder, which is made where it does not exist. */
  void write(Path folder) throws IOException {
    for (String name : names()) {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      Files.write(file, files.get(name));
    }
  }

  /** Removes what {@link #write} wrote. */
  void remove(Path folder) throws IOException {
    for (String name : names()) {
      Files.deleteIfExists(folder.resolve(name));
    }
  }
}
