package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import lazydit.engine.LazyDitException;
import lazydit.sampler.GaussianDiffusion.Prediction;
import lazydit.sampler.GaussianDiffusion.Variance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Single steps against the reference, whose rows are each at a step of their own. */
class DiffusionStepTest {
  private static final GoldenFile GOLDEN = GoldenFile.load("diffusion_steps");
  private static final int SAMPLE_SIZE = 4 * 8 * 8;
  private static final NoiseSchedule TEN_STEPS = NoiseSchedule.linear(1000).respace("10");

  private static void assertGolden(String tensor, float[] actual) {
    float[] expected = GOLDEN.floats(tensor);
    double tolerance = GOLDEN.tolerance(tensor);
    assertEquals(expected.length, actual.length, tensor);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], tolerance, tensor + " at " + i);
    }
  }

  @Test
  void forwardProcess() {
    GaussianDiffusion diffusion =
        GaussianDiffusion.dit(NoiseSchedule.linear(1000), true, SAMPLE_SIZE);
    float[] xStart = GOLDEN.floats("in.q.x_start");
    float[] noise = GOLDEN.floats("in.q.noise");
    int[] t = GOLDEN.ints("in.q.t");
    float[] xt = new float[xStart.length];
    float[] mean = new float[xStart.length];
    float[] logVariance = new float[xStart.length];
    for (int row = 0; row < t.length; row++) {
      diffusion.qSample(t[row], row, xStart, noise, xt);
      diffusion.posteriorMean(t[row], row, xStart, xt, mean);
      double value = diffusion.schedule().posteriorLogVarianceClipped(t[row]);
      Arrays.fill(logVariance, row * SAMPLE_SIZE, (row + 1) * SAMPLE_SIZE, (float) value);
    }
    assertGolden("out.q.x_t", xt);
    assertGolden("out.q.posterior_mean", mean);
    assertGolden("out.q.posterior_log_variance", logVariance);
  }

  @ParameterizedTest
  @CsvSource({
    "learned_range, EPS, LEARNED_RANGE, false",
    "learned_range.clip, EPS, LEARNED_RANGE, true",
    "fixed_large, EPS, FIXED_LARGE, false",
    "fixed_small, EPS, FIXED_SMALL, false",
    "predict_xstart, X_START, LEARNED_RANGE, false"
  })
  void backwardStep(String name, Prediction prediction, Variance variance, boolean clip) {
    GaussianDiffusion diffusion =
        new GaussianDiffusion(TEN_STEPS, prediction, variance, clip, SAMPLE_SIZE);
    float[] x = GOLDEN.floats("in.step.x");
    float[] output = modelOutput(diffusion);
    int[] t = GOLDEN.ints("in.step.t");
    float[] xStart = new float[x.length];
    float[] mean = new float[x.length];
    float[] logVariance = new float[x.length];
    float[] varianceOut = new float[x.length];
    for (int row = 0; row < t.length; row++) {
      diffusion.predictXStart(t[row], row, x, output, xStart);
      diffusion.posteriorMean(t[row], row, xStart, x, mean);
      diffusion.logVariance(t[row], row, output, logVariance);
      diffusion.variance(t[row], row, output, varianceOut);
    }
    String prefix = "out.step." + name + ".";
    assertGolden(prefix + "pred_xstart", xStart);
    assertGolden(prefix + "mean", mean);
    assertGolden(prefix + "log_variance", logVariance);
    assertGolden(prefix + "variance", varianceOut);
    assertGolden(prefix + "p_sample", eachRow(diffusion, new DdpmSampler(diffusion)::step));
    assertGolden(prefix + "ddim_eta0", eachRow(diffusion, new DdimSampler(diffusion, 0)::step));
    assertGolden(prefix + "ddim_eta05", eachRow(diffusion, new DdimSampler(diffusion, 0.5)::step));
    DdimSampler ddim = new DdimSampler(diffusion, 0);
    assertGolden(
        prefix + "ddim_reverse",
        eachRow(diffusion, (index, rowX, out, noise) -> ddim.reverseStep(index, rowX, out)));
  }

  @ParameterizedTest
  @EnumSource(
      value = Variance.class,
      names = {"LEARNED_RANGE", "FIXED_LARGE"})
  void logVarianceIsTheLogarithmOfTheVariance(Variance kind) {
    GaussianDiffusion diffusion = new GaussianDiffusion(TEN_STEPS, Prediction.EPS, kind, false, 1);
    float[] variance = new float[1];
    float[] logVariance = new float[1];
    for (int index = 0; index < TEN_STEPS.steps(); index++) {
      diffusion.variance(index, 0, new float[] {0, 0.3f}, variance);
      diffusion.logVariance(index, 0, new float[] {0, 0.3f}, logVariance);
      assertEquals(Math.log(variance[0]), logVariance[0], 1e-6, "index " + index);
    }
  }

  /** The golden output has variance channels; without learned variance the network has none. */
  private static float[] modelOutput(GaussianDiffusion diffusion) {
    float[] full = GOLDEN.floats("in.step.model_output8");
    int rows = GOLDEN.ints("in.step.t").length;
    float[] output = new float[rows * diffusion.outputSize()];
    for (int row = 0; row < rows; row++) {
      int size = diffusion.outputSize();
      System.arraycopy(full, row * 2 * SAMPLE_SIZE, output, row * size, size);
    }
    return output;
  }

  private interface Step {
    void take(int index, float[] x, float[] modelOutput, float[] noise);
  }

  private static float[] eachRow(GaussianDiffusion diffusion, Step step) {
    float[] x = GOLDEN.floats("in.step.x");
    float[] noise = GOLDEN.floats("in.step.noise");
    int[] t = GOLDEN.ints("in.step.t");
    for (int row = 0; row < t.length; row++) {
      float[] rowX = row(x, row, SAMPLE_SIZE);
      float[] rowOutput = row(modelOutput(diffusion), row, diffusion.outputSize());
      step.take(t[row], rowX, rowOutput, row(noise, row, SAMPLE_SIZE));
      System.arraycopy(rowX, 0, x, row * SAMPLE_SIZE, SAMPLE_SIZE);
    }
    return x;
  }

  private static float[] row(float[] values, int row, int size) {
    return Arrays.copyOfRange(values, row * size, (row + 1) * size);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void batchStepsEveryRowAlike(boolean ancestral) {
    GaussianDiffusion diffusion = GaussianDiffusion.dit(TEN_STEPS, true, SAMPLE_SIZE);
    GaussianSampler sampler =
        ancestral ? new DdpmSampler(diffusion) : new DdimSampler(diffusion, 0.7);
    float[] batch = GOLDEN.floats("in.step.x");
    float[] output = GOLDEN.floats("in.step.model_output8");
    float[] noise = GOLDEN.floats("in.step.noise");
    float[] before = batch.clone();
    sampler.step(6, batch, output, noise);
    for (int row = 0; row < 3; row++) {
      float[] alone = row(before, row, SAMPLE_SIZE);
      sampler.step(6, alone, row(output, row, 2 * SAMPLE_SIZE), row(noise, row, SAMPLE_SIZE));
      assertArrayEquals(alone, row(batch, row, SAMPLE_SIZE));
    }
  }

  @Test
  void stepsWithoutNoiseDoNotReadIt() {
    GaussianDiffusion diffusion = GaussianDiffusion.dit(TEN_STEPS, false, 1);
    float[] nan = {Float.NaN};
    for (GaussianSampler sampler :
        new GaussianSampler[] {
          new DdpmSampler(diffusion), new DdimSampler(diffusion, 0), new DdimSampler(diffusion, 1)
        }) {
      for (int index = 0; index < sampler.steps(); index++) {
        float[] x = {0.5f};
        sampler.step(index, x, new float[] {0.1f}, nan);
        assertEquals(sampler.usesNoise(index), Float.isNaN(x[0]), sampler + " at " + index);
      }
      assertFalse(sampler.usesNoise(0));
    }
  }

  @Test
  void reverseStepIsUndoneByAStep() {
    // With the same eps both ways, DDIM is an exact change of variables.
    GaussianDiffusion diffusion = GaussianDiffusion.dit(TEN_STEPS, false, 4);
    DdimSampler ddim = new DdimSampler(diffusion, 0);
    float[] x = {-1, -0.25f, 0.5f, 2};
    float[] eps = {0.3f, -1.2f, 0, 0.9f};
    float[] moved = x.clone();
    ddim.reverseStep(4, moved, eps);
    ddim.step(5, moved, eps, null);
    assertArrayEquals(x, moved, 1e-5f);
  }

  @Test
  void clippedPredictionStaysInRangeAtExtremes() {
    GaussianDiffusion diffusion =
        new GaussianDiffusion(TEN_STEPS, Prediction.EPS, Variance.LEARNED_RANGE, true, 1);
    float[] x = {3e4f};
    float[] xStart = new float[1];
    diffusion.predictXStart(9, 0, x, new float[] {-3e4f, 0}, xStart);
    assertEquals(1, xStart[0]);
    new DdimSampler(diffusion, 0).step(9, x, new float[] {-3e4f, 0}, null);
    assertTrue(Float.isFinite(x[0]));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void oneStepScheduleGivesThePrediction(boolean learnSigma) {
    NoiseSchedule oneStep = NoiseSchedule.linear(1000).respace("1");
    GaussianDiffusion diffusion = GaussianDiffusion.dit(oneStep, learnSigma, 1);
    for (GaussianSampler sampler :
        new GaussianSampler[] {new DdpmSampler(diffusion), new DdimSampler(diffusion, 1)}) {
      float[] x = {0.7f};
      float[] output = {0.2f, 5};
      float[] xStart = new float[1];
      diffusion.predictXStart(0, 0, x, output, xStart);
      sampler.step(0, x, output, null);
      assertEquals(xStart[0], x[0], 1e-6f);
    }
  }

  @Test
  void badParametersAreRefused() {
    GaussianDiffusion diffusion = GaussianDiffusion.dit(TEN_STEPS, true, 1);
    for (double eta : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThrows(LazyDitException.class, () -> new DdimSampler(diffusion, eta));
    }
    assertThrows(LazyDitException.class, () -> GaussianDiffusion.dit(TEN_STEPS, true, 0));
  }
}
