package lazydit.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import lazydit.engine.Epilogue;
import lazydit.engine.Linear;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
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

/**
 * A linear layer on the shapes of DiT-XL/2, packing of the rows and bias included, as a share of
 * the FMA ceiling that is measured behind every product, at its clock.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(
    value = 3,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-XX:+UseTransparentHugePages"})
@Warmup(iterations = 6, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 10, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class GemmBenchmark {
  /** Input x output features. */
  @Param({"1152x3456", "1152x1152", "1152x4608", "4608x1152"})
  public String layer;

  /** Rows: one sample of 256 tokens, or a conditional and a null one. */
  @Param({"256", "512"})
  public int m;

  /** Threads that share the product. */
  @Param({"1", "2"})
  public int threads;

  private final FmaCeiling fma = new FmaCeiling();
  private final List<Double> shares = new ArrayList<>();
  private Workers workers;
  private Scratch scratch;
  private Linear linear;
  private Rows rows;
  private float[] x;
  private Epilogue.Store store;
  private final List<Double> ceilings = new ArrayList<>();
  private double sustained;

  /** Makes the layer and its input, and checks a result against float64. */
  @Setup
  public void setUp() {
    int in = Integer.parseInt(layer.substring(0, layer.indexOf('x')));
    int out = Integer.parseInt(layer.substring(layer.indexOf('x') + 1));
    Random random = new Random(1);
    float[] w = uniform(random, in * out);
    x = uniform(random, m * in);
    linear =
        Linear.pack(out, in, (row, into, at) -> System.arraycopy(w, row * in, into, at, in), null);
    rows = Rows.all(m);
    store = new Epilogue.Store(new float[m * out]);
    workers = new Workers(threads);
    scratch = new Scratch(workers);
    linear.apply(workers, scratch, x, rows, store);
    check(w, (m - 1) * out + out - 1);
    check(w, m / 2 * out + out / 3);
  }

  private static float[] uniform(Random random, int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return values;
  }

  private void check(float[] w, int at) {
    int row = at / linear.out();
    int column = at % linear.out();
    double sum = 0;
    for (int i = 0; i < linear.in(); i++) {
      sum += (double) x[row * linear.in() + i] * w[column * linear.in() + i];
    }
    if (!(Math.abs(sum - store.y()[at]) < 1e-3)) {
      throw new IllegalStateException("wrong product: " + store.y()[at] + ", expected " + sum);
    }
  }

  /** Measures what the machine does without products, and forgets the iteration before. */
  @Setup(Level.Iteration)
  public void startIteration() {
    sustained = fma.sustained(workers);
    shares.clear();
    ceilings.clear();
  }

  /** Measures the ceiling at the clock of the product before. */
  @TearDown(Level.Invocation)
  public void endInvocation() {
    double ceiling = fma.measure(workers);
    shares.set(shares.size() - 1, shares.getLast() / ceiling);
    ceilings.add(ceiling);
  }

  /** Prints the medians of the last iteration. */
  @TearDown
  public void tearDown() {
    workers.close();
    System.out.printf(
        Locale.ROOT,
        "%nGEMM %s M=%d threads=%d: %.3f of the FMA ceiling (%.1f GFLOP/s; %.1f without"
            + " products)%n",
        layer,
        m,
        threads,
        median(shares),
        median(ceilings),
        sustained);
  }

  private static double median(List<Double> values) {
    return Median.of(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /**
   * One product.
   *
   * @return the result
   */
  @Benchmark
  public float[] multiply() {
    long start = System.nanoTime();
    linear.apply(workers, scratch, x, rows, store);
    long nanos = System.nanoTime() - start;
    shares.add(2.0 * m * linear.in() * linear.out() / nanos);
    return store.y();
  }
}
