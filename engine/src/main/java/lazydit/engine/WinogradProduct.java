package lazydit.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import lazydit.engine.kernels.GemmTile;
import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.WinogradKernels;

/**
 * A 3 x 3 convolution of stride 1 with one pixel of zeros around, by Winograd's minimal filtering
 * F(2 x 2, 3 x 3) (Lavin and Gray 2016, section 4.1):
 *
 * <pre>Y = A<sup>T</sup> [ (G g G<sup>T</sup>) * (B<sup>T</sup> d B) ] A</pre>
 *
 * <p>for every tile of 2 x 2 results and the 4 x 4 pixels d under it. In the changed basis the
 * convolution is 16 matrix products over the channels, one for each element of a tile: 16
 * multiplications for 4 results, where the definition has 36. B and A hold only 0, 1 and -1; the
 * weights change their basis once, in float64, at load.
 *
 * <p>Each thread takes a block of tiles at a time: changes their basis straight into the panels
 * that the matrix product reads, multiplies element by element, and changes the sums back. All that
 * is in memory at once is a block. Several elements share a row of a panel, as long as they fit.
 *
 * <p>Results are those of the definition to within a few roundings, except that an infinity or NaN
 * reaches all results of the tiles it is in.
 */
final class WinogradProduct {
  /** Rows or columns of results of a tile, of weights, of pixels under a tile. */
  private static final int RESULTS = 2;

  private static final int WEIGHTS = 3;
  private static final int PIXELS = 4;
  private static final int ELEMENTS = PIXELS * PIXELS;

  private static final double[][] G = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

  /** Channels are a multiple of the widest vector, so that no kernel has a rest. */
  private static final int MULTIPLE = 32;

  /** With fewer channels changing the basis costs more than the multiplications saved. */
  private static final int FEWEST = 64;

  /** Bytes of a thread's block, of pixels and sums together. */
  private static final int BLOCK = 2 << 20;

  private final WinogradKernels kernels = Kernels.active().winograd();
  private final GemmTile tile = Kernels.active().tile();
  private final int panelFloats = tile.rows() * tile.rowStride();
  private final int tileFloats = tile.rows() * tile.columns();
  private final int out;
  private final int in;

  /** Elements of a tile that share a row, and how many rows a tile has. */
  private final int shared;

  private final int layers;
  private final int panels;
  private final MemorySegment packed;
  private final float[] bias;

  /** Whether a convolution of so many channels can and should go this way. */
  static boolean pays(int out, int in) {
    GemmTile tile = Kernels.active().tile();
    return in >= FEWEST
        && out >= FEWEST
        && in % MULTIPLE == 0
        && out % MULTIPLE == 0
        && in <= tile.maxDepth();
  }

  /**
   * Packs weights.
   *
   * @param out channels of the output
   * @param in channels of the input; both as {@link #pays} wants them
   * @param weight gives W row by row, each {@code [in, 3, 3]}
   * @param bias {@code [out]}, or null for none
   */
  WinogradProduct(int out, int in, Linear.RowReader weight, float[] bias) {
    this.out = out;
    this.in = in;
    this.bias = bias == null ? new float[out] : bias.clone();
    shared = Math.min(ELEMENTS, tile.maxDepth() / in);
    layers = (ELEMENTS + shared - 1) / shared;
    panels = out / tile.columns();
    packed = pack(weight);
  }

  /** {@code [16, panels, in, columns]}. */
  private MemorySegment pack(Linear.RowReader weight) {
    int columns = tile.columns();
    int panel = in * columns;
    MemorySegment all = WeightPanels.allocate((long) ELEMENTS * panels * panel * Float.BYTES);
    float[] row = new float[in * WEIGHTS * WEIGHTS];
    float[] changed = new float[ELEMENTS * panel];
    for (int j = 0; j < panels; j++) {
      for (int column = 0; column < columns; column++) {
        weight.read(j * columns + column, row, 0);
        for (int c = 0; c < in; c++) {
          for (int e = 0; e < ELEMENTS; e++) {
            changed[e * panel + c * columns + column] =
                (float) inNewBasis(row, c * WEIGHTS * WEIGHTS, e);
          }
        }
      }
      for (int e = 0; e < ELEMENTS; e++) {
        long to = (long) (e * panels + j) * panel * Float.BYTES;
        MemorySegment.copy(changed, e * panel, all, ValueLayout.JAVA_FLOAT, to, panel);
      }
    }
    return all;
  }

  /** An element of G g G<sup>T</sup>. */
  private static double inNewBasis(float[] g, int at, int element) {
    double sum = 0;
    for (int k = 0; k < WEIGHTS * WEIGHTS; k++) {
      sum += G[element / PIXELS][k / WEIGHTS] * G[element % PIXELS][k % WEIGHTS] * g[at + k];
    }
    return sum;
  }

  long bytes() {
    return packed.byteSize();
  }

  /** Convolves x {@code [batch, height, width, in]} into, or on top of, y. */
  void run(
      Workers workers,
      Scratch scratch,
      float[] x,
      int batch,
      int height,
      int width,
      float[] y,
      boolean add) {
    Run run = new Run(scratch, x, height, width, y, add, batch);
    workers.forEach(run.rowPanels, run::band);
  }

  /** One application: rows of the matrix products are tiles, in the order of the image. */
  private final class Run {
    private final Scratch scratch;
    private final float[] x;
    private final int height;
    private final int width;
    private final float[] y;
    private final boolean add;
    private final int across;
    private final int down;
    private final int tiles;
    private final int rowPanels;

    Run(Scratch scratch, float[] x, int height, int width, float[] y, boolean add, int batch) {
      this.scratch = scratch;
      this.x = x;
      this.height = height;
      this.width = width;
      this.y = y;
      this.add = add;
      across = (width + RESULTS - 1) / RESULTS;
      down = (height + RESULTS - 1) / RESULTS;
      tiles = batch * down * across;
      rowPanels = (tiles + tile.rows() - 1) / tile.rows();
    }

    void band(int worker, int from, int to) {
      int panelBytes = ELEMENTS * tile.rows() * (in + out) * Float.BYTES;
      int largest = Math.max(1, BLOCK / panelBytes);
      int blocks = (to - from + largest - 1) / largest;
      int tall = (to - from + blocks - 1) / blocks;
      // Pixels under a tile at the border, the outside as zeros, behind the panels.
      int border = tall * layers * panelFloats;
      float[] a = scratch.floats(worker, border + ELEMENTS * in);
      float[] m = scratch.tiles(worker, tall * panels * ELEMENTS * tileFloats);
      int[] at = new int[ELEMENTS];
      int[] places = new int[ELEMENTS];
      for (int first = from; first < to; first += tall) {
        int last = Math.min(first + tall, to);
        int end = Math.min(last * tile.rows(), tiles);
        for (int t = first * tile.rows(); t < end; t++) {
          enter(t, first, tall, a, border, at, places);
        }
        multiply(a, tall, last - first, m);
        for (int t = first * tile.rows(); t < end; t++) {
          leave(t, first, tall, m, at);
        }
      }
    }

    /** Where element e of row panel i begins in {@code a}. */
    private int place(int e, int i, int tall) {
      return (e / shared * tall + i) * panelFloats + e % shared * in;
    }

    /** Changes the basis of the pixels under a tile. */
    private void enter(int t, int first, int tall, float[] a, int border, int[] at, int[] places) {
      int y0 = t / across % down * RESULTS - 1;
      int x0 = t % across * RESULTS - 1;
      int image = t / across / down;
      boolean inside = y0 >= 0 && x0 >= 0 && y0 + PIXELS <= height && x0 + PIXELS <= width;
      int row = t % tile.rows() * tile.rowStride();
      for (int e = 0; e < ELEMENTS; e++) {
        int line = y0 + e / PIXELS;
        int column = x0 + e % PIXELS;
        at[e] = ((image * height + line) * width + column) * in;
        places[e] = place(e, t / tile.rows() - first, tall) + row;
        if (!inside) {
          int to = border + e * in;
          if (line >= 0 && line < height && column >= 0 && column < width) {
            System.arraycopy(x, at[e], a, to, in);
          } else {
            Arrays.fill(a, to, to + in, 0);
          }
          at[e] = to;
        }
      }
      kernels.input(inside ? x : a, at, in, a, places);
    }

    /** The 16 products; tiles of sums lie {@code [tall, panels, 16]}. */
    private void multiply(float[] a, int tall, int count, float[] m) {
      long panelBytes = (long) in * tile.columns() * Float.BYTES;
      long seen = 0;
      for (int e = 0; e < ELEMENTS; e++) {
        for (int j = 0; j < panels; j++) {
          long b = (e * panels + j) * panelBytes;
          for (int i = 0; i < count; i++) {
            int mo = ((i * panels + j) * ELEMENTS + e) * tileFloats;
            long ahead = GemmTile.ahead(b + panelBytes, i, in, panelBytes, packed.byteSize(), b);
            seen |= tile.multiply(a, place(e, i, tall), packed, b, in, m, mo, false, packed, ahead);
          }
        }
      }
      scratch.seen(seen);
    }

    /** Changes the basis of a tile's sums back. */
    private void leave(int t, int first, int tall, float[] m, int[] at) {
      int line = t / across % down * RESULTS;
      int column = t % across * RESULTS;
      int pixel = (t / across / down * height + line) * width + column;
      boolean right = column + 1 < width;
      boolean below = line + 1 < height;
      at[0] = pixel * out;
      at[1] = right ? (pixel + 1) * out : -1;
      at[2] = below ? (pixel + width) * out : -1;
      at[3] = right && below ? (pixel + width + 1) * out : -1;
      int row = t % tile.rows() * tile.columns();
      int i = t / tile.rows() - first;
      for (int j = 0; j < panels; j++) {
        int mo = (i * panels + j) * ELEMENTS * tileFloats + row;
        kernels.output(m, mo, tileFloats, tile.columns(), bias, j * tile.columns(), add, y, at);
      }
    }
  }
}
