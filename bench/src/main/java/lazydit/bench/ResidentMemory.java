package lazydit.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lazydit.engine.LazyDitException;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;

/**
 * The most memory that a process holds which loads the network and takes steps with half of the
 * modules reused, above its weights in float32. Measured in a JVM of its own, on Linux.
 */
final class ResidentMemory implements Task {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String PEAK = "VmHWM:";
  private static final int STEPS = 4;

  /** As the launcher gives to all commands but this one, whose peers it would slow down. */
  private static final List<String> FLAGS = List.of("-XX:TrimNativeHeapInterval=2000");

  private final Bench bench;

  ResidentMemory(Bench bench) {
    this.bench = bench;
  }

  @Override
  public String name() {
    return "memory";
  }

  @Override
  public double seconds() {
    return 2 + bench.effort().blocks();
  }

  @Override
  public List<Row> run() {
    int blocks = bench.effort().blocks();
    String threads = Integer.toString(bench.threads());
    List<String> command =
        Commands.java(FLAGS, List.of(), ResidentMemory.class, Integer.toString(blocks), threads);
    // The JVM may have said something before.
    String said = Commands.run(Path.of("."), command).lines().toList().getLast();
    double megabytes = Double.parseDouble(said);
    String shape = ForwardWork.shape(ForwardWork.config(blocks));
    return List.of(Row.plain("memory", shape, bench.threads(), megabytes, "MB above weights"));
  }

  /**
   * Prints the megabytes.
   *
   * @param args blocks and threads
   * @throws IOException when the system does not tell
   */
  public static void main(String[] args) throws IOException {
    try (Workers workers = new Workers(Integer.parseInt(args[1]))) {
      ForwardWork work =
          ForwardWork.ofBlocks(Integer.parseInt(args[0]), WeightType.FLOAT32, workers);
      Side steps = work.steps(new ReusePattern(work.config(), 0.5), workers);
      for (int i = 0; i < STEPS; i++) {
        steps.run();
      }
      long weights = work.config().parameters() * Float.BYTES;
      System.out.println((peakBytes() - weights) * 1e-6);
    }
  }

  private static long peakBytes() throws IOException {
    for (String line : Files.readAllLines(STATUS)) {
      if (line.startsWith(PEAK)) {
        return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new LazyDitException(STATUS + " has no line " + PEAK);
  }
}
