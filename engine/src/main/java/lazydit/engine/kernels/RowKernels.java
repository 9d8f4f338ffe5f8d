package lazydit.engine.kernels;

/** Operations on the features of one token. */
public interface RowKernels {
  /**
   * Normalises and modulates consecutive rows by the same vectors: {@code y = (x - mean) /
   * sqrt(variance + eps) * (1 + scale) + shift}, with the biased variance.
   *
   * <p>Mean and variance are taken of {@code x - x[0]}, which is exact where the spread is small
   * beside the offset, so that rows such as 10000 +- 0.01 keep their digits without a pass in
   * float64.
   *
   * @param rows how many rows, at least 1
   * @param n features, at least 1
   */
  void modulatedNorm(
      float[] x,
      int xo,
      int rows,
      int n,
      float eps,
      float[] shift,
      int so,
      float[] scale,
      int co,
      float[] y,
      int yo);

  /** Normalises a row without modulation. */
  void norm(float[] x, int xo, int n, float eps, float[] y, int yo);

  /** Normalises a row with weights and biases of its own: {@link #norm} * weight + bias. */
  void affineNorm(
      float[] x, int xo, int n, float eps, float[] weight, float[] bias, float[] y, int yo);

  /** Scales a row by its root mean square: {@code y = x / sqrt(mean(x^2) + eps) * weight}. */
  void rmsNorm(float[] x, int xo, int n, float eps, float[] weight, float[] y, int yo);

  /** {@link #rmsNorm} * (1 + scale) + shift. */
  void modulatedRmsNorm(
      float[] x,
      int xo,
      int n,
      float eps,
      float[] weight,
      float[] shift,
      int so,
      float[] scale,
      int co,
      float[] y,
      int yo);

  /**
   * Turns each pair of neighbours by its angle, in place: {@code x[i] = x[i] * cos[i] + x[i ^ 1] *
   * sin[i]}, where the sine of the first of a pair is negative.
   *
   * @param n features, even
   */
  void rotate(float[] x, int xo, float[] cos, float[] sin, int to, int n);

  /** {@return the dot product of two rows} */
  float dot(float[] x, int xo, float[] w, int wo, int n);

  /** x += gate * y. */
  void gatedAdd(float[] x, int xo, float[] gate, int go, float[] y, int yo, int n);

  /** y += x. */
  void add(float[] x, int xo, float[] y, int yo, int n);
}
