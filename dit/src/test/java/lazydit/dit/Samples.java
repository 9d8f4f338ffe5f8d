package lazydit.dit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Inputs and comparisons that the tests of the network share. */
final class Samples {
  /** Two blocks and 9 tokens: the smallest network in which everything happens. */
  static final DitConfig SMALL = new DitConfig(6, 2, 3, 24, 2, 3, 96, 4, true);

  private Samples() {}

  static float[] normal(long seed, int size) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  static float[] images(DitConfig config, int batch, long seed) {
    return normal(seed, batch * config.inputLength());
  }

  /** In float64. */
  static double[] widened(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  /** One of several equal parts. */
  static float[] part(float[] values, int index, int parts) {
    int length = values.length / parts;
    return Arrays.copyOfRange(values, index * length, (index + 1) * length);
  }

  static void assertBits(float[] expected, float[] found, String what) {
    assertEquals(expected.length, found.length, what);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(
          Float.floatToRawIntBits(expected[i]),
          Float.floatToRawIntBits(found[i]),
          what + " at " + i);
    }
  }

  /** Within a share of the largest value. */
  static void assertClose(double[] expected, float[] found, double relative, String what) {
    assertEquals(expected.length, found.length, what);
    double scale = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], relative * scale, what + " at " + i);
    }
  }

  static boolean same(float[] a, float[] b) {
    return Arrays.equals(a, b);
  }

  static void assertDiffers(float[] a, float[] b, String what) {
    assertTrue(!same(a, b), what);
  }
}
