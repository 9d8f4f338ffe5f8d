package lazydit.engine.kernels;

/**
 * The softmax of attention, over the columns of a tile of transposed scores: first each column's
 * maximum, then the weights, part by part where there are many keys. The result is divided by their
 * sums in the end: a multiplication a feature, not one a score.
 *
 * <p>Columns are queries, so that maximum and sum run straight down, lane by lane, and no lane ever
 * needs its neighbour.
 */
public interface SoftmaxKernel {
  /**
   * The maximum of each column.
   *
   * @param scores {@code [keys, columns]} from {@code so}; only to be read
   * @param keys how many rows, at least 1
   * @param columns how many columns; of vector kernels twice the lanes
   * @param max receives {@code columns} values from {@code mo}
   */
  void max(float[] scores, int so, int keys, int columns, float[] max, int mo);

  /**
   * Turns scores into weights in proportion to {@code exp((score - max of its column) * scale)},
   * the largest up to 2^24, and adds them to their column's sum.
   *
   * @param scores {@code [keys, columns]} from {@code so}; only to be read
   * @param keys how many rows
   * @param columns how many columns; of vector kernels twice the lanes
   * @param scale what differences of scores are multiplied by, positive
   * @param max holds {@code columns} maxima from {@code mo}
   * @param sums holds {@code columns} sums from {@code uo}, which grow
   * @param to byte offset in {@link Operands#MEMORY} of the weights, {@code [keys, columns]}, as
   *     the matrix product reads its B
   */
  void weigh(
      float[] scores,
      int so,
      int keys,
      int columns,
      float scale,
      float[] max,
      int mo,
      float[] sums,
      int uo,
      long to);
}
