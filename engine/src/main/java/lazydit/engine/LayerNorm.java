package lazydit.engine;

import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.RowKernels;

/**
 * Layer normalisation without affine parameters, modulated by a shift and a scale per sample:
 * {@code y = (x - mean) / sqrt(variance + eps) * (1 + scale) + shift} (adaLN, Peebles and Xie 2023,
 * section 3.2). The variance is the biased one.
 */
public final class LayerNorm {
  /** Rows at a time: few enough to be in the L1 or L2 cache still when the probe reads them. */
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
   * @param probe a dot product to take of every row of y while it is in the cache, or null
   */
  public static void modulate(
      Workers workers,
      float[] x,
      int rows,
      int width,
      float eps,
      PerGroup shift,
      PerGroup scale,
      float[] y,
      Probe probe) {
    RowKernels kernels = Kernels.active().rows();
    workers.forEach(
        rows,
        (worker, from, to) -> {
          for (int r = from; r < to; ) {
            int shiftAt = shift.at(r);
            int scaleAt = scale.at(r);
            int end = Math.min(to, r + Math.min(shift.run(r), ROWS));
            int at = r * width;
            kernels.modulatedNorm(
                x,
                at,
                end - r,
                width,
                eps,
                shift.values(),
                shiftAt,
                scale.values(),
                scaleAt,
                y,
                at);
            for (; r < end; r++) {
              if (probe != null) {
                probe.dots()[r] = kernels.dot(y, r * width, probe.weights(), probe.offset(), width);
              }
            }
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
