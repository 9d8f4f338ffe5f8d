package lazydit.engine;

import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.RowKernels;

/**
 * Layer normalisation without affine parameters, modulated by a shift and a scale per sample:
 * {@code y = (x - mean) / sqrt(variance + eps) * (1 + scale) + shift} (adaLN, Peebles and Xie 2023,
 * section 3.2). The variance is the biased one.
 */
public final class LayerNorm {
  /** Rows at a time: few enough to be in the L1 or L2 cache still when a probe reads them. */
  private static final int ROWS = 64;

  private LayerNorm() {}

  /**
   * A vector w whose dot product with every normalised row is wanted, for the score of a gate.
   *
   * @param weights where w lies
   * @param offset its first element
   * @param dots receives a dot product for every row
   */
  public record Probe(float[] weights, int offset, float[] dots) {}

  /**
   * What is to be known of rows before they can be normalised.
   *
   * @param means of the differences from a row's first feature, {@code [rows]}
   * @param factors {@code 1 / sqrt(variance + eps)}, {@code [rows]}
   */
  public record Moments(float[] means, float[] factors) {
    /**
     * Room for the moments of some rows.
     *
     * @param rows how many
     * @return moments to be filled
     */
    public static Moments of(int rows) {
      return new Moments(new float[rows], new float[rows]);
    }
  }

  /**
   * Takes the moments of all rows, for {@link Prologue.ModulatedNorm}, and with a probe what the
   * rows' dot products will be once they are normalised and modulated.
   *
   * @param workers who works
   * @param x {@code [rows, width]}; only to be read
   * @param rows how many rows
   * @param width features of a row
   * @param eps added to the variance
   * @param moments receives the moments of every row
   * @param shift a vector for every row
   * @param scale a vector for every row, for the same groups as the shift
   * @param probe a dot product to take for every row, or null
   */
  public static void moments(
      Workers workers,
      float[] x,
      int rows,
      int width,
      float eps,
      Moments moments,
      PerGroup shift,
      PerGroup scale,
      Probe probe) {
    RowKernels kernels = Kernels.active().rows();
    float[] means = moments.means;
    float[] factors = moments.factors;
    workers.forEach(
        rows,
        (worker, from, to) -> {
          for (int r = from; r < to; ) {
            int count = Math.min(to - r, Math.min(shift.run(r), ROWS));
            kernels.moments(x, r * width, count, width, eps, means, factors, r);
            if (probe != null) {
              float[] w = probe.weights;
              float offset = kernels.dot(shift.values(), shift.at(r), w, probe.offset, width);
              kernels.normDots(
                  x,
                  r * width,
                  count,
                  width,
                  means,
                  factors,
                  w,
                  probe.offset,
                  scale.values(),
                  scale.at(r),
                  offset,
                  probe.dots,
                  r);
            }
            r += count;
          }
        });
  }

  /**
   * Normalises and modulates all rows.
   *
   * @param workers who works
   * @param x {@code [rows, width]}; only to be read
   * @param rows how many rows
   * @param width features of a row
   * @param eps added to the variance
   * @param shift a vector for every row
   * @param scale a vector for every row, for the same groups as the shift
   * @param y receives {@code [rows, width]}
   */
  public static void modulate(
      Workers workers,
      float[] x,
      int rows,
      int width,
      float eps,
      PerGroup shift,
      PerGroup scale,
      float[] y) {
    RowKernels kernels = Kernels.active().rows();
    workers.forEach(
        rows,
        (worker, from, to) -> {
          for (int r = from; r < to; ) {
            int count = Math.min(to - r, shift.run(r));
            int at = r * width;
            kernels.modulatedNorm(
                x,
                at,
                count,
                width,
                eps,
                shift.values(),
                shift.at(r),
                scale.values(),
                scale.at(r),
                y,
                at);
            r += count;
          }
        });
  }

  /**
   * Normalises all rows without modulation.
   *
   * @param x {@code [rows, width]}; only to be read
   * @param rows how many rows
   * @param width features of a row
   * @param eps added to the variance
   * @param y receives {@code [rows, width]}
   */
  public static void apply(float[] x, int rows, int width, float eps, float[] y) {
    for (int r = 0; r < rows; r++) {
      Kernels.active().rows().norm(x, r * width, width, eps, y, r * width);
    }
  }

  /**
   * Normalises all rows with weights and biases of their own: {@code norm(x) * weight + bias}.
   *
   * @param x {@code [rows, width]}
   * @param rows how many rows
   * @param weight {@code [width]}
   * @param bias {@code [width]}
   * @param eps added to the variance
   * @param y receives {@code [rows, width]}; may be x
   */
  public static void affine(
      float[] x, int rows, float[] weight, float[] bias, float eps, float[] y) {
    int width = weight.length;
    RowKernels kernels = Kernels.active().rows();
    for (int r = 0; r < rows; r++) {
      kernels.affineNorm(x, r * width, width, eps, weight, bias, y, r * width);
    }
  }
}
