package lazydit.engine.kernels;

import java.lang.foreign.MemorySegment;

/** The softmax of attention, over the columns of a tile of transposed scores. */
public interface SoftmaxKernel {
  /**
   * Replaces each score by {@code exp(score - max of its column)} and gives each column's {@code 1
   * / sum}, by which its result is multiplied in the end: one multiplication a feature instead of
   * one a score.
   *
   * <p>Columns are queries, so that maximum and sum run straight down, lane by lane, and no lane
   * ever needs its neighbour.
   *
   * @param scores {@code [keys, columns]} float32 from byte offset {@code so}
   * @param keys how many rows
   * @param columns how many columns, a multiple of the vector length
   * @param inverse receives {@code columns} float32 values from byte offset {@code io}
   */
  void columns(
      MemorySegment scores, long so, int keys, int columns, MemorySegment inverse, long io);
}
