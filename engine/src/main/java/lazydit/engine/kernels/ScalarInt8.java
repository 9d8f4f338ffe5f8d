package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Integers to float32, one by one. */
final class ScalarInt8 implements Int8Kernel {
  @Override
  public void unpack(
      MemorySegment from, long at, int rows, int columns, float[] scales, int first, long to) {
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < columns; j++) {
        long i = (long) r * columns + j;
        float value = from.get(JAVA_BYTE, at + i) * scales[first + j];
        Operands.MEMORY.set(JAVA_FLOAT_UNALIGNED, to + i * Float.BYTES, value);
      }
    }
  }
}
