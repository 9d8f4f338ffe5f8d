package lazydit.engine.kernels;

/**
 * Exp and what is made of it, element by element: {@code y[yo + i] = f(x[xo + i])}, i &lt; n.
 *
 * <p>Exp, tanh and sigmoid are within 3 units in the last place of the exact value, silu and gelu
 * within 3 of their argument's. All do as {@link Math} for NaN, the infinities and -0, and may work
 * in place.
 */
public interface ElementKernels {
  /** e to the x. */
  void exp(float[] x, int xo, float[] y, int yo, int n);

  /** Hyperbolic tangent. */
  void tanh(float[] x, int xo, float[] y, int yo, int n);

  /** 1 / (1 + exp(-x)). */
  void sigmoid(float[] x, int xo, float[] y, int yo, int n);

  /** x * sigmoid(x). */
  void silu(float[] x, int xo, float[] y, int yo, int n);

  /** GELU in its tanh approximation: x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x^3)). */
  void gelu(float[] x, int xo, float[] y, int yo, int n);
}
