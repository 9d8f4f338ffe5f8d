package lazydit.engine.kernels;

import static java.nio.ByteOrder.nativeOrder;
import static jdk.incubator.vector.VectorOperators.LSHL;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** Bfloat16 to float32: of each vector of pairs two vectors, as wide as a panel of B. */
final class VectorBfloat16 implements Bfloat16Kernel {
  private static final VectorSpecies<Integer> S =
      VectorSpecies.of(int.class, Lanes.FLOATS.vectorShape());

  private static final int BYTES = Lanes.COUNT * Integer.BYTES;

  @Override
  public void unpack(MemorySegment from, long at, int rows, int columns, long to) {
    if (columns != 2 * Lanes.COUNT) {
      throw new IllegalArgumentException("A row is two vectors, not " + columns + " values.");
    }
    for (int r = 0; r < rows; r++) {
      IntVector pairs = IntVector.fromMemorySegment(S, from, at + (long) r * BYTES, nativeOrder());
      long target = to + 2L * r * BYTES;
      pairs.lanewise(LSHL, 16).intoMemorySegment(Operands.MEMORY, target, nativeOrder());
      pairs.and(0xffff0000).intoMemorySegment(Operands.MEMORY, target + BYTES, nativeOrder());
    }
  }
}
