package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.nio.ByteOrder.nativeOrder;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * 13 rows by 2 vectors, for machines with 32 vector registers (AVX-512): 26 accumulators, 2 for B,
 * and 4 for the broadcasts of A.
 *
 * <p>One step of the sum: 2 loads of B, 13 broadcasts of A, 26 fused multiply-adds and one read
 * ahead, so 13 cycles of two FMA units against 8 of two load units: bound by arithmetic. The inner
 * loop compiles to 51 instructions without a spill; the taller the tile, the fewer bytes come from
 * the L2 cache per multiply-add (14 a cycle here).
 *
 * <p>Written out by hand: an accumulator in an array, or passed to a method, would leave its
 * register. (A method for the stores at the end was not inlined any more after some of its calls,
 * and the vectors went there as objects: 1500 cycles a tile.)
 *
 * <p>The tile alone, all operands in the L2 cache, reaches 0.90 of the FMA ceiling; its loop copied
 * into C gets 0.92. {@code lazydit bench sweep} times it beside other tiles, with W from beyond
 * that cache: the losers, such as 14 x 2 and those with two steps a round (spills), or 24 x 1 (a
 * load for each multiply-add), are in the table of {@code bench/README.md}.
 */
final class VectorTile13x2 implements GemmTile {
  private static final int ROWS = 13;
  private static final int MAX_DEPTH = 1152;

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
    return 1200 * 1024;
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
    FloatVector c9a = FloatVector.zero(S);
    FloatVector c9b = FloatVector.zero(S);
    FloatVector c10a = FloatVector.zero(S);
    FloatVector c10b = FloatVector.zero(S);
    FloatVector c11a = FloatVector.zero(S);
    FloatVector c11b = FloatVector.zero(S);
    FloatVector c12a = FloatVector.zero(S);
    FloatVector c12b = FloatVector.zero(S);
    long seen = 0;
    for (int i = 0; i < depth; i++) {
      seen |= next.get(JAVA_LONG_UNALIGNED, ahead + (long) i * AHEAD);
      long bi = bo + (long) i * ROW_BYTES;
      FloatVector ba = FloatVector.fromMemorySegment(S, b, bi, nativeOrder());
      FloatVector bb = FloatVector.fromMemorySegment(S, b, bi + VECTOR_BYTES, nativeOrder());
      FloatVector a0 = FloatVector.broadcast(S, a[ao + i + 0 * STRIDE]);
      c0a = a0.fma(ba, c0a);
      c0b = a0.fma(bb, c0b);
      FloatVector a1 = FloatVector.broadcast(S, a[ao + i + 1 * STRIDE]);
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
      FloatVector a9 = FloatVector.broadcast(S, a[ao + i + 9 * STRIDE]);
      c9a = a9.fma(ba, c9a);
      c9b = a9.fma(bb, c9b);
      FloatVector a10 = FloatVector.broadcast(S, a[ao + i + 10 * STRIDE]);
      c10a = a10.fma(ba, c10a);
      c10b = a10.fma(bb, c10b);
      FloatVector a11 = FloatVector.broadcast(S, a[ao + i + 11 * STRIDE]);
      c11a = a11.fma(ba, c11a);
      c11b = a11.fma(bb, c11b);
      FloatVector a12 = FloatVector.broadcast(S, a[ao + i + 12 * STRIDE]);
      c12a = a12.fma(ba, c12a);
      c12b = a12.fma(bb, c12b);
    }
    if (accumulate) {
      c0a = c0a.add(FloatVector.fromArray(S, c, co + 0 * COLUMNS));
      c0b = c0b.add(FloatVector.fromArray(S, c, co + 0 * COLUMNS + LANES));
      c1a = c1a.add(FloatVector.fromArray(S, c, co + 1 * COLUMNS));
      c1b = c1b.add(FloatVector.fromArray(S, c, co + 1 * COLUMNS + LANES));
      c2a = c2a.add(FloatVector.fromArray(S, c, co + 2 * COLUMNS));
      c2b = c2b.add(FloatVector.fromArray(S, c, co + 2 * COLUMNS + LANES));
      c3a = c3a.add(FloatVector.fromArray(S, c, co + 3 * COLUMNS));
      c3b = c3b.add(FloatVector.fromArray(S, c, co + 3 * COLUMNS + LANES));
      c4a = c4a.add(FloatVector.fromArray(S, c, co + 4 * COLUMNS));
      c4b = c4b.add(FloatVector.fromArray(S, c, co + 4 * COLUMNS + LANES));
      c5a = c5a.add(FloatVector.fromArray(S, c, co + 5 * COLUMNS));
      c5b = c5b.add(FloatVector.fromArray(S, c, co + 5 * COLUMNS + LANES));
      c6a = c6a.add(FloatVector.fromArray(S, c, co + 6 * COLUMNS));
      c6b = c6b.add(FloatVector.fromArray(S, c, co + 6 * COLUMNS + LANES));
      c7a = c7a.add(FloatVector.fromArray(S, c, co + 7 * COLUMNS));
      c7b = c7b.add(FloatVector.fromArray(S, c, co + 7 * COLUMNS + LANES));
      c8a = c8a.add(FloatVector.fromArray(S, c, co + 8 * COLUMNS));
      c8b = c8b.add(FloatVector.fromArray(S, c, co + 8 * COLUMNS + LANES));
      c9a = c9a.add(FloatVector.fromArray(S, c, co + 9 * COLUMNS));
      c9b = c9b.add(FloatVector.fromArray(S, c, co + 9 * COLUMNS + LANES));
      c10a = c10a.add(FloatVector.fromArray(S, c, co + 10 * COLUMNS));
      c10b = c10b.add(FloatVector.fromArray(S, c, co + 10 * COLUMNS + LANES));
      c11a = c11a.add(FloatVector.fromArray(S, c, co + 11 * COLUMNS));
      c11b = c11b.add(FloatVector.fromArray(S, c, co + 11 * COLUMNS + LANES));
      c12a = c12a.add(FloatVector.fromArray(S, c, co + 12 * COLUMNS));
      c12b = c12b.add(FloatVector.fromArray(S, c, co + 12 * COLUMNS + LANES));
    }
    c0a.intoArray(c, co + 0 * COLUMNS);
    c0b.intoArray(c, co + 0 * COLUMNS + LANES);
    c1a.intoArray(c, co + 1 * COLUMNS);
    c1b.intoArray(c, co + 1 * COLUMNS + LANES);
    c2a.intoArray(c, co + 2 * COLUMNS);
    c2b.intoArray(c, co + 2 * COLUMNS + LANES);
    c3a.intoArray(c, co + 3 * COLUMNS);
    c3b.intoArray(c, co + 3 * COLUMNS + LANES);
    c4a.intoArray(c, co + 4 * COLUMNS);
    c4b.intoArray(c, co + 4 * COLUMNS + LANES);
    c5a.intoArray(c, co + 5 * COLUMNS);
    c5b.intoArray(c, co + 5 * COLUMNS + LANES);
    c6a.intoArray(c, co + 6 * COLUMNS);
    c6b.intoArray(c, co + 6 * COLUMNS + LANES);
    c7a.intoArray(c, co + 7 * COLUMNS);
    c7b.intoArray(c, co + 7 * COLUMNS + LANES);
    c8a.intoArray(c, co + 8 * COLUMNS);
    c8b.intoArray(c, co + 8 * COLUMNS + LANES);
    c9a.intoArray(c, co + 9 * COLUMNS);
    c9b.intoArray(c, co + 9 * COLUMNS + LANES);
    c10a.intoArray(c, co + 10 * COLUMNS);
    c10b.intoArray(c, co + 10 * COLUMNS + LANES);
    c11a.intoArray(c, co + 11 * COLUMNS);
    c11b.intoArray(c, co + 11 * COLUMNS + LANES);
    c12a.intoArray(c, co + 12 * COLUMNS);
    c12b.intoArray(c, co + 12 * COLUMNS + LANES);
    return seen;
  }
}
