package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What happens to parameters once they have gradients. */
class OptimiserTest {
  private static final Workers WORKERS = new Workers(3);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  /** Two tensors, the larger one of several pieces of work. */
  private static Parameters parameters() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("a", new long[] {3});
    shapes.put("b", new long[] {17, 2003});
    Parameters parameters = Parameters.of(shapes);
    System.arraycopy(
        Matrices.normal(1, parameters.size(), 0, 1), 0, parameters.values(), 0, parameters.size());
    return parameters;
  }

  private static void gradients(Parameters parameters, int step) {
    float[] drawn = Matrices.normal(100 + step, parameters.size(), 0.1, 0.5);
    parameters.clearGradients();
    System.arraycopy(drawn, 0, parameters.gradients(), 0, drawn.length);
    parameters.touch("b");
    if (step != 1) {
      parameters.touch("a");
    }
  }

  @Test
  void adamWFollowsItsFormulaAndLeavesUntouchedTensorsAlone() {
    Parameters parameters = parameters();
    AdamW optimiser = new AdamW(parameters, 0.9, 0.999, 1e-8, 0.1);
    double[] x = doubles(parameters.values());
    double[] m = new double[x.length];
    double[] v = new double[x.length];
    int[] count = new int[2];
    for (int step = 0; step < 4; step++) {
      gradients(parameters, step);
      optimiser.step(WORKERS, 0.01);
      for (int tensor = 0; tensor < 2; tensor++) {
        if (tensor == 0 && step == 1) {
          continue;
        }
        int t = ++count[tensor];
        for (int i = tensor == 0 ? 0 : 3; i < (tensor == 0 ? 3 : x.length); i++) {
          double g = parameters.gradients()[i];
          x[i] *= 1 - 0.01 * 0.1;
          m[i] = 0.9 * m[i] + 0.1 * g;
          v[i] = 0.999 * v[i] + 0.001 * g * g;
          double root = Math.sqrt(v[i] / (1 - Math.pow(0.999, t)));
          x[i] -= 0.01 * (m[i] / (1 - Math.pow(0.9, t))) / (root + 1e-8);
        }
      }
    }
    for (int i = 0; i < x.length; i++) {
      assertEquals(x[i], parameters.values()[i], 1e-6, "value " + i);
    }
    assertArrayEquals(new long[] {3, 4}, optimiser.steps());
  }

  @Test
  void aRestoredOptimiserGoesOnWithTheSameBits() {
    Parameters whole = parameters();
    AdamW uninterrupted = new AdamW(whole, 0.9, 0.999, 1e-8, 0);
    Parameters second = parameters();
    AdamW before = new AdamW(second, 0.9, 0.999, 1e-8, 0);
    for (int step = 0; step < 2; step++) {
      gradients(whole, step);
      uninterrupted.step(WORKERS, 0.01);
      gradients(second, step);
      before.step(WORKERS, 0.01);
    }
    AdamW after = new AdamW(second, 0.9, 0.999, 1e-8, 0);
    after.restore(before.firstMoments(), before.secondMoments(), before.steps());
    gradients(whole, 2);
    uninterrupted.step(WORKERS, 0.01);
    gradients(second, 2);
    try (Workers one = new Workers(1)) {
      after.step(one, 0.01);
    }
    Bits.assertSame(whole.values(), second.values(), "values");
    assertThrows(
        LazyDitException.class, () -> after.restore(new float[1], new float[1], new long[2]));
  }

  @Test
  void gradientsAreShortenedToTheLimit() {
    Parameters parameters = parameters();
    gradients(parameters, 0);
    double norm = 0;
    for (float g : parameters.gradients()) {
      norm += (double) g * g;
    }
    norm = Math.sqrt(norm);
    assertEquals(norm, GradientNorm.clip(WORKERS, parameters, 2 * norm), 1e-9 * norm);
    assertEquals(norm, GradientNorm.clip(WORKERS, parameters, 1.5), 1e-9 * norm);
    assertEquals(1.5, GradientNorm.of(WORKERS, parameters), 1e-6);
    assertEquals(1.5, GradientNorm.clip(WORKERS, parameters, Double.POSITIVE_INFINITY), 1e-6);
  }

  @Test
  void theAverageMovesTowardsTheParameters() {
    Parameters parameters = parameters();
    float[] begin = parameters.values().clone();
    MovingAverage average = new MovingAverage(parameters);
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < begin.length; i++) {
      parameters.values()[i] = random.nextInt(-9, 9);
    }
    average.update(WORKERS, parameters, 0.75);
    for (int i = 0; i < begin.length; i++) {
      double expected = 0.75 * begin[i] + 0.25 * parameters.values()[i];
      assertEquals(expected, average.values()[i], 1e-6, "value " + i);
    }
  }

  @Test
  void theRateRisesAndFallsAlongACosine() {
    LearningRate rate = new LearningRate(1e-3, 1e-4, 4, 104);
    assertEquals(0.25e-3, rate.at(0), 1e-12);
    assertEquals(1e-3, rate.at(3), 1e-12);
    assertEquals(1e-3, rate.at(4), 1e-12);
    assertEquals(5.5e-4, rate.at(54), 1e-12);
    assertEquals(1e-4, rate.at(104), 1e-12);
    assertEquals(1e-4, rate.at(1000), 1e-12);
    assertEquals(2, new LearningRate(2, 2, 0, 0).at(0));
    assertThrows(LazyDitException.class, () -> new LearningRate(1, 2, 0, 1));
    assertThrows(LazyDitException.class, () -> new LearningRate(1, 0, 2, 1));
  }

  @Test
  void moreParametersThanAnArrayHoldsAreRefused() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("a", new long[] {1L << 30});
    shapes.put("b", new long[] {1L << 40, 1L << 40});
    assertThrows(LazyDitException.class, () -> Parameters.of(shapes));
  }

  private static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = values[i];
    }
    return result;
  }
}
