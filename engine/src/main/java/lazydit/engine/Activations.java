package lazydit.engine;

import lazydit.engine.kernels.Kernels;

/**
 * Elementwise functions over float32, within 3 units in the last place of the exact value (gelu and
 * silu: of their argument's). {@code x} and {@code y} may be the same array.
 */
public final class Activations {
  private Activations() {}

  /**
   * y = e to the x.
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void exp(float[] x, float[] y) {
    Kernels.active().elements().exp(x, 0, y, 0, x.length);
  }

  /**
   * y = tanh(x).
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void tanh(float[] x, float[] y) {
    Kernels.active().elements().tanh(x, 0, y, 0, x.length);
  }

  /**
   * y = 1 / (1 + exp(-x)).
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void sigmoid(float[] x, float[] y) {
    Kernels.active().elements().sigmoid(x, 0, y, 0, x.length);
  }

  /**
   * y = x * sigmoid(x).
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void silu(float[] x, float[] y) {
    Kernels.active().elements().silu(x, 0, y, 0, x.length);
  }

  /**
   * y = gelu(x), the tanh approximation: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void gelu(float[] x, float[] y) {
    Kernels.active().elements().gelu(x, 0, y, 0, x.length);
  }
}
