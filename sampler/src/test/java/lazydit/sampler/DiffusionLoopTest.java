package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DiffusionLoopTest {
  private static final int SAMPLE_SIZE = 6;
  private static final int SAMPLES = 400;
  private static final NoiseSchedule SCHEDULE = NoiseSchedule.linear(1000).respace("250");

  /**
   * For data that is N(mean, spread^2) the perfect denoiser is known, and sampling in many steps
   * must give that distribution back.
   */
  private static DiffusionLoop.Denoiser perfectDenoiser(double mean, double spread) {
    return (x, index, output) -> {
      double abar = SCHEDULE.alphaCumprod(index);
      double variance = abar * spread * spread + 1 - abar;
      for (int i = 0; i < x.length; i++) {
        double eps = Math.sqrt(1 - abar) * (x[i] - Math.sqrt(abar) * mean) / variance;
        output[i] = (float) eps;
      }
    };
  }

  private static Sampler sampler(String name) {
    GaussianDiffusion diffusion = GaussianDiffusion.dit(SCHEDULE, false, SAMPLE_SIZE);
    return switch (name) {
      case "ddim0" -> new DdimSampler(diffusion, 0);
      case "ddim1" -> new DdimSampler(diffusion, 1);
      case "dpm++" ->
          DpmSolverSampler.of(
              NoiseSchedule.linear(1000), SCHEDULE.steps(), SAMPLE_SIZE, SAMPLE_SIZE);
      default -> new DdpmSampler(diffusion);
    };
  }

  @ParameterizedTest
  @CsvSource({"ddim0", "ddim1", "ddpm"})
  void perfectDenoiserGivesTheDataBack(String name) {
    float[] samples =
        new DiffusionLoop(sampler(name), SAMPLES)
            .run(
                perfectDenoiser(0.4, 0.3),
                Noise.philox(1, 0, SAMPLE_SIZE),
                () -> false,
                (index, x) -> {});
    double mean = 0;
    double square = 0;
    for (float value : samples) {
      mean += value / samples.length;
      square += value * value / samples.length;
    }
    assertEquals(0.4, mean, 0.02, "mean");
    assertEquals(0.3, Math.sqrt(square - mean * mean), 0.02, "spread");
  }

  @ParameterizedTest
  @CsvSource({"ddim0", "ddim1", "ddpm", "dpm++"})
  void batchingAndRepeatingChangeNothing(String name) {
    DiffusionLoop.Denoiser denoiser = perfectDenoiser(-0.2, 0.5);
    float[] whole = run(name, denoiser, 0, 5);
    assertArrayEquals(whole, run(name, denoiser, 0, 5));
    float[] joined = new float[whole.length];
    for (int sample = 0; sample < 5; sample++) {
      float[] alone = run(name, denoiser, sample, 1);
      System.arraycopy(alone, 0, joined, sample * SAMPLE_SIZE, SAMPLE_SIZE);
    }
    assertArrayEquals(whole, joined);
  }

  private static float[] run(String name, DiffusionLoop.Denoiser denoiser, int first, int count) {
    return new DiffusionLoop(sampler(name), count)
        .run(denoiser, Noise.philox(9, first, SAMPLE_SIZE), () -> false, (index, x) -> {});
  }

  @Test
  void stepsRunDownToZeroAndAreReported() {
    List<Integer> asked = new ArrayList<>();
    List<Integer> reported = new ArrayList<>();
    List<Integer> drawn = new ArrayList<>();
    new DiffusionLoop(sampler("ddpm"), 1)
        .run(
            (x, index, output) -> asked.add(index),
            (draw, values) -> drawn.add(draw),
            () -> false,
            (index, x) -> reported.add(index));
    List<Integer> expected = new ArrayList<>();
    for (int index = 249; index >= 0; index--) {
      expected.add(index);
    }
    assertEquals(expected, asked);
    assertEquals(expected, reported);
    assertEquals(250, drawn.size(), "the start and every step but the last");
    assertEquals(249, drawn.getLast());
  }

  @Test
  void cancellingStopsBeforeTheNextStep() {
    List<Integer> asked = new ArrayList<>();
    DiffusionLoop loop = new DiffusionLoop(sampler("ddim0"), 1);
    CancellationException cancelled =
        assertThrows(
            CancellationException.class,
            () ->
                loop.run(
                    (x, index, output) -> asked.add(index),
                    Noise.philox(0, 0, SAMPLE_SIZE),
                    () -> asked.size() == 3,
                    (index, x) -> {}));
    assertEquals(List.of(249, 248, 247), asked);
    assertEquals("Cancelled before step 4 of 250.", cancelled.getMessage());
  }
}
