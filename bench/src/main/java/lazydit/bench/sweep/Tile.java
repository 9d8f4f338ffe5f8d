package lazydit.bench.sweep;

import java.lang.foreign.MemorySegment;

/** A candidate: the engine's micro-kernel without the parts that are the same for all of them. */
public interface Tile {
  /** Floats from one row of A to the next: the longest sum and a cache line. */
  int STRIDE = 1152 + 16;

  /** Bytes of B read ahead in each step of a sum. */
  int AHEAD = Long.BYTES;

  /** {@return rows of a tile} */
  int rows();

  /** {@return columns of a tile} */
  int columns();

  /**
   * Computes one tile of a product.
   *
   * @param a rows of A, {@link #STRIDE} floats apart
   * @param ao where the tile's first row starts in {@code a}
   * @param b a panel of {@link #columns()} columns of B, k-major
   * @param bo byte offset of the panel in {@code b}
   * @param depth length of the sums, even
   * @param c receives {@code [rows(), columns()]} sums
   * @param ahead byte offset in {@code b} of {@code AHEAD * depth} bytes to read and drop
   * @return some bits of what was read ahead
   */
  long multiply(float[] a, int ao, MemorySegment b, long bo, int depth, float[] c, long ahead);
}
