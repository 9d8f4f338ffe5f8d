package lazydit.engine;

import lazydit.engine.kernels.GradientKernels;
import lazydit.engine.kernels.Kernels;

/**
 * The way back through {@link LayerNorm#modulate}: y = z * (1 + scale) + shift with z = (x - mean)
 * / sqrt(variance + eps), the sums of shift and scale running over the rows of a group.
 *
 * <p>Threads share the groups, so that each sum has one owner.
 */
public final class LayerNormGradient {
  private LayerNormGradient() {}

  /**
   * Adds to the gradients of the input, and of shift and scale.
   *
   * @param workers who works
   * @param x what was normalised, {@code [rows, width]}; only to be read
   * @param rows how many rows
   * @param width features of a row
   * @param eps added to the variance
   * @param scale a vector for every row
   * @param dy the gradient of the result, {@code [rows, width]}; only to be read
   * @param dx is added to, {@code [rows, width]}
   * @param dShift is added to; a vector of its own for every group of the scale's, or null when
   *     this gradient and that of the scale are not wanted
   * @param dScale is added to, like {@code dShift}
   */
  public static void modulate(
      Workers workers,
      float[] x,
      int rows,
      int width,
      float eps,
      PerGroup scale,
      float[] dy,
      float[] dx,
      PerGroup dShift,
      PerGroup dScale) {
    GradientKernels kernels = Kernels.active().gradients();
    int each = scale.each();
    workers.forEach(
        (rows + each - 1) / each,
        (worker, from, to) -> {
          for (int r = from * each; r < Math.min(to * each, rows); r++) {
            int at = r * width;
            kernels.modulatedNorm(
                x,
                at,
                width,
                eps,
                scale.values(),
                scale.at(r),
                dy,
                at,
                dx,
                at,
                dShift == null ? null : dShift.values(),
                dShift == null ? 0 : dShift.at(r),
                dScale == null ? null : dScale.values(),
                dScale == null ? 0 : dScale.at(r));
          }
        });
  }
}
