package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import lazydit.engine.LazyDitException;
import lazydit.sampler.DpmSolverSampler.Correction;
import lazydit.sampler.SigmaSchedule.End;
import lazydit.sampler.SigmaSchedule.Spacing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Solvers against equations whose solution is known. */
class OdeSamplerTest {
  private static final NoiseSchedule TRAINING = NoiseSchedule.linear(1000);
  private static final double MEAN = 0.4;
  private static final double SPREAD = 0.3;

  private static float[] solve(Sampler sampler, DiffusionLoop.Denoiser denoiser, float... start) {
    return new DiffusionLoop(sampler, start.length / sampler.sampleSize())
        .run(
            denoiser,
            (draw, values) -> System.arraycopy(start, 0, values, 0, start.length),
            () -> false,
            (index, x) -> {});
  }

  // ---- Euler

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 100})
  void eulerCompoundsADecay(int steps) {
    float[] x =
        solve(
            new EulerSampler(steps, 2, 2),
            (now, index, v) -> {
              v[0] = -now[0];
              v[1] = now[1];
            },
            2,
            -1);
    // Euler's own solution of x' = -x and x' = x; the ODE's is its limit.
    assertEquals(2 * Math.pow(1 - 1.0 / steps, steps), x[0], 1e-5);
    assertEquals(-Math.pow(1 + 1.0 / steps, steps), x[1], 1e-5);
    if (steps == 100) {
      assertEquals(2 * Math.exp(-1), x[0], 0.005);
      assertEquals(-Math.E, x[1], 0.015);
    }
  }

  @Test
  void eulerTellsTheNetworkTimesFromNoiseToData() {
    EulerSampler sampler = new EulerSampler(4, 1, 1);
    assertArrayEquals(new float[] {0.75f, 0.5f, 0.25f, 0}, sampler.timesteps());
    float[] x = solve(sampler, (now, index, v) -> v[0] = sampler.timestep(index), 1);
    assertEquals(1 + (0 + 0.25 + 0.5 + 0.75) / 4, x[0], 1e-6);
  }

  @Test
  void eulerFollowsStraightPathsExactlyAndIgnoresFurtherChannels() {
    float[] noise = {0.5f, -1, 2, 0.25f};
    float[] data = {0.1f, 0.2f, -0.3f, 0.4f};
    float[] x =
        solve(
            new EulerSampler(8, 2, 4),
            (now, index, v) -> {
              for (int i = 0; i < 4; i++) {
                v[i / 2 * 4 + i % 2] = data[i] - noise[i];
                v[i / 2 * 4 + 2 + i % 2] = Float.NaN;
              }
            },
            noise);
    assertArrayEquals(data, x, 1e-6f);
  }

  // ---- DPM-Solver++

  private static DpmSolverSampler solver(SigmaSchedule levels, int order, Correction correction) {
    return new DpmSolverSampler(levels, order, correction, 1, 1);
  }

  /** The exact eps where the data are normal: then the whole flow is known too. */
  private static DiffusionLoop.Denoiser normalData(SigmaSchedule levels) {
    return (x, index, output) -> {
      double sigma = levels.sigma(index);
      double alpha = 1 / Math.sqrt(1 + sigma * sigma);
      double eps = alpha * sigma * (x[0] - alpha * MEAN) / square(spread(sigma));
      output[0] = (float) eps;
    };
  }

  /** The standard deviation at a level. */
  private static double spread(double sigma) {
    return Math.sqrt((square(SPREAD) + square(sigma)) / (1 + square(sigma)));
  }

  private static double square(double x) {
    return x * x;
  }

  private static double error(int steps, int order, Correction correction) {
    SigmaSchedule levels = SigmaSchedule.of(TRAINING, steps, Spacing.KARRAS, End.SIGMA_MIN);
    float start = 1.7f;
    double most = levels.sigma(steps - 1);
    double least = levels.sigma(-1);
    double z = (start - MEAN / Math.sqrt(1 + square(most))) / spread(most);
    double exact = MEAN / Math.sqrt(1 + square(least)) + spread(least) * z;
    float[] x = solve(solver(levels, order, correction), normalData(levels), start);
    return Math.abs(x[0] - exact);
  }

  @ParameterizedTest
  @EnumSource(Correction.class)
  void halvingTheStepQuartersTheErrorOfTheSecondOrder(Correction correction) {
    double second = error(30, 2, correction);
    assertEquals(4, second / error(60, 2, correction), 1);
    double first = error(30, 1, correction);
    assertEquals(2, first / error(60, 1, correction), 0.3);
    assertTrue(second < first / 2, () -> second + " and " + first);
  }

  @ParameterizedTest
  @EnumSource(Spacing.class)
  void levelsRiseWithTheTimesteps(Spacing spacing) {
    for (int steps : new int[] {1, 2, 15, 50}) {
      for (End end : End.values()) {
        SigmaSchedule levels = SigmaSchedule.of(TRAINING, steps, spacing, end);
        assertEquals(steps, levels.steps());
        for (int i = 1; i < steps; i++) {
          assertTrue(levels.timestep(i) >= levels.timestep(i - 1));
          assertTrue(levels.sigma(i) > levels.sigma(i - 1));
        }
        assertTrue(levels.sigma(0) >= levels.sigma(-1) - 1e-9);
        for (Correction correction : Correction.values()) {
          float[] x = solve(solver(levels, 2, correction), normalData(levels), 0.7f);
          assertTrue(Float.isFinite(x[0]));
        }
      }
    }
  }

  @Test
  void moreStepsThanLevelsAreRefused() {
    DpmSolverSampler.of(TRAINING, 999, 1, 1);
    for (int steps : new int[] {0, 1000, 1001}) {
      assertThrows(LazyDitException.class, () -> DpmSolverSampler.of(TRAINING, steps, 1, 1));
    }
    assertThrows(LazyDitException.class, () -> new EulerSampler(0, 1, 1));
    assertThrows(LazyDitException.class, () -> new EulerSampler(1, 2, 1));
  }
}
