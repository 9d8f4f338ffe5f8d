package lazydit.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import lazydit.engine.Workers;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.runner.IterationType;

/**
 * One kernel in a JVM of its own, its limit measured before and after every iteration.
 *
 * <p>The suite reads each iteration from a file; run by hand, the iterations are printed.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 8, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class KernelBenchmark {
  /** System property: the file that receives a line for every measured iteration. */
  static final String SAMPLES = "lazydit.bench.samples";

  /** The kernel and its sizes, as {@link Work#named} reads them. */
  @Param({"gemm/512x1152x3456", "attention/2x16x256x72"})
  public String work;

  /** Threads that share the work. */
  @Param({"1", "2"})
  public int threads;

  private final Ceilings ceilings = new Ceilings();
  private Workers workers;
  private Work kernel;
  private Side side;
  private double before;
  private long operations;
  private long started;

  /** Makes the inputs. */
  @Setup
  public void setUp() {
    workers = new Workers(threads);
    kernel = Work.named(work);
    side = kernel.ours(workers);
    ceilings.warm(kernel.limit(), workers);
  }

  /** Ends the threads. */
  @TearDown
  public void tearDown() {
    workers.close();
  }

  /** Measures the limit of the moment. */
  @Setup(Level.Iteration)
  public void startIteration() {
    before = ceilings.measure(kernel.limit(), workers);
    operations = 0;
    started = System.nanoTime();
  }

  /**
   * Takes the iteration's time, and the limit again.
   *
   * @param iteration tells a measurement from a warm-up
   * @throws IOException when the sample cannot be written
   */
  @TearDown(Level.Iteration)
  public void endIteration(IterationParams iteration) throws IOException {
    double seconds = (System.nanoTime() - started) * 1e-9 / operations;
    double ceiling = (before + ceilings.measure(kernel.limit(), workers)) / 2;
    if (iteration.getType() != IterationType.MEASUREMENT) {
      return;
    }
    String file = System.getProperty(SAMPLES);
    if (file != null) {
      String line = seconds + " " + ceiling + "\n";
      Files.writeString(Path.of(file), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } else {
      double rate = kernel.amount() / seconds * 1e-9;
      System.out.printf(
          Locale.ROOT, "%.1f %s, %.3f of the limit%n", rate, kernel.limit().unit(), rate / ceiling);
    }
  }

  /**
   * Does the work once.
   *
   * @return something that depends on it
   */
  @Benchmark
  public Object run() {
    operations++;
    side.run();
    return side;
  }
}
