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

  /**
   * What {@link #modulate} needs to know of consecutive rows: the means of {@code x - x[0]}, and
   * {@code 1 / sqrt(variance + eps)}.
   *
   * @param rows how many rows
   * @param n features, at least 1
   * @param means receives a mean for every row
   * @param factors receives a factor for every row
   * @param at where the first row's go
   */
  void moments(
      float[] x, int xo, int rows, int n, float eps, float[] means, float[] factors, int at);

  /**
   * {@link #modulatedNorm} of a row, or of a part of it, whose moments are known.
   *
   * @param origin the row's first feature
   */
  void modulate(
      float[] x,
      int xo,
      int n,
      float origin,
      float mean,
      float factor,
      float[] shift,
      int so,
      float[] scale,
      int co,
      float[] y,
      int yo);

  /**
   * Dot products of w with consecutive rows that are normalised and scaled, without writing those:
   * {@code dots = offset + sum w * (x - mean) / sqrt(variance + eps) * (1 + scale)}.
   *
   * @param at where the first row's mean, factor and dot product are
   */
  void normDots(
      float[] x,
      int xo,
      int rows,
      int n,
      float[] means,
      float[] factors,
      float[] w,
      int wo,
      float[] scale,
      int co,
      float offset,
      float[] dots,
      int at);

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
