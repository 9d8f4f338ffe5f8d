package lazydit.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** How long {@code lazydit sample} takes from the shell to the picture, once it is built. */
final class StartToPng implements Task {
  private static final double ABOUT = 3;

  private final Bench bench;
  private final Path root;

  StartToPng(Bench bench, Path root) {
    this.bench = bench;
    this.root = root;
  }

  @Override
  public String name() {
    return "start";
  }

  @Override
  public double seconds() {
    return ABOUT * (1 + bench.effort().rounds());
  }

  @Override
  public List<Row> run() {
    try {
      Path picture = Files.createTempFile("lazydit-bench", ".png");
      picture.toFile().deleteOnExit();
      try {
        // Builds, when that is still to be done.
        sample(picture);
        double[] seconds = new double[bench.effort().rounds()];
        for (int i = 0; i < seconds.length; i++) {
          seconds[i] = sample(picture);
        }
        int threads = Runtime.getRuntime().availableProcessors();
        return List.of(
            Row.plain("start", "built-in model, 20 steps", threads, Median.of(seconds), "s"));
      } finally {
        Files.deleteIfExists(picture);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private double sample(Path picture) {
    long start = System.nanoTime();
    String launcher = root.resolve("lazydit").toString();
    Commands.run(root, List.of(launcher, "sample", "--out", picture.toString()));
    return (System.nanoTime() - start) * 1e-9;
  }
}
