package lazydit.engine;

import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.RowKernels;

/**
 * Root-mean-square normalisation (Zhang and Sennrich 2019) with a weight for every feature, {@code
 * x / sqrt(mean(x^2) + eps) * weight}, plain or modulated by a shift and a scale per sample.
 */
public final class RmsNorm {
  private RmsNorm() {}

  /**
   * Normalises and modulates all rows: {@code y = norm(x) * (1 + scale) + shift}.
   *
   * @param workers who works
   * @param x {@code [rows, width]}; only to be read
   * @param rows how many rows
   * @param eps added to the mean square
   * @param weight {@code [width]}
   * @param shift a vector for every row
   * @param scale a vector for every row, for the same groups as the shift
   * @param y receives {@code [rows, width]}
   * @param probe a dot product to take of every row of y while it is in the cache, or null
   */
  public static void modulate(
      Workers workers,
      float[] x,
      int rows,
      float eps,
      float[] weight,
      PerGroup shift,
      PerGroup scale,
      float[] y,
      LayerNorm.Probe probe) {
    RowKernels kernels = Kernels.active().rows();
    int width = weight.length;
    workers.forEach(
        rows,
        (worker, from, to) -> {
          for (int r = from; r < to; ) {
            int shiftAt = shift.at(r);
            int scaleAt = scale.at(r);
            for (int end = Math.min(to, r + shift.run(r)); r < end; r++) {
              int at = r * width;
              kernels.modulatedRmsNorm(
                  x,
                  at,
                  width,
                  eps,
                  weight,
                  shift.values(),
                  shiftAt,
                  scale.values(),
                  scaleAt,
                  y,
                  at);
              if (probe != null) {
                probe.dots()[r] = kernels.dot(y, at, probe.weights(), probe.offset(), width);
              }
            }
          }
        });
  }

  /**
   * The way back through {@link #modulate} to what was normalised.
   *
   * @param workers who works
   * @param x what was normalised, {@code [rows, width]}; only to be read
   * @param rows how many rows
   * @param eps added to the mean square
   * @param weight {@code [width]}
   * @param scale a vector for every row
   * @param dy the gradient of the result, {@code [rows, width]}; only to be read
   * @param dx is added to, {@code [rows, width]}
   */
  public static void modulateGradient(
      Workers workers,
      float[] x,
      int rows,
      float eps,
      float[] weight,
      PerGroup scale,
      float[] dy,
      float[] dx) {
    int width = weight.length;
    workers.forEach(
        rows,
        (worker, from, to) -> {
          for (int r = from; r < to; r++) {
            int at = r * width;
            Kernels.active()
                .gradients()
                .modulatedRmsNorm(
                    x, at, width, eps, weight, scale.values(), scale.at(r), dy, at, dx, at);
          }
        });
  }

  /**
   * Normalises all rows without modulation.
   *
   * @param x {@code [rows, width]}; only to be read
   * @param rows how many rows
   * @param eps added to the mean square
   * @param weight {@code [width]}
   * @param y receives {@code [rows, width]}; may be x
   */
  public static void apply(float[] x, int rows, float eps, float[] weight, float[] y) {
    int width = weight.length;
    for (int r = 0; r < rows; r++) {
      Kernels.active().rows().rmsNorm(x, r * width, width, eps, weight, y, r * width);
    }
  }
}
