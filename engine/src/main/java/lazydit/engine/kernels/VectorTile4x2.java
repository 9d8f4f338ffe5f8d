package lazydit.engine.kernels;

import static java.nio.ByteOrder.nativeOrder;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * 4 rows by 2 vectors, for machines with 16 vector registers (SSE, AVX2, NEON): 8 accumulators hide
 * the latency of two FMA units, 2 registers hold B and the rest the broadcasts of A.
 *
 * <p>6 rows by 2 vectors looks better on paper (12 accumulators) and loses on 16 registers: C2
 * hoists the broadcasts and spills one accumulator, which puts memory on the critical path.
 */
final class VectorTile4x2 implements GemmTile {
  private static final int ROWS = 4;
  private static final int MAX_DEPTH = 576;

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
    return 288 * 1024;
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
    }
    store(c0a, c, co, 0, 0);
    store(c0b, c, co, 0, 1);
    store(c1a, c, co, 1, 0);
    store(c1b, c, co, 1, 1);
    store(c2a, c, co, 2, 0);
    store(c2b, c, co, 2, 1);
    store(c3a, c, co, 3, 0);
    store(c3b, c, co, 3, 1);
  }

  private static FloatVector load(float[] c, int co, int row, int vector) {
    return FloatVector.fromArray(S, c, co + row * COLUMNS + vector * Lanes.COUNT);
  }

  private static void store(FloatVector x, float[] c, int co, int row, int vector) {
    x.intoArray(c, co + row * COLUMNS + vector * Lanes.COUNT);
  }
}
