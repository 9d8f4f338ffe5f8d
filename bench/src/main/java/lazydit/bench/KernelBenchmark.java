package lazydit.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
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
 * One kernel in a JVM of its own, its limit measured behind every run.
 *
 * <p>The suite reads the samples from a file; run by hand, each iteration's medians are printed.
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
  private final List<JmhRun.Sample> samples = new ArrayList<>();
  private Workers workers;
  private Work kernel;
  private Side side;
  private double seconds;

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

  /** Forgets the iteration before. */
  @Setup(Level.Iteration)
  public void startIteration() {
    samples.clear();
  }

  /** Measures the limit at the clock of the run before. */
  @TearDown(Level.Invocation)
  public void endInvocation() {
    samples.add(new JmhRun.Sample(seconds, ceilings.behind(kernel.limit(), workers)));
  }

  /**
   * Hands over what the iteration measured.
   *
   * @param iteration tells a measurement from a warm-up
   * @throws IOException when the samples cannot be written
   */
  @TearDown(Level.Iteration)
  public void endIteration(IterationParams iteration) throws IOException {
    if (iteration.getType() != IterationType.MEASUREMENT) {
      return;
    }
    String file = System.getProperty(SAMPLES);
    if (file != null) {
      List<String> lines = samples.stream().map(JmhRun.Sample::line).toList();
      Files.write(Path.of(file), lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } else {
      System.out.printf(
          Locale.ROOT,
          "%.3f of the limit, %.1f %s%n",
          JmhRun.share(kernel, samples),
          JmhRun.ceiling(samples),
          kernel.limit().unit());
    }
  }

  /**
   * Does the work once.
   *
   * @return something that depends on it
   */
  @Benchmark
  public Object run() {
    long start = System.nanoTime();
    side.run();
    seconds = (System.nanoTime() - start) * 1e-9;
    return side;
  }
}
