package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;

/** Comparison bit for bit: tells one NaN from another, and 0 from -0. */
public final class Bits {
  private Bits() {}

  /** Fails unless both arrays hold the same bits. */
  public static void assertSame(float[] expected, float[] found, String what) {
    assertArrayEquals(of(expected), of(found), what);
  }

  private static int[] of(float[] values) {
    int[] bits = new int[values.length];
    Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
    return bits;
  }
}
