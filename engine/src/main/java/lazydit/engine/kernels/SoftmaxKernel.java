package lazydit.engine.kernels;

import java.lang.foreign.MemorySegment;

/** The softmax of attention, over the columns of a tile of transposed scores. */
public interface SoftmaxKernel {
  /**
   * Turns scores into weights in proportion to {@code exp((score - max of its column) * scale)},
   * the largest up to 2^24, and gives each column's {@code 1 / sum}, by which its result is
   * multiplied in the end: one multiplication a feature instead of one a score.
   *
   * <p>Columns are queries, so that maximum and sum run straight down, lane by lane, and no lane
   * ever needs its neighbour.
   *
   * @param scores {@code [keys, columns]} from {@code so}; only to be read
   * @param keys how many rows
   * @param columns how many columns, a multiple of the vector length
   * @param scale what differences of scores are multiplied by, positive
   * @param weights receives {@code [keys, columns]} float32 values from its first byte, as the
   *     matrix product reads its B
   * @param inverse receives {@code columns} values from {@code io}
   */
  void columns(
      float[] scores,
      int so,
      int keys,
      int columns,
      float scale,
      MemorySegment weights,
      float[] inverse,
      int io);

  /**
   * Multiplies each column of a result by its {@code 1 / sum}.
   *
   * @param x {@code [rows, columns]} from {@code xo}
   * @param inverse holds {@code columns} values from {@code io}
   */
  void normalise(float[] x, int xo, int rows, int columns, float[] inverse, int io);
}
