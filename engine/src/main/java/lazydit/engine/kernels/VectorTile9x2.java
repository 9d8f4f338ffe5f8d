package lazydit.engine.kernels;

import static java.nio.ByteOrder.nativeOrder;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * 9 rows by 2 vectors, for machines with 32 vector registers (AVX-512): 18 accumulators, 2 for B,
 * and 12 for the broadcasts of A.
 *
 * <p>One step of the sum: 2 loads of B, 9 broadcasts of A, 18 fused multiply-adds, so 9 cycles of
 * two FMA units against 5.5 of two load units: bound by arithmetic. The inner loop compiles to 38
 * instructions without a spill.
 *
 * <p>Written out by hand: an accumulator in an array, or behind a method, would leave its register.
 * 11 and 12 rows (22 and 24 accumulators) lose: C2 hoists eight broadcasts and spills an
 * accumulator, which puts a store and a load on its critical path. 10 rows fit, and were no faster.
 */
final class VectorTile9x2 implements GemmTile {
  private static final int ROWS = 9;
  private static final int MAX_DEPTH = 1152;

  /**
   * A few cache lines more than the depth: rows at a multiple of 4096 bytes would fight for the
   * same lines of the L1 cache.
   */
  private static final int STRIDE = MAX_DEPTH + 16;

  private static final VectorSpecies<Float> S = Lanes.FLOATS;
  private static final int COLUMNS = 2 * Lanes.COUNT;
  private static final int VECTOR_BYTES = Lanes.COUNT * Float.BYTES;
  private static final int ROW_BYTES = COLUMNS * Float.BYTES;

  @Override
  public int rows() {
    return ROWS;
  }

  @Override
  public int columns() {
    return COLUMNS;
  }

  @Override
  public int maxDepth() {
    return MAX_DEPTH;
  }

  @Override
  public int rowStride() {
    return STRIDE;
  }

  @Override
  public int blockBytes() {
    return 1200 * 1024;
  }

  @Override
  public void multiply(
      float[] a,
      int ao,
      MemorySegment b,
      long bo,
      int depth,
      float[] c,
      int co,
      boolean accumulate) {
    FloatVector c0a = FloatVector.zero(S);
    FloatVector c0b = FloatVector.zero(S);
    FloatVector c1a = FloatVector.zero(S);
    FloatVector c1b = FloatVector.zero(S);
    FloatVector c2a = FloatVector.zero(S);
    FloatVector c2b = FloatVector.zero(S);
    FloatVector c3a = FloatVector.zero(S);
    FloatVector c3b = FloatVector.zero(S);
    FloatVector c4a = FloatVector.zero(S);
    FloatVector c4b = FloatVector.zero(S);
    FloatVector c5a = FloatVector.zero(S);
    FloatVector c5b = FloatVector.zero(S);
    FloatVector c6a = FloatVector.zero(S);
    FloatVector c6b = FloatVector.zero(S);
    FloatVector c7a = FloatVector.zero(S);
    FloatVector c7b = FloatVector.zero(S);
    FloatVector c8a = FloatVector.zero(S);
    FloatVector c8b = FloatVector.zero(S);
    for (int i = 0; i < depth; i++) {
      long bi = bo + (long) i * ROW_BYTES;
      FloatVector ba = FloatVector.fromMemorySegment(S, b, bi, nativeOrder());
      FloatVector bb = FloatVector.fromMemorySegment(S, b, bi + VECTOR_BYTES, nativeOrder());
      FloatVector a0 = FloatVector.broadcast(S, a[ao + i]);
      c0a = a0.fma(ba, c0a);
      c0b = a0.fma(bb, c0b);
      FloatVector a1 = FloatVector.broadcast(S, a[ao + i + STRIDE]);
      c1a = a1.fma(ba, c1a);
      c1b = a1.fma(bb, c1b);
      FloatVector a2 = FloatVector.broadcast(S, a[ao + i + 2 * STRIDE]);
      c2a = a2.fma(ba, c2a);
      c2b = a2.fma(bb, c2b);
      FloatVector a3 = FloatVector.broadcast(S, a[ao + i + 3 * STRIDE]);
      c3a = a3.fma(ba, c3a);
      c3b = a3.fma(bb, c3b);
      FloatVector a4 = FloatVector.broadcast(S, a[ao + i + 4 * STRIDE]);
      c4a = a4.fma(ba, c4a);
      c4b = a4.fma(bb, c4b);
      FloatVector a5 = FloatVector.broadcast(S, a[ao + i + 5 * STRIDE]);
      c5a = a5.fma(ba, c5a);
      c5b = a5.fma(bb, c5b);
      FloatVector a6 = FloatVector.broadcast(S, a[ao + i + 6 * STRIDE]);
      c6a = a6.fma(ba, c6a);
      c6b = a6.fma(bb, c6b);
      FloatVector a7 = FloatVector.broadcast(S, a[ao + i + 7 * STRIDE]);
      c7a = a7.fma(ba, c7a);
      c7b = a7.fma(bb, c7b);
      FloatVector a8 = FloatVector.broadcast(S, a[ao + i + 8 * STRIDE]);
      c8a = a8.fma(ba, c8a);
      c8b = a8.fma(bb, c8b);
    }
    if (accumulate) {
      c0a = c0a.add(load(c, co, 0, 0));
      c0b = c0b.add(load(c, co, 0, 1));
      c1a = c1a.add(load(c, co, 1, 0));
      c1b = c1b.add(load(c, co, 1, 1));
      c2a = c2a.add(load(c, co, 2, 0));
      c2b = c2b.add(load(c, co, 2, 1));
      c3a = c3a.add(load(c, co, 3, 0));
      c3b = c3b.add(load(c, co, 3, 1));
      c4a = c4a.add(load(c, co, 4, 0));
      c4b = c4b.add(load(c, co, 4, 1));
      c5a = c5a.add(load(c, co, 5, 0));
      c5b = c5b.add(load(c, co, 5, 1));
      c6a = c6a.add(load(c, co, 6, 0));
      c6b = c6b.add(load(c, co, 6, 1));
      c7a = c7a.add(load(c, co, 7, 0));
      c7b = c7b.add(load(c, co, 7, 1));
      c8a = c8a.add(load(c, co, 8, 0));
      c8b = c8b.add(load(c, co, 8, 1));
    }
    store(c0a, c, co, 0, 0);
    store(c0b, c, co, 0, 1);
    store(c1a, c, co, 1, 0);
    store(c1b, c, co, 1, 1);
    store(c2a, c, co, 2, 0);
    store(c2b, c, co, 2, 1);
    store(c3a, c, co, 3, 0);
    store(c3b, c, co, 3, 1);
    store(c4a, c, co, 4, 0);
    store(c4b, c, co, 4, 1);
    store(c5a, c, co, 5, 0);
    store(c5b, c, co, 5, 1);
    store(c6a, c, co, 6, 0);
    store(c6b, c, co, 6, 1);
    store(c7a, c, co, 7, 0);
    store(c7b, c, co, 7, 1);
    store(c8a, c, co, 8, 0);
    store(c8b, c, co, 8, 1);
  }

  private static FloatVector load(float[] c, int co, int row, int vector) {
    return FloatVector.fromArray(S, c, co + row * COLUMNS + vector * Lanes.COUNT);
  }

  private static void store(FloatVector x, float[] c, int co, int row, int vector) {
    x.intoArray(c, co + row * COLUMNS + vector * Lanes.COUNT);
  }
}
