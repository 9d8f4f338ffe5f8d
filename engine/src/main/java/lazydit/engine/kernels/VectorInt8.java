package lazydit.engine.kernels;

import static java.nio.ByteOrder.nativeOrder;
import static jdk.incubator.vector.VectorOperators.B2F;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Integers to float32: of each row, a vector of half the size, two vectors. */
final class VectorInt8 implements Int8Kernel {
  private static final VectorSpecies<Byte> S =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(2 * Lanes.COUNT * Byte.SIZE));

  private static final int COLUMNS = 2 * Lanes.COUNT;
  private static final int VECTOR_BYTES = Lanes.COUNT * Float.BYTES;

  @Override
  public void unpack(
      MemorySegment from, long at, int rows, int columns, float[] scales, int first, long to) {
    if (columns != COLUMNS) {
      throw new IllegalArgumentException("A row is two vectors, not " + columns + " values.");
    }
    FloatVector left = FloatVector.fromArray(Lanes.FLOATS, scales, first);
    FloatVector right = FloatVector.fromArray(Lanes.FLOATS, scales, first + Lanes.COUNT);
    for (int r = 0; r < rows; r++) {
      ByteVector row =
          ByteVector.fromMemorySegment(S, from, at + (long) r * COLUMNS, nativeOrder());
      FloatVector a = (FloatVector) row.convertShape(B2F, Lanes.FLOATS, 0);
      FloatVector b = (FloatVector) row.convertShape(B2F, Lanes.FLOATS, 1);
      long target = to + 2L * r * VECTOR_BYTES;
      a.mul(left).intoMemorySegment(Operands.MEMORY, target, nativeOrder());
      b.mul(right).intoMemorySegment(Operands.MEMORY, target + VECTOR_BYTES, nativeOrder());
    }
  }
}
