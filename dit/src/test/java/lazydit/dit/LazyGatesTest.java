package lazydit.dit;

import static lazydit.dit.Samples.SMALL;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Learned gates: who decides what, what is kept, and that every sample goes its own way. */
class LazyGatesTest {
  private static final int STEPS = 6;
  private static final int BATCH = 3;
  private static final int D = SMALL.hiddenSize();
  private static final int GATES = STEPS * SMALL.depth() * D;
  private static final int[] LABELS = {1, 3, SMALL.nullClass()};
  private static final float[] TIMESTEPS = {0, 200, 400, 599, 799, 999};
  private static final Workers WORKERS = new Workers(2);
  private static final RandomWeights WEIGHTS = new RandomWeights(SMALL, 21);
  private static final Dit DIT = new Dit(SMALL, WEIGHTS);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  /** Gates that send every sample its own way. */
  private static LazyGates mixed() {
    return gates(Samples.normal(22, GATES), Samples.normal(23, GATES), 0.5f, 0.5f);
  }

  private static LazyGates gates(float[] attn, float[] mlp, float attnBelow, float mlpBelow) {
    return new LazyGates(STEPS, SMALL.depth(), D, attn, mlp, attnBelow, mlpBelow);
  }

  /** Another input at every step, as a sampler would give it. */
  private static float[] images(int step) {
    return Samples.images(SMALL, BATCH, 100 + step);
  }

  private static DitRun start(CachePolicy policy, int batch, int[] labels) {
    DitRun run = DIT.newRun(batch, STEPS, policy, WORKERS);
    run.condition(TIMESTEPS, labels);
    return run;
  }

  /** Outputs of all steps, from the last index to 0. */
  private static float[][] sample(DitRun run) {
    int batch = run.statistics().batch();
    float[][] out = new float[STEPS][batch * SMALL.outputLength()];
    for (int step = STEPS - 1; step >= 0; step--) {
      run.forward(Arrays.copyOf(images(step), batch * SMALL.inputLength()), step, out[step]);
    }
    return out;
  }

  private static float[][] sample(CachePolicy policy) {
    return sample(start(policy, BATCH, LABELS));
  }

  /** What section 3 of the method says, for one sample in float64. */
  private static final class Reference implements ReferenceDit.BranchRule {
    private final float[] attn;
    private final float[] mlp;
    private final Map<String, double[]> cache = new HashMap<>();
    private final LazyStatistics statistics;
    private final int sample;
    private int step;

    Reference(float[] attn, float[] mlp, LazyStatistics statistics, int sample) {
      this.attn = attn;
      this.mlp = mlp;
      this.statistics = statistics;
      this.sample = sample;
    }

    @Override
    public double[] output(int block, Branch branch, double[] z, UnaryOperator<double[]> f) {
      String place = block + branch.label();
      double[] cached = cache.get(place);
      boolean reuse = false;
      if (cached != null) {
        float[] w = branch == Branch.ATTN ? attn : mlp;
        double logit = 0;
        for (int i = 0; i < z.length; i++) {
          logit += z[i] * w[(step * SMALL.depth() + block) * D + i % D];
        }
        reuse = 1 / (1 + Math.exp(-logit)) < 0.5;
        assertEquals(logit, statistics.logit(step, block, branch, sample), 1e-3);
        assertTrue(Math.abs(logit) > 1e-3, "too near to the threshold to tell");
      }
      assertEquals(reuse, statistics.reused(step, block, branch, sample), place + " at " + step);
      if (!reuse) {
        cached = f.apply(z);
        cache.put(place, cached);
      }
      return cached;
    }
  }

  @Test
  void decisionsAndOutputsAreThoseOfTheDefinition() {
    float[] attn = Samples.normal(22, GATES);
    float[] mlp = Samples.normal(23, GATES);
    DitRun run = start(gates(attn, mlp, 0.5f, 0.5f), BATCH, LABELS);
    float[][] out = sample(run);
    ReferenceDit dit = new ReferenceDit(SMALL, WEIGHTS);
    for (int b = 0; b < BATCH; b++) {
      Reference rule = new Reference(attn, mlp, run.statistics(), b);
      for (int step = STEPS - 1; step >= 0; step--) {
        rule.step = step;
        float[] image = Samples.part(images(step), b, BATCH);
        double[] expected = dit.forward(image, TIMESTEPS[step], LABELS[b], rule);
        Samples.assertClose(expected, Samples.part(out[step], b, BATCH), 1e-5, "step " + step);
      }
    }
    double ratio = run.statistics().ratio();
    assertTrue(ratio > 0.2 && ratio < 0.7, "gates that decide both ways, not " + ratio);
  }

  @Test
  void aMixedBatchIsItsSamplesByThemselves() {
    DitRun together = start(mixed(), BATCH, LABELS);
    float[][] all = sample(together);
    boolean disagree = false;
    for (int b = 0; b < BATCH; b++) {
      DitRun alone = start(mixed(), 1, new int[] {LABELS[b]});
      for (int step = STEPS - 1; step >= 0; step--) {
        float[] out = new float[SMALL.outputLength()];
        alone.forward(Samples.part(images(step), b, BATCH), step, out);
        Samples.assertBits(Samples.part(all[step], b, BATCH), out, "step " + step);
        for (int block = 0; block < SMALL.depth(); block++) {
          for (Branch branch : Branch.values()) {
            boolean own = alone.statistics().reused(step, block, branch, 0);
            assertEquals(own, together.statistics().reused(step, block, branch, b));
            disagree |= own != together.statistics().reused(step, block, branch, 0);
          }
        }
      }
    }
    assertTrue(disagree, "samples of a batch decide differently");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 5})
  void anyNumberOfThreadsDecidesTheSame(int threads) {
    float[][] expected = sample(mixed());
    try (Workers workers = new Workers(threads)) {
      DitRun run = DIT.newRun(BATCH, STEPS, mixed(), workers);
      run.condition(TIMESTEPS, LABELS);
      assertSameBits(expected, sample(run));
    }
  }

  @Test
  void gatesOfZeroComputeEverything() {
    DitRun run = start(gates(new float[GATES], new float[GATES], 0.5f, 0.5f), BATCH, LABELS);
    assertSameBits(sample(CachePolicy.none()), sample(run));
    LazyStatistics s = run.statistics();
    assertEquals(0, s.ratio());
    assertEquals(0.5f, s.score(2, 1, Branch.MLP, 1));
    assertTrue(s.gated(2, 1, Branch.MLP));
    assertFalse(s.gated(STEPS - 1, 1, Branch.MLP), "no gate at the first step");
    assertTrue(Float.isNaN(s.score(STEPS - 1, 1, Branch.MLP, 1)));
  }

  /** A score at the threshold computes, one below it reuses; each branch has its own. */
  @Test
  void thresholdsOfTheBranches() {
    float[] zero = new float[GATES];
    float above = Math.nextUp(0.5f);
    assertRatios(gates(zero, zero, above, 0.5f), 5 / 6.0, 0);
    assertRatios(gates(zero, zero, 0.5f, above), 0, 5 / 6.0);
    assertRatios(gates(zero, zero, above, above), 5 / 6.0, 5 / 6.0);
    float[] any = Samples.normal(1, GATES);
    assertRatios(gates(any, any, 0, 0), 0, 0);
  }

  private static void assertRatios(LazyGates gates, double attn, double mlp) {
    DitRun run = start(gates, BATCH, LABELS);
    sample(run);
    LazyStatistics s = run.statistics();
    assertEquals(attn, s.ratio(Branch.ATTN), 1e-12);
    assertEquals(mlp, s.ratio(Branch.MLP), 1e-12);
    assertEquals((attn + mlp) / 2, s.ratio(), 1e-12);
    long all = (long) STEPS * SMALL.depth() * BATCH;
    assertEquals(all, s.evaluations(Branch.ATTN));
    assertEquals(Math.round(attn * all), s.reused(Branch.ATTN));
    for (int block = 0; block < SMALL.depth(); block++) {
      assertFalse(s.reused(STEPS - 1, block, Branch.ATTN, 0), "the first step computes");
    }
  }

  @Test
  void aGateOfNaNComputes() {
    float[] nan = new float[GATES];
    Arrays.fill(nan, Float.NaN);
    DitRun run = start(gates(nan, nan, 0.5f, 0.5f), BATCH, LABELS);
    assertSameBits(sample(CachePolicy.none()), sample(run));
    assertEquals(0, run.statistics().ratio());
  }

  @Test
  void resetStartsClean() {
    DitRun run = start(mixed(), BATCH, LABELS);
    float[][] first = sample(run);
    double ratio = run.statistics().ratio();
    run.reset();
    assertEquals(0, run.statistics().evaluations(Branch.ATTN));
    assertFalse(run.statistics().evaluated(0));
    // Left in the middle, after other inputs.
    run.forward(images(77), STEPS - 1, new float[BATCH * SMALL.outputLength()]);
    run.forward(images(78), 2, new float[BATCH * SMALL.outputLength()]);
    run.reset();
    assertSameBits(first, sample(run));
    assertEquals(ratio, run.statistics().ratio());
  }

  @Test
  void resetTakesFewerSamples() {
    int[] two = Arrays.copyOf(LABELS, 2);
    float[][] expected = sample(start(mixed(), 2, two));
    DitRun run = start(mixed(), BATCH, LABELS);
    float[][] all = sample(run);
    run.reset(2);
    assertThrows(IllegalStateException.class, () -> run.forward(new float[0], 0, new float[0]));
    run.condition(TIMESTEPS, two);
    assertSameBits(expected, sample(run));
    assertEquals((long) STEPS * SMALL.depth() * 2, run.statistics().evaluations(Branch.MLP));
    run.reset(BATCH);
    run.condition(TIMESTEPS, LABELS);
    assertSameBits(all, sample(run));
    assertThrows(LazyDitException.class, () -> run.reset(BATCH + 1));
    assertThrows(LazyDitException.class, () -> run.reset(0));
  }

  @Test
  void runsDoNotLeakIntoOneAnother() {
    LazyGates policy = mixed();
    float[][] expected = sample(policy);
    DitRun a = start(policy, BATCH, LABELS);
    DitRun b = start(policy, BATCH, new int[] {0, 0, 0});
    for (int step = STEPS - 1; step >= 0; step--) {
      float[] out = new float[BATCH * SMALL.outputLength()];
      a.forward(images(step), step, out);
      Samples.assertBits(expected[step], out, "step " + step);
      b.forward(images(step + 50), step, out);
    }
  }

  @Test
  void gatesOfAnotherNetworkAreRefused() {
    assertThrows(LazyDitException.class, () -> gates(new float[GATES - 1], new float[GATES], 0, 0));
    assertThrows(LazyDitException.class, () -> gates(new float[GATES], new float[GATES + 1], 0, 0));
    LazyGates other = new LazyGates(1, 1, D, new float[D], new float[D], 0.5f, 0.5f);
    String message =
        assertThrows(LazyDitException.class, () -> DIT.newRun(1, 1, other, WORKERS)).getMessage();
    assertTrue(message.contains("1 blocks of 24 features"), message);
  }

  private static void assertSameBits(float[][] expected, float[][] found) {
    for (int step = 0; step < expected.length; step++) {
      Samples.assertBits(expected[step], found[step], "step " + step);
    }
  }
}
