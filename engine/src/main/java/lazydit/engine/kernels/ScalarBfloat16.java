package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Bfloat16 to float32, pair by pair. */
final class ScalarBfloat16 implements Bfloat16Kernel {
  @Override
  public void unpack(MemorySegment from, long at, int rows, int columns, long to) {
    int half = columns / 2;
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < half; j++) {
        int pair = from.get(JAVA_INT_UNALIGNED, at + ((long) r * half + j) * Integer.BYTES);
        long target = to + ((long) r * columns + j) * Float.BYTES;
        Operands.MEMORY.set(JAVA_FLOAT_UNALIGNED, target, Float.intBitsToFloat(pair << 16));
        Operands.MEMORY.set(
            JAVA_FLOAT_UNALIGNED,
            target + (long) half * Float.BYTES,
            Float.intBitsToFloat(pair & 0xffff0000));
      }
    }
  }
}
