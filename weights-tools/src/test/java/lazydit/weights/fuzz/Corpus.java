package lazydit.weights.fuzz;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The seeds among the test resources: {@code fuzz/SUBJECT/NAME}, a file or a folder of files that
 * are read together, and the files written by PyTorch and Python that other tests read too.
 */
final class Corpus {
  private Corpus() {}

  static List<Sample> seeds() {
    List<Sample> seeds = new ArrayList<>(own());
    for (String folder : List.of("torch_save", "pickles")) {
      list(folder).stream()
          .filter(file -> file.toString().matches(".*\\.(pt|safetensors)"))
          .map(file -> Sample.read(reader(file), file))
          .forEach(seeds::add);
    }
    seeds.add(Sample.read(Subject.GATES, path("torch_save/e_lazy_gates.pt")));
    return seeds;
  }

  /** Those that are there for the fuzzer alone. */
  static List<Sample> own() {
    List<Sample> seeds = new ArrayList<>();
    for (Subject subject : Subject.values()) {
      for (Path seed : list("fuzz/" + subject.name().toLowerCase(Locale.ROOT))) {
        seeds.add(Sample.read(subject, seed));
      }
    }
    return seeds;
  }

  private static Subject reader(Path file) {
    return file.toString().endsWith(".pt") ? Subject.TORCH : Subject.SAFETENSORS;
  }

  private static List<Path> list(String folder) {
    try (Stream<Path> files = Files.list(path(folder))) {
      return files.sorted().toList();
    } catch (IOException e) {
      throw new IllegalStateException("cannot list the seeds in " + folder, e);
    }
  }

  private static Path path(String name) {
    try {
      return Path.of(Corpus.class.getResource("/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(name, e);
    }
  }
}
