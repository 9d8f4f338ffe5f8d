package lazydit.engine.kernels;

import java.lang.foreign.MemorySegment;

/** From 8-bit integers, a scale for every column, to float32. */
public interface Int8Kernel {
  /**
   * Makes float32 of rows: each integer times its column's scale.
   *
   * @param from rows of integers
   * @param at byte offset of the first one
   * @param rows how many
   * @param columns integers of a row; of vector kernels twice the lanes
   * @param scales of the columns
   * @param first where the first column's is
   * @param to byte offset in {@link Operands#MEMORY} of what they become
   */
  void unpack(
      MemorySegment from, long at, int rows, int columns, float[] scales, int first, long to);
}
