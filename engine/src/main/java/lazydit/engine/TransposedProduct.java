package lazydit.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import lazydit.engine.kernels.GemmTile;
import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.TransposeKernel;

/**
 * C += A<sup>T</sup> B for row-major A {@code [rows, m]} and B {@code [rows, n]}: the gradient of a
 * layer's weights, whose sums run over the rows of a batch.
 *
 * <p>The tiles of {@link Linear} do this too once A is turned around on its way into its panels. B
 * is as the kernel wants it, row after row; only its columns are cut into panels. So A should be
 * the narrower of the two, and C may be wanted transposed.
 *
 * <p>Long sums are cut, and each cut's tiles are added to C. Threads share the tiles of C.
 */
final class TransposedProduct {
  /** Rows of A that are turned at a time: few, so that threads share them evenly. */
  private static final int STRIP = 64;

  private final GemmTile tile = Kernels.active().tile();
  private final GemmTile lower = Kernels.active().lower();
  private final Scratch scratch;
  private final float[] a;
  private final int m;
  private final float[] b;
  private final int n;
  private final int panelFloats = tile.rows() * tile.rowStride();
  private final int rowPanels;
  private final int tallPanels;
  private final int columnPanels;

  TransposedProduct(Scratch scratch, float[] a, int m, float[] b, int n) {
    this.scratch = scratch;
    this.a = a;
    this.m = m;
    this.b = b;
    this.n = n;
    rowPanels = (m + tile.rows() - 1) / tile.rows();
    int spare = rowPanels * tile.rows() - m;
    tallPanels = lower != tile && spare <= rowPanels ? rowPanels - spare : rowPanels;
    columnPanels = (n + tile.columns() - 1) / tile.columns();
  }

  /**
   * Computes the product.
   *
   * @param workers who works
   * @param rows the length of the sums
   * @param c is added to
   * @param at where each of the m rows of C begins; of the n rows, if transposed
   * @param transposed whether C is {@code [n, m]}
   */
  void add(Workers workers, int rows, float[] c, int[] at, boolean transposed) {
    int cuts = (rows + tile.maxDepth() - 1) / tile.maxDepth();
    int depth = cuts == 0 ? 0 : (rows + cuts - 1) / cuts;
    float[] packed = scratch.rows(Math.multiplyExact(rowPanels, panelFloats));
    int[] rowAt = scratch.table(0, depth);
    for (int k = 0; k < depth; k++) {
      rowAt[k] = k * m;
    }
    for (int first = 0; first < rows; first += depth) {
      int from = first;
      int length = Math.min(depth, rows - first);
      workers.forEach(
          (length + STRIP - 1) / STRIP,
          (worker, strip, to) ->
              turn(packed, rowAt, from, strip * STRIP, Math.min(to * STRIP, length)));
      workers.forEach(
          rowPanels * columnPanels,
          (worker, unit, to) ->
              multiply(worker, unit, to, packed, from, length, c, at, transposed));
    }
  }

  private int firstRow(int rowPanel) {
    return rowPanel * lower.rows() + Math.min(rowPanel, tallPanels) * (tile.rows() - lower.rows());
  }

  /** Packs columns of A as rows: those parts that rows {@code [from, to)} of a cut give. */
  private void turn(float[] packed, int[] rowAt, int first, int from, int to) {
    TransposeKernel kernel = Kernels.active().transpose();
    for (int k = from; k < to; k += STRIP) {
      int strip = Math.min(STRIP, to - k);
      for (int p = 0; p < rowPanels; p++) {
        int column = firstRow(p);
        int count = Math.min(firstRow(p + 1), m) - column;
        int source = (first + k) * m + column;
        int target = p * panelFloats + k;
        kernel.transpose(a, source, rowAt, strip, count, packed, target, tile.rowStride());
      }
    }
  }

  private void multiply(
      int worker,
      int from,
      int to,
      float[] packed,
      int first,
      int length,
      float[] c,
      int[] at,
      boolean transposed) {
    float[] sums = scratch.tiles(worker, tile.rows() * tile.columns());
    long panelBytes = (long) tile.maxDepth() * tile.columns() * Float.BYTES;
    MemorySegment operands = scratch.operands(worker, panelBytes);
    int loaded = -1;
    for (int unit = from; unit < to; unit++) {
      int panel = unit / rowPanels;
      if (panel != loaded) {
        loadColumns(worker, operands, panel, first, length);
        loaded = panel;
      }
      int i = unit % rowPanels;
      GemmTile kernel = i < tallPanels ? tile : lower;
      kernel.multiply(packed, i * panelFloats, operands, 0, length, sums, 0, false, operands, 0);
      int row = firstRow(i);
      int count = Math.min(firstRow(i + 1), m) - row;
      int column = panel * tile.columns();
      int width = Math.min(tile.columns(), n - column);
      if (transposed) {
        addTransposed(sums, row, count, column, width, c, at);
      } else {
        add(sums, row, count, column, width, c, at);
      }
    }
  }

  private void loadColumns(int worker, MemorySegment operands, int panel, int first, int length) {
    int columns = tile.columns();
    float[] staging = scratch.floats(worker, tile.maxDepth() * columns);
    int column = panel * columns;
    int width = Math.min(columns, n - column);
    if (width < columns) {
      Arrays.fill(staging, 0, length * columns, 0);
    }
    for (int k = 0; k < length; k++) {
      System.arraycopy(b, (first + k) * n + column, staging, k * columns, width);
    }
    MemorySegment.copy(staging, 0, operands, JAVA_FLOAT, 0, length * columns);
  }

  private void add(float[] sums, int row, int count, int column, int width, float[] c, int[] at) {
    for (int r = 0; r < count; r++) {
      int from = r * tile.columns();
      int to = at[row + r] + column;
      for (int j = 0; j < width; j++) {
        c[to + j] += sums[from + j];
      }
    }
  }

  private void addTransposed(
      float[] sums, int row, int count, int column, int width, float[] c, int[] at) {
    for (int j = 0; j < width; j++) {
      int to = at[column + j] + row;
      for (int r = 0; r < count; r++) {
        c[to + r] += sums[r * tile.columns() + j];
      }
    }
  }
}
