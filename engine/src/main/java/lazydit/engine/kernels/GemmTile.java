package lazydit.engine.kernels;

import java.lang.foreign.MemorySegment;

/**
 * The innermost part of a matrix product: one tile of C kept in registers.
 *
 * <pre>C[r][j] = sum over k of A[r][k] * B[k][j],  r &lt; rows(), j &lt; columns()</pre>
 *
 * <p>A is packed in panels of {@link #rows()} rows, k-major: {@code a[ao + k * rows() + r]}. B is
 * packed in panels of {@link #columns()} columns, k-major and 64-byte aligned off the heap, because
 * a 512-bit load that straddles two cache lines costs twice (heap arrays start 16 bytes after an
 * 8-byte boundary: measured 8 to 14 % of the whole product). C is a dense, aligned scratch tile.
 */
public interface GemmTile {
  /**
   * @return rows of a tile, and of a panel of A
   */
  int rows();

  /**
   * @return columns of a tile, and of a panel of B
   */
  int columns();

  /**
   * Computes one tile.
   *
   * @param a packed rows
   * @param ao where this tile's panel starts in {@code a}
   * @param b packed columns, float32 in native order
   * @param bo byte offset of the panel in {@code b}
   * @param k length of the sums
   * @param c receives {@code [rows(), columns()]} float32 values
   * @param co byte offset of the tile in {@code c}
   * @param accumulate whether to add to what {@code c} holds, rather than replace it
   */
  void multiply(
      float[] a,
      int ao,
      MemorySegment b,
      long bo,
      int k,
      MemorySegment c,
      long co,
      boolean accumulate);
}
