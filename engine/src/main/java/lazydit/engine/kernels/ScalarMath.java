package lazydit.engine.kernels;

/** The elementwise functions, each correctly rounded or close to it by way of float64. */
final class ScalarMath {
  private static final double TWO_SQRT_2_OVER_PI = 2 * Math.sqrt(2 / Math.PI);

  /** Beyond it silu' is 0 or 1 in float32; an infinity would make it NaN. */
  private static final double SILU_BOUND = 200;

  private ScalarMath() {}

  static float exp(float x) {
    return (float) Math.exp(x);
  }

  static float tanh(float x) {
    return (float) Math.tanh(x);
  }

  static float sigmoid(float x) {
    return (float) (1 / (1 + Math.exp(-x)));
  }

  static float silu(float x) {
    return (float) (x / (1 + Math.exp(-(double) x)));
  }

  static float gelu(float x) {
    double u = TWO_SQRT_2_OVER_PI * (x + 0.044715 * x * x * (double) x);
    return (float) (x / (1 + Math.exp(-u)));
  }

  /** The derivative of gelu. */
  static double geluSlope(double x) {
    double s = 1 / (1 + Math.exp(-TWO_SQRT_2_OVER_PI * x * (1 + 0.044715 * x * x)));
    return s + s * (1 - s) * x * TWO_SQRT_2_OVER_PI * (1 + 3 * 0.044715 * x * x);
  }

  /** The derivative of silu. */
  static double siluSlope(float x) {
    double bounded = Math.clamp(x, -SILU_BOUND, SILU_BOUND);
    double s = 1 / (1 + Math.exp(-bounded));
    return s + s * (1 - s) * bounded;
  }
}
