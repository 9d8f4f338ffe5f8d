package lazydit.engine.kernels;

/** The elementwise functions, each correctly rounded or close to it by way of float64. */
final class ScalarMath {
  private static final double TWO_SQRT_2_OVER_PI = 2 * Math.sqrt(2 / Math.PI);

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
}
