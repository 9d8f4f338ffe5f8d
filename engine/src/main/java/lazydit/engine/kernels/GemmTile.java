package lazydit.engine.kernels;

import java.lang.foreign.MemorySegment;

/**
 * The innermost part of a matrix product: one tile of C kept in registers.
 *
 * <pre>C[r][j] = sum over i of A[r][i] * B[i][j],  r &lt; rows(), j &lt; columns()</pre>
 *
 * <p>A lies in panels of {@link #rows()} rows, each row {@link #rowStride()} floats after the one
 * before: a constant, so that one address register serves all rows, and packing is a plain copy of
 * rows (interleaving them by k instead costs a scalar store per element and was 5 to 15 % slower on
 * the whole product).
 *
 * <p>B is packed in panels of {@link #columns()} columns, k-major and 64-byte aligned off the heap,
 * because a 512-bit load that straddles two cache lines costs twice (heap arrays start 16 bytes
 * after an 8-byte boundary: 8 to 14 % of the whole product). C is a dense scratch tile on the heap,
 * where the epilogue that follows reads it without a segment's checks.
 */
public interface GemmTile {
  /**
   * Bytes of B read ahead in each step of a sum. Java has no prefetch instruction, but a load that
   * nothing waits for does the same: a panel comes from the L3 cache behind 16 tiles of arithmetic.
   * Without it products take 6 to 10 % longer; 4 bytes a step gain nothing, and the same reads in
   * bursts between the tiles cost up to 0.07 of the ceiling.
   */
  int AHEAD = Long.BYTES;

  /** {@return rows of a tile, and of a panel of A} */
  int rows();

  /** {@return columns of a tile, and of a panel of B} */
  int columns();

  /** {@return the longest sum one call may take; longer ones are cut and accumulated} */
  int maxDepth();

  /** {@return floats from one row of a panel of A to the next} */
  int rowStride();

  /** {@return how many bytes of A should be worked through before B moves on: half of an L2} */
  int blockBytes();

  /**
   * Computes one tile.
   *
   * @param a rows of A
   * @param ao where this tile's panel starts in {@code a}
   * @param b packed columns, float32 in native order
   * @param bo byte offset of the panel in {@code b}
   * @param depth length of the sums, at most {@link #maxDepth()}
   * @param c receives {@code [rows(), columns()]} float32 values
   * @param co where the tile starts in {@code c}
   * @param accumulate whether to add to what {@code c} holds, rather than replace it
   * @param next memory that a later call needs: {@code b} itself, or what its panel is made from
   * @param ahead byte offset in {@code next} of {@code AHEAD * depth} bytes that are read along the
   *     way and dropped, so that the later call finds them in the cache; for none, bytes that are
   *     in the cache
   * @return some bits of what was read ahead, of no meaning: whoever drops them lets the compiler
   *     drop the reads too
   */
  long multiply(
      float[] a,
      int ao,
      MemorySegment b,
      long bo,
      int depth,
      float[] c,
      int co,
      boolean accumulate,
      MemorySegment next,
      long ahead);

  /**
   * The part of the next panel that one tile of a block should read ahead: the {@code i}-th tile
   * the {@code i}-th part, and the block together as much of the panel as it has tiles for.
   *
   * @param next byte offset of the next panel
   * @param i which tile of its block, from 0
   * @param depth length of the tile's sums
   * @param panelBytes how long the next panel is; packed values count as they lie in memory
   * @param end bytes of the memory that {@code next} points into
   * @param instead what to read when that part would reach beyond the panel or {@code end}
   * @return byte offset of {@code AHEAD * depth} bytes, or {@code instead}
   */
  static long ahead(long next, int i, int depth, long panelBytes, long end, long instead) {
    long part = (long) AHEAD * depth;
    long at = next + i * part;
    return (i + 1) * part <= panelBytes && at + part <= end ? at : instead;
  }
}
