package lazydit.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import lazydit.engine.kernels.GemmTile;
import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.TileStores;

/**
 * A convolution as a matrix product whose left matrix is never there (implicit GEMM):
 *
 * <pre>y[pixel][j] = bias[j] + sum over (row, column, channel) of window[pixel][...] * W[j][...]
 * </pre>
 *
 * <p>Images are channels-last, so a window row of k pixels lies in one piece of k * in floats: it
 * is copied with one move into the panel that the tile reads, and what lies outside of the image is
 * zero there. Each thread takes a band of the output's pixels, a block of them at a time: a block's
 * windows stay in the L2 cache while all of W passes over them, so the memory needed is that of a
 * block and not the nine-fold image.
 *
 * <p>Cost: 2 * out operations a gathered float against one float copied, so gathering is 2 to 5 %
 * of the time at 128 outputs and less above.
 */
final class WindowProduct {
  /** Bytes of windows that a thread takes at a time when W stays in the L2 cache: half of an L1. */
  private static final int ROW_BLOCK = 24 << 10;

  private static final int[] NO_OFFSETS = {};

  private final Kernels kernels = Kernels.active();
  private final GemmTile tile = kernels.tile();
  private final int out;
  private final int in;
  private final int size;
  private final int stride;
  private final int depth;
  private final int cuts;
  private final int panels;
  private final MemorySegment packed;
  private final float[] bias;

  /** A gate of 1 for every output: with it a gated addition is a plain one. */
  private final float[] ones;

  /**
   * Packs weights.
   *
   * @param out channels of the output
   * @param in channels of the input
   * @param size k, rows and columns of a window
   * @param stride pixels from one window to the next
   * @param weight gives a row of W in the order (row, column, channel)
   * @param bias {@code [out]}, or null for none
   */
  WindowProduct(int out, int in, int size, int stride, Linear.RowReader weight, float[] bias) {
    if (out < 1 || in < 1 || bias != null && bias.length != out) {
      throw new LazyDitException(
          "A convolution needs channels and a bias of as many values as output channels, not %d to %d with %s."
              .formatted(in, out, bias == null ? "none" : bias.length + " values"));
    }
    this.out = out;
    this.in = in;
    this.size = size;
    this.stride = stride;
    int length = Math.multiplyExact(in, size * size);
    cuts = (length + tile.maxDepth() - 1) / tile.maxDepth();
    depth = (length + cuts - 1) / cuts;
    panels = (out + tile.columns() - 1) / tile.columns();
    packed = pack(weight, length);
    this.bias = bias == null ? new float[out] : bias.clone();
    ones = new float[out];
    Arrays.fill(ones, 1);
  }

  private MemorySegment pack(Linear.RowReader weight, int length) {
    int columns = tile.columns();
    int panelFloats = Math.multiplyExact(length, columns);
    long panelBytes = (long) panelFloats * Float.BYTES;
    MemorySegment all = WeightPanels.allocate(panels * panelBytes);
    float[] row = new float[length];
    float[] panel = new float[panelFloats];
    for (int p = 0; p < panels; p++) {
      Arrays.fill(panel, 0);
      for (int j = 0; j < Math.min(columns, out - p * columns); j++) {
        weight.read(p * columns + j, row, 0);
        for (int i = 0; i < length; i++) {
          panel[i * columns + j] = row[i];
        }
      }
      MemorySegment.copy(panel, 0, all, ValueLayout.JAVA_FLOAT, p * panelBytes, panelFloats);
    }
    return all;
  }

  int in() {
    return in;
  }

  int out() {
    return out;
  }

  long bytes() {
    return packed.byteSize();
  }

  /**
   * Where windows lie in the input.
   *
   * @param height rows of an input image
   * @param width its columns
   * @param top how many rows above the image the first window begins
   * @param left how many columns before it
   */
  record Source(int height, int width, int top, int left) {}

  /**
   * Where results go.
   *
   * @param y receives {@code [batch, rows * step, columns * step, out]}
   * @param add whether to add to what y holds
   * @param rows windows from top to bottom
   * @param columns windows from left to right
   * @param step pixels of y from one window's result to the next
   * @param row first row of y that is written, below step
   * @param column first column, below step
   */
  record Target(float[] y, boolean add, int rows, int columns, int step, int row, int column) {
    /** Where the result of a window begins. */
    int at(int image, int windowRow, int windowColumn, int out) {
      int line = (image * rows + windowRow) * step + row;
      return (line * columns * step + windowColumn * step + column) * out;
    }
  }

  /** Convolves {@code batch} images x {@code [batch, height, width, in]}. */
  void run(Workers workers, Scratch scratch, float[] x, int batch, Source source, Target target) {
    new Run(scratch, x, batch, source, target).over(workers);
  }

  /** One application: how it is cut, and where its results lie. Worked out once for all threads. */
  private final class Run {
    private final Scratch scratch;
    private final float[] x;
    private final Source source;
    private final Target target;
    private final int pixels;
    private final int rowPanels;
    private final int largest;
    private final int panelFloats = tile.rows() * tile.rowStride();
    private final int tileFloats = tile.rows() * tile.columns();
    private final int[] at;
    private final int[] gateAt;

    Run(Scratch scratch, float[] x, int batch, Source source, Target target) {
      this.scratch = scratch;
      this.x = x;
      this.source = source;
      this.target = target;
      pixels = batch * target.rows * target.columns;
      rowPanels = (pixels + tile.rows() - 1) / tile.rows();
      // W that stays in the L2 cache leaves the L1 cache to the windows.
      int block = packed.byteSize() <= tile.blockBytes() ? ROW_BLOCK : tile.blockBytes();
      largest = Math.max(1, block / (tile.rows() * depth * Float.BYTES));
      at = scratch.table(0, pixels);
      int i = 0;
      for (int image = 0; image < batch; image++) {
        for (int row = 0; row < target.rows; row++) {
          for (int column = 0; column < target.columns; column++) {
            at[i++] = target.at(image, row, column, out);
          }
        }
      }
      gateAt = target.add ? scratch.table(1, pixels) : NO_OFFSETS;
      Arrays.fill(gateAt, 0, target.add ? pixels : 0, 0);
    }

    void over(Workers workers) {
      workers.forEach(
          rowPanels,
          (worker, from, to) -> {
            int blocks = (to - from + largest - 1) / largest;
            int height = (to - from + blocks - 1) / blocks;
            for (int first = from; first < to; first += height) {
              block(worker, first, Math.min(first + height, to));
            }
          });
    }

    /** All outputs of the row panels {@code [first, last)}. */
    private void block(int worker, int first, int last) {
      int tall = last - first;
      float[] a = scratch.floats(worker, tall * panelFloats);
      // Without a cut one tile of scratch serves all; with cuts each tile waits in its own.
      int step = cuts == 1 ? 0 : tileFloats;
      float[] c = scratch.tiles(worker, cuts == 1 ? tileFloats : tall * panels * tileFloats);
      long seen = 0;
      for (int cut = 0; cut < cuts; cut++) {
        int k0 = cut * depth;
        int length = Math.min(depth, in * size * size - k0);
        long panelBytes = (long) length * tile.columns() * Float.BYTES;
        for (int p = first; p < last; p++) {
          gather(p, k0, length, a, (p - first) * panelFloats);
        }
        for (int j = 0; j < panels; j++) {
          long b = panel(j, cut);
          long next = j + 1 < panels ? panel(j + 1, cut) : panel(0, cut + 1);
          for (int i = 0; i < tall; i++) {
            int co = (j * tall + i) * step;
            long ahead = GemmTile.ahead(next, i, length, panelBytes, packed.byteSize(), b);
            seen |=
                tile.multiply(a, i * panelFloats, packed, b, length, c, co, cut > 0, packed, ahead);
            if (cut == cuts - 1) {
              store(c, co, (first + i) * tile.rows(), j * tile.columns());
            }
          }
        }
      }
      scratch.seen(seen);
    }

    /** Where panel {@code j} of W begins, or one cut of it. */
    private long panel(int j, int cut) {
      return ((long) j * in * size * size + (long) cut * depth) * tile.columns() * Float.BYTES;
    }

    /**
     * Copies elements {@code [k0, k0 + length)} of the windows of a panel. Rows beyond the last
     * keep old values: their sums go nowhere.
     */
    private void gather(int panel, int k0, int length, float[] a, int ao) {
      int end = Math.min((panel + 1) * tile.rows(), pixels);
      int to = ao;
      for (int i = panel * tile.rows(); i < end; i++) {
        int line = i / target.columns;
        int image = line / target.rows;
        int y0 = line % target.rows * stride - source.top;
        int x0 = i % target.columns * stride - source.left;
        for (int row = k0 / (size * in); row * size * in < k0 + length; row++) {
          int from = Math.max(k0, row * size * in);
          int until = Math.min(k0 + length, (row + 1) * size * in);
          int inRow = from - row * size * in;
          int y = y0 + row;
          int lineAt = y < 0 || y >= source.height ? -1 : image * source.height + y;
          gatherRow(lineAt, x0, inRow, until - from, a, to + from - k0);
        }
        to += tile.rowStride();
      }
    }

    /**
     * Copies a piece of one row of a window.
     *
     * @param line the row among all images' rows, or -1 when it is outside
     * @param x0 the window's first column, which may be outside
     * @param skip how many of the row's floats come before the piece
     */
    private void gatherRow(int line, int x0, int skip, int count, float[] a, int to) {
      int first = x0 * in + skip;
      int inside = line < 0 ? 0 : Math.clamp(source.width * in - first, 0, count);
      int outside = line < 0 ? 0 : Math.clamp(-first, 0, inside);
      Arrays.fill(a, to, to + outside, 0);
      if (outside < inside) {
        int from = line * source.width * in + first + outside;
        System.arraycopy(x, from, a, to + outside, inside - outside);
      }
      Arrays.fill(a, to + inside, to + count, 0);
    }

    /** Sends the valid part of a finished tile to y. */
    private void store(float[] c, int co, int first, int column) {
      TileStores stores = kernels.stores();
      int n = Math.min(tile.columns(), out - column);
      int count = Math.min(tile.rows(), pixels - first);
      if (target.add) {
        stores.gatedAdd(
            c, co, tile.columns(), count, n, bias, column, ones, gateAt, null, target.y, at, first);
      } else {
        stores.bias(c, co, tile.columns(), count, n, bias, column, target.y, at, first);
      }
    }
  }
}
