package lazydit.engine;

/**
 * Rows of numbers as 8-bit integers: {@code w = scale * q} with q from -127 to 127, a scale for
 * every row and no zero point. What {@link WeightType#INT8} keeps, and files hold.
 */
public final class Int8 {
  /** The largest integer that numbers become. */
  public static final int LARGEST = 127;

  private Int8() {}

  /**
   * The scale with which a row's largest number becomes {@link #LARGEST}.
   *
   * @param row the numbers
   * @return it; 0 for a row of zeros; NaN or infinite where a number is
   */
  public static float scale(float[] row) {
    float largest = 0;
    for (float value : row) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest / LARGEST;
  }

  /**
   * {@return the nearest of the integers, ties to even; 0 when the scale is 0, as it is for rows of
   * zeros and of some denormal numbers}
   *
   * @param value any finite number
   * @param scale of its row
   */
  public static byte round(float value, float scale) {
    return scale == 0 ? 0 : nearest(value / scale, -LARGEST);
  }

  /**
   * The integer that a number was made of, if need be the one that no number becomes, -128.
   *
   * @param value an integer times the scale, rounded to float32
   * @param scale above 0
   */
  static byte recover(float value, float scale) {
    return nearest(value / scale, Byte.MIN_VALUE);
  }

  /** Adding 1.5 * 2^23 leaves the nearest whole number in the lowest bits. */
  private static byte nearest(float number, float least) {
    float within = number < least ? least : number > LARGEST ? LARGEST : number;
    return (byte) Float.floatToRawIntBits(within + 0x1.8p23f);
  }
}
