package lazydit.bench.lessons;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import lazydit.bench.FmaCeiling;
import lazydit.bench.Limit;
import lazydit.bench.Median;
import lazydit.bench.Side;
import lazydit.bench.Work;
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
 * The steps of {@code docs/kernels.md}, on one thread. Those bound by arithmetic print, besides
 * JMH's time, their share of the FMA ceiling measured behind every run.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class LessonsBenchmark {
  /** The kernel, a space and the step. */
  @Param({
    "gemm/256x1152x3456 dot",
    "gemm/256x1152x3456 rows",
    "gemm/256x1152x3456 vectors",
    "gemm/256x1152x3456 tile",
    "gemm/256x1152x3456 packed",
    "gemm/256x1152x3456 engine",
    "attention/2x16x256x72 matrices",
    "attention/2x16x256x72 online",
    "attention/2x16x256x72 engine",
    "attention/2x16x1024x72 matrices",
    "attention/2x16x1024x72 online",
    "attention/2x16x1024x72 engine",
    "norm/2x256x1152 scalar",
    "norm/2x256x1152 vectors",
    "norm/2x256x1152 engine"
  })
  public String lesson;

  private final FmaCeiling fma = new FmaCeiling();
  private final List<Double> shares = new ArrayList<>();
  private Workers one;
  private Work work;
  private Side side;
  private double rate;

  /** Makes the inputs. */
  @Setup
  public void setUp() {
    String[] parts = lesson.split(" ");
    one = new Workers(1);
    work = Work.named(parts[0]);
    side = Lessons.steps(work, one).get(parts[1]).get();
    fma.sustained(one);
  }

  /**
   * Forgets warm-ups.
   *
   * @param iteration tells a measurement from a warm-up
   */
  @TearDown(Level.Iteration)
  public void endIteration(IterationParams iteration) {
    if (iteration.getType() == IterationType.WARMUP) {
      shares.clear();
    }
  }

  /** Measures the ceiling at the clock of the run before. */
  @TearDown(Level.Invocation)
  public void endInvocation() {
    shares.add(rate / fma.measure(one));
  }

  /** Prints the median share. */
  @TearDown
  public void tearDown() {
    one.close();
    if (work.limit() != Limit.COMPUTE) {
      return;
    }
    double share = Median.of(shares.stream().mapToDouble(s -> s).toArray());
    System.out.printf(Locale.ROOT, "%n%s: %.3f of the FMA ceiling%n", lesson, share);
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
    rate = work.amount() / (System.nanoTime() - start);
    return side;
  }
}
