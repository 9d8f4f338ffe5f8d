package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PhiloxNoiseTest {
  /** Known answers published with Random123, the authors' implementation. */
  @Test
  void philoxKnownAnswers() {
    assertBlock("00000000 00000000 00000000 00000000", 0, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8");
    assertBlock(
        "ffffffff ffffffff ffffffff ffffffff", -1, -1, "408f276d 41c83b0e a20bc7c6 6d5451fd");
    assertBlock(
        "243f6a88 85a308d3 13198a2e 03707344",
        0xa4093822,
        0x299f31d0,
        "d16cfe09 94fdcceb 5001e420 24126ea1");
  }

  private static void assertBlock(String counter, int key0, int key1, String expected) {
    int[] words = words(counter);
    PhiloxNoise.philox(words, key0, key1);
    assertArrayEquals(words(expected), words);
  }

  private static int[] words(String hex) {
    return Arrays.stream(hex.split(" ")).mapToInt(w -> Integer.parseUnsignedInt(w, 16)).toArray();
  }

  /** Written from the class's description in another language; a seed must never change. */
  @Test
  void valuesArePinned() {
    float[] values = new float[6];
    PhiloxNoise.fill((7L << 32) + 42, (1L << 32) + 3, 2, values, 0, values.length);
    float[] expected = {
      -1.136518f, -0.0458786413f, 0.127746895f, 0.45551917f, 1.12000096f, -0.513307452f
    };
    assertArrayEquals(expected, values);
  }

  @Property(tries = 200)
  void splittingABatchChangesNothing(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 9) int sampleSize,
      @ForAll @IntRange(min = 2, max = 7) int samples,
      @ForAll @IntRange(min = 1, max = 6) int cut,
      @ForAll @IntRange(max = 1000) int draw) {
    int first = Math.min(cut, samples - 1);
    float[] whole = draw(seed, 0, samples, sampleSize, draw);
    float[] head = draw(seed, 0, first, sampleSize, draw);
    float[] tail = draw(seed, first, samples - first, sampleSize, draw);
    assertArrayEquals(head, Arrays.copyOf(whole, head.length));
    assertArrayEquals(tail, Arrays.copyOfRange(whole, head.length, whole.length));
  }

  private static float[] draw(long seed, long first, int samples, int sampleSize, int draw) {
    float[] values = new float[samples * sampleSize];
    Noise.philox(seed, first, sampleSize).draw(draw, values);
    return values;
  }

  @Property(tries = 100)
  void everyPartOfTheNameMatters(@ForAll long seed, @ForAll @IntRange(max = 1 << 20) int draw) {
    float[] values = draw(seed, 5, 1, 8, draw);
    assertDiffers(values, draw(seed ^ 1, 5, 1, 8, draw));
    assertDiffers(values, draw(seed ^ 1L << 63, 5, 1, 8, draw));
    assertDiffers(values, draw(seed, 5 + (1L << 32), 1, 8, draw));
    assertDiffers(values, draw(seed, 6, 1, 8, draw));
    assertDiffers(values, draw(seed, 5, 1, 8, draw + 1));
  }

  private static void assertDiffers(float[] a, float[] b) {
    for (int i = 0; i < a.length; i++) {
      assertTrue(a[i] != b[i], "value " + i);
    }
  }

  @Test
  void valuesAreStandardNormal() {
    assertStandardNormal(draw(42, 0, 64, 784, 0));
    // One value of each of many samples and draws: streams are independent of one another.
    float[] across = new float[50_000];
    for (int i = 0; i < across.length; i++) {
      PhiloxNoise.fill(7, i / 50, i % 50, across, i, 1);
    }
    assertStandardNormal(across);
  }

  @Test
  void neighboursAreUncorrelated() {
    float[] values = draw(3, 0, 64, 784, 1);
    for (int lag : new int[] {1, 2, 3, 4, 784}) {
      double sum = 0;
      for (int i = lag; i < values.length; i++) {
        sum += values[i] * values[i - lag];
      }
      assertEquals(0, sum / Math.sqrt(values.length - lag), 4, "lag " + lag);
    }
  }

  /** Moments and Kolmogorov-Smirnov, each within about four standard deviations. */
  static void assertStandardNormal(float[] values) {
    int n = values.length;
    double[] moments = new double[5];
    for (float value : values) {
      for (int k = 1; k <= 4; k++) {
        moments[k] += Math.pow(value, k) / n;
      }
    }
    assertEquals(0, moments[1], 4 / Math.sqrt(n), "mean");
    assertEquals(1, moments[2], 4 * Math.sqrt(2.0 / n), "variance");
    assertEquals(0, moments[3], 4 * Math.sqrt(15.0 / n), "skewness");
    assertEquals(3, moments[4], 4 * Math.sqrt(96.0 / n), "kurtosis");
    float[] sorted = values.clone();
    Arrays.sort(sorted);
    double distance = 0;
    for (int i = 0; i < n; i++) {
      double expected = normalDistribution(sorted[i]);
      distance = Math.max(distance, Math.max((i + 1.0) / n - expected, expected - (double) i / n));
    }
    assertTrue(distance * Math.sqrt(n) < 1.95, "Kolmogorov-Smirnov, p < 0.001: " + distance);
  }

  /** The integral of the bell curve, by Simpson's rule. */
  private static double normalDistribution(double x) {
    int intervals = 64;
    double step = x / intervals;
    double sum = 1 + Math.exp(-x * x / 2);
    for (int i = 1; i < intervals; i++) {
      sum += (i % 2 == 0 ? 2 : 4) * Math.exp(-i * step * i * step / 2);
    }
    return 0.5 + sum * step / 3 / Math.sqrt(2 * Math.PI);
  }
}
