package lazydit.engine.kernels;

import java.lang.foreign.MemorySegment;

/**
 * Between float32 and bfloat16, its upper half. A row of {@code columns} values is kept as half as
 * many ints in native order: int j holds column j in its lower bits and column {@code columns / 2 +
 * j} in its upper ones, so that a shift and a mask of one vector give two vectors of float32.
 */
public interface Bfloat16Kernel {
  /**
   * Makes float32 of rows.
   *
   * @param from packed rows
   * @param at byte offset of the first one
   * @param rows how many
   * @param columns values of a row; of vector kernels twice the lanes
   * @param to byte offset in {@link Operands#MEMORY} of what they become
   */
  void unpack(MemorySegment from, long at, int rows, int columns, long to);

  /**
   * {@return the upper 16 bits of the nearest bfloat16, ties to even; NaN stays NaN}
   *
   * @param value any float32
   */
  static int round(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return bits >>> 16 | 0x40;
    }
    return bits + 0x7fff + (bits >>> 16 & 1) >>> 16;
  }
}
