package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.nio.ByteOrder.nativeOrder;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * 4 rows by 2 vectors, for machines with 16 vector registers (SSE, AVX2, NEON): 8 accumulators hide
 * the latency of two FMA units, 2 registers hold B and the rest the broadcasts of A.
 *
 * <p>6 rows by 2 vectors looks better on paper (12 accumulators) and loses on 16 registers: C2
 * hoists the broadcasts and spills one accumulator, which puts memory on the critical path. The
 * table of the sweep in {@code bench/README.md} has the others.
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
  private static final int LANES = Lanes.COUNT;
  private static final int COLUMNS = 2 * LANES;
  private static final int VECTOR_BYTES = LANES * Float.BYTES;
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
  public long multiply(
      float[] a,
      int ao,
      MemorySegment b,
      long bo,
      int depth,
      float[] c,
      int co,
      boolean accumulate,
      MemorySegment next,
      long ahead) {
    FloatVector c0a = FloatVector.zero(S);
    FloatVector c0b = FloatVector.zero(S);
    FloatVector c1a = FloatVector.zero(S);
    FloatVector c1b = FloatVector.zero(S);
    FloatVector c2a = FloatVector.zero(S);
    FloatVector c2b = FloatVector.zero(S);
    FloatVector c3a = FloatVector.zero(S);
    FloatVector c3b = FloatVector.zero(S);
    long seen = 0;
    for (int i = 0; i < depth; i++) {
      seen |= next.get(JAVA_LONG_UNALIGNED, ahead + (long) i * AHEAD);
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
      c0a = c0a.add(FloatVector.fromArray(S, c, co));
      c0b = c0b.add(FloatVector.fromArray(S, c, co + LANES));
      c1a = c1a.add(FloatVector.fromArray(S, c, co + COLUMNS));
      c1b = c1b.add(FloatVector.fromArray(S, c, co + COLUMNS + LANES));
      c2a = c2a.add(FloatVector.fromArray(S, c, co + 2 * COLUMNS));
      c2b = c2b.add(FloatVector.fromArray(S, c, co + 2 * COLUMNS + LANES));
      c3a = c3a.add(FloatVector.fromArray(S, c, co + 3 * COLUMNS));
      c3b = c3b.add(FloatVector.fromArray(S, c, co + 3 * COLUMNS + LANES));
    }
    c0a.intoArray(c, co);
    c0b.intoArray(c, co + LANES);
    c1a.intoArray(c, co + COLUMNS);
    c1b.intoArray(c, co + COLUMNS + LANES);
    c2a.intoArray(c, co + 2 * COLUMNS);
    c2b.intoArray(c, co + 2 * COLUMNS + LANES);
    c3a.intoArray(c, co + 3 * COLUMNS);
    c3b.intoArray(c, co + 3 * COLUMNS + LANES);
    return seen;
  }
}
