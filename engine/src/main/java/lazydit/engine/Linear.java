package lazydit.engine;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import lazydit.engine.kernels.GemmTile;
import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.Operands;
import lazydit.engine.kernels.TileStores;

/**
 * A fully connected layer: y = x W<sup>T</sup> + b, with W {@code [out, in]}, packed once at load
 * into the panels that the micro-kernel reads.
 *
 * <p>The rows of x go through a {@link Prologue} into panels of a constant stride, and each tile of
 * the product goes from registers through a scratch tile, while that is in the L1 cache, into its
 * {@link Epilogue}. Sums longer than the kernel's depth are cut, and their tiles accumulate in
 * scratch, tile after tile, so that no cut ever strides through y.
 *
 * <p>Immutable and safe for concurrent use; holds W off the heap for as long as it is reachable.
 */
public final class Linear {
  /** One cache line, and one 512-bit vector. */
  static final int ALIGNMENT = 64;

  /** Weights up to this many bytes stay in a core's L2 cache with room to spare. */
  private static final long NARROW = 512 << 10;

  /** Bytes of x that a thread takes at a time when the weights stay: half of an L1 cache. */
  private static final int ROW_BLOCK = 24 << 10;

  /** Gives W row by row, so that no second copy of it is ever needed. */
  @FunctionalInterface
  public interface RowReader {
    /**
     * Reads a row.
     *
     * @param row which output feature, below out
     * @param into receives {@code in} weights
     * @param at where the first one goes
     */
    void read(int row, float[] into, int at);

    /**
     * What the weights of a row are whole multiples of, from -128 to 127 times, where that is
     * known: then {@link WeightType#INT8} keeps exactly these.
     *
     * @param row which output feature, below out
     * @return the scale, or 0 when it is not known
     */
    default float scale(int row) {
      return 0;
    }
  }

  private final Kernels kernels = Kernels.active();
  private final GemmTile tile = kernels.tile();
  private final GemmTile lower = kernels.lower();
  private final int in;
  private final int out;
  private final int panels;
  private final WeightPanels packed;
  private final float[] bias;

  /** Whether each panel holds half as many columns of two matrices. */
  private final boolean paired;

  private Linear(int out, int in, WeightPanels packed, float[] bias, int panels, boolean paired) {
    this.out = out;
    this.in = in;
    this.packed = packed;
    this.bias = bias;
    this.panels = panels;
    this.paired = paired;
  }

  /**
   * Packs a layer's weights as float32.
   *
   * @param out output features, at least 1
   * @param in input features, at least 1
   * @param weight W, {@code [out, in]}
   * @param bias b, {@code [out]}, copied; or null for none
   * @return the layer
   * @throws LazyDitException when a size is not positive, the bias has another length, or there is
   *     no memory left outside the heap
   */
  public static Linear pack(int out, int in, RowReader weight, float[] bias) {
    return pack(WeightType.FLOAT32, out, in, weight, bias);
  }

  /**
   * Packs a layer's weights.
   *
   * @param type how to keep them
   * @param out output features, at least 1
   * @param in input features, at least 1
   * @param weight W, {@code [out, in]}
   * @param bias b, {@code [out]}, copied; or null for none
   * @return the layer
   * @throws LazyDitException when a size is not positive, the bias has another length, or there is
   *     no memory left outside the heap
   */
  public static Linear pack(WeightType type, int out, int in, RowReader weight, float[] bias) {
    if (out < 1 || in < 1 || bias != null && bias.length != out) {
      throw new LazyDitException(
          "A linear layer needs sizes above 0 and a bias of as many values as outputs, not [%d, %d] with %s."
              .formatted(out, in, bias == null ? "none" : bias.length + " values"));
    }
    int columns = Kernels.active().tile().columns();
    int panels = (out + columns - 1) / columns;
    WeightPanels packed = WeightPanels.pack(type, panels, in, columns(out, in, weight));
    float[] copy = bias == null ? new float[out] : bias.clone();
    return new Linear(out, in, packed, copy, panels, false);
  }

  /**
   * Packs two matrices of the same shape, without biases, as one layer for {@link Epilogue.SwiGlu}:
   * each panel holds columns of both, so that a tile knows the two sums that belong together.
   *
   * @param type how to keep the weights
   * @param out output features, at least 1
   * @param in input features, at least 1
   * @param gate W1, {@code [out, in]}
   * @param value W2, {@code [out, in]}
   * @return the layer; it takes no other epilogue
   * @throws LazyDitException when a size is not positive or there is no memory left outside the
   *     heap
   */
  public static Linear packPairs(
      WeightType type, int out, int in, RowReader gate, RowReader value) {
    if (out < 1 || in < 1) {
      throw new LazyDitException(
          "A linear layer needs sizes above 0, not [%d, %d].".formatted(out, in));
    }
    int half = Kernels.active().tile().columns() / 2;
    int panels = (out + half - 1) / half;
    WeightPanels packed = WeightPanels.pack(type, panels, in, pairs(out, in, gate, value));
    return new Linear(out, in, packed, new float[out], panels, true);
  }

  /**
   * Packs other weights in place of this layer's: for a layer that learns, whose owner sees to it
   * that nobody applies it meanwhile.
   *
   * @param weight W; of a layer of pairs W1 above W2
   * @param bias b, or null for none
   */
  void repack(Workers workers, RowReader weight, float[] bias) {
    RowReader second = (row, into, at) -> weight.read(out + row, into, at);
    WeightPanels.ColumnReader source =
        paired ? pairs(out, in, weight, second) : columns(out, in, weight);
    workers.forEach(panels, (worker, from, to) -> packed.fill(from, to, source));
    if (bias != null) {
      System.arraycopy(bias, 0, this.bias, 0, out);
    }
  }

  private static WeightPanels.ColumnReader columns(int out, int in, RowReader weight) {
    int columns = Kernels.active().tile().columns();
    return new WeightPanels.ColumnReader() {
      @Override
      public void read(int p, int j, float[] into, int at) {
        Linear.read(weight, out, in, p * columns + j, into, at);
      }

      @Override
      public float scale(int p, int j) {
        return Linear.scale(weight, out, p * columns + j);
      }
    };
  }

  private static WeightPanels.ColumnReader pairs(int out, int in, RowReader gate, RowReader value) {
    int half = Kernels.active().tile().columns() / 2;
    return new WeightPanels.ColumnReader() {
      @Override
      public void read(int p, int j, float[] into, int at) {
        Linear.read(j < half ? gate : value, out, in, p * half + j % half, into, at);
      }

      @Override
      public float scale(int p, int j) {
        return Linear.scale(j < half ? gate : value, out, p * half + j % half);
      }
    };
  }

  private static void read(RowReader weight, int out, int in, int row, float[] into, int at) {
    if (row < out) {
      weight.read(row, into, at);
    } else {
      Arrays.fill(into, at, at + in, 0);
    }
  }

  private static float scale(RowReader weight, int out, int row) {
    return row < out ? weight.scale(row) : 0;
  }

  /** {@return input features} */
  public int in() {
    return in;
  }

  /** {@return output features} */
  public int out() {
    return out;
  }

  /** {@return whether it is a layer of pairs} */
  boolean paired() {
    return paired;
  }

  /** {@return bytes of packed weights} */
  public long bytes() {
    return packed.byteSize();
  }

  /**
   * Applies the layer to some rows.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param x {@code [rows, in]}; only to be read
   * @param rows which of its rows
   * @param epilogue where the results go; its matrices have the rows of x
   */
  public void apply(Workers workers, Scratch scratch, float[] x, Rows rows, Epilogue epilogue) {
    apply(workers, scratch, new Prologue.Copy(x), rows, epilogue);
  }

  /**
   * Applies the layer to what a prologue makes of some rows.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param prologue the rows, and what to make of them first
   * @param rows which of its rows
   * @param epilogue where the results go; its matrices have the rows of the prologue's
   */
  public void apply(
      Workers workers, Scratch scratch, Prologue prologue, Rows rows, Epilogue epilogue) {
    if (paired != epilogue instanceof Epilogue.SwiGlu) {
      throw new IllegalArgumentException("SwiGLU belongs to layers of pairs, and they to SwiGLU.");
    }
    if (rows.size() == 0) {
      return;
    }
    Product product = new Product(scratch, prologue, rows, epilogue);
    if (packed.type() == WeightType.FLOAT32 && packed.byteSize() <= NARROW) {
      product.runNarrow(workers);
    } else {
      product.runWide(workers);
    }
  }

  /** One application: how it is cut, and where its rows lie. Worked out once for all threads. */
  private final class Product {
    private final Scratch scratch;
    private final Prologue prologue;
    private final Epilogue epilogue;
    private final int m;
    private final int rowPanels;

    /** How many row panels are as tall as a tile; those after them are a row lower. */
    private final int tallPanels;

    private final int cuts;
    private final int depth;
    private final int panelFloats = tile.rows() * tile.rowStride();
    private final int tileFloats = tile.rows() * tile.columns();

    /** Columns of the result in a tile. */
    private final int width = paired ? tile.columns() / 2 : tile.columns();

    private final Rows rows;
    private final PerGroup gate;

    // Each row's place in the matrix, where its result begins, and where its gates do: filled in by
    // whoever packs the row.
    private final int[] row;
    private final int[] at;
    private final int[] gateAt;

    Product(Scratch scratch, Prologue prologue, Rows rows, Epilogue epilogue) {
      this.scratch = scratch;
      this.prologue = prologue;
      this.epilogue = epilogue;
      m = rows.size();
      rowPanels = (m + tile.rows() - 1) / tile.rows();
      int spare = rowPanels * tile.rows() - m;
      tallPanels = lower != tile && spare <= rowPanels ? rowPanels - spare : rowPanels;
      cuts = (in + tile.maxDepth() - 1) / tile.maxDepth();
      depth = (in + cuts - 1) / cuts;
      this.rows = rows;
      row = scratch.table(0, m);
      at = scratch.table(1, m);
      gate = epilogue instanceof Epilogue.GatedAdd add ? add.gate() : null;
      gateAt = gate == null ? null : scratch.table(2, m);
    }

    /**
     * For weights that fit into the L2 cache: each thread takes blocks of a few rows, packs them
     * for itself, and meets all of W while they are in its L1 cache.
     */
    void runNarrow(Workers workers) {
      int panelBytes = tile.rows() * in * Float.BYTES;
      int height = Math.max(1, ROW_BLOCK / panelBytes);
      workers.forEach(
          rowPanels,
          (worker, from, to) -> {
            float[] a = scratch.floats(worker, height * cuts * panelFloats);
            for (int first = from; first < to; first += height) {
              int last = Math.min(first + height, to);
              pack(a, first, height, first, last);
              runBlock(a, first, height, worker, first, last, 0, panels);
            }
          });
    }

    /**
     * For larger weights: the rows are packed once for all threads; each then takes a band of the
     * grid (block of rows) x (panel of W), and a panel of W stays in the L2 cache while the block's
     * rows pass over it.
     */
    void runWide(Workers workers) {
      float[] a = scratch.rows(Math.multiplyExact(rowPanels * cuts, panelFloats));
      workers.forEach(rowPanels, (worker, from, to) -> pack(a, 0, rowPanels, from, to));
      int panelBytes = tile.rows() * depth * Float.BYTES;
      int largest = Math.max(1, tile.blockBytes() / panelBytes);
      int blocks = (rowPanels + largest - 1) / largest;
      int height = (rowPanels + blocks - 1) / blocks;
      workers.forEach(
          blocks * panels,
          (worker, from, to) -> {
            for (int unit = from; unit < to; ) {
              int block = unit / panels;
              int end = Math.min(to, (block + 1) * panels);
              int first = block * height;
              int last = Math.min(first + height, rowPanels);
              int j = unit % panels;
              runBlock(a, 0, rowPanels, worker, first, last, j, j + end - unit);
              unit = end;
            }
          });
    }

    /**
     * Brings row panels {@code [from, to)} to where the kernel reads them. Rows beyond the last
     * keep old values: their sums go nowhere.
     *
     * @param origin the row panel that {@code a} starts with
     * @param height how many row panels {@code a} holds
     */
    private void pack(float[] a, int origin, int height, int from, int to) {
      locate(firstRow(from), Math.min(firstRow(to), m));
      for (int cut = 0; cut < cuts; cut++) {
        int k = cut * depth;
        int length = Math.min(depth, in - k);
        for (int p = from; p < to; p++) {
          int target = (cut * height + p - origin) * panelFloats;
          int first = firstRow(p);
          int end = Math.min(firstRow(p + 1), m);
          switch (prologue) {
            case Prologue.Copy(float[] x) -> copy(x, first, end, k, length, a, target);
            case Prologue.ModulatedNorm norm -> modulate(norm, first, end, k, length, a, target);
          }
        }
      }
    }

    /** Fills in the places of rows, run by run: a division a row would cost as much as a tile. */
    private void locate(int from, int to) {
      for (int i = from; i < to; ) {
        int first = rows.at(i);
        int end = i + rows.run(i, to);
        if (gate != null) {
          end = Math.min(end, i + gate.run(first));
          Arrays.fill(gateAt, i, end, gate.at(first));
        }
        for (int r = first; i < end; i++, r++) {
          row[i] = r;
          at[i] = r * out;
        }
      }
    }

    private void copy(float[] x, int first, int end, int k, int length, float[] a, int target) {
      for (int r = first; r < end; r++) {
        System.arraycopy(x, row[r] * in + k, a, target + (r - first) * tile.rowStride(), length);
      }
    }

    private void modulate(
        Prologue.ModulatedNorm norm, int first, int end, int k, int length, float[] a, int target) {
      float[] x = norm.x();
      PerGroup shift = norm.shift();
      PerGroup scale = norm.scale();
      int shiftAt = 0;
      int scaleAt = 0;
      int groupEnd = 0;
      for (int r = first; r < end; r++) {
        if (row[r] >= groupEnd) {
          shiftAt = shift.at(row[r]) + k;
          scaleAt = scale.at(row[r]) + k;
          groupEnd = row[r] + shift.run(row[r]);
        }
        int at = row[r] * in;
        kernels
            .rows()
            .modulate(
                x,
                at + k,
                length,
                x[at],
                norm.moments().means()[row[r]],
                norm.moments().factors()[row[r]],
                shift.values(),
                shiftAt,
                scale.values(),
                scaleAt,
                a,
                target + (r - first) * tile.rowStride());
      }
    }

    private void runBlock(
        float[] a,
        int origin,
        int height,
        int worker,
        int firstRows,
        int lastRows,
        int firstColumns,
        int lastColumns) {
      // Without a cut one tile of scratch serves all; with cuts each tile waits in its own.
      int tall = lastRows - firstRows;
      int step = cuts == 1 ? 0 : tileFloats;
      int tiles = cuts == 1 ? 1 : tall * (lastColumns - firstColumns);
      float[] c = scratch.tiles(worker, Math.multiplyExact(tiles, tileFloats));
      boolean kept = packed.type() == WeightType.FLOAT32;
      long unpacked = kept ? 0 : Operands.take();
      long seen = 0;
      try {
        for (int cut = 0; cut < cuts; cut++) {
          int k = cut * depth;
          int length = Math.min(depth, in - k);
          for (int j = firstColumns; j < lastColumns; j++) {
            long panel = packed.at(j, k);
            // In the L2 cache while the block passes over it: read once, while the panel before was
            // worked on.
            if (!kept) {
              packed.unpack(j, k, length, unpacked);
            }
            MemorySegment b = kept ? packed.bytes() : Operands.MEMORY;
            long bo = kept ? panel : unpacked;
            long next =
                j + 1 < lastColumns ? packed.at(j + 1, k) : packed.at(firstColumns, k + depth);
            for (int i = firstRows; i < lastRows; i++) {
              int ao = (cut * height + i - origin) * panelFloats;
              int co = ((j - firstColumns) * tall + i - firstRows) * step;
              long ahead = packed.ahead(next, i - firstRows, length, panel);
              seen |=
                  tileOf(i).multiply(a, ao, b, bo, length, c, co, cut > 0, packed.bytes(), ahead);
              if (cut == cuts - 1) {
                store(c, co, i, j * width);
              }
            }
          }
        }
      } finally {
        if (!kept) {
          Operands.putBack(unpacked);
        }
      }
      scratch.seen(seen);
    }

    private GemmTile tileOf(int rowPanel) {
      return rowPanel < tallPanels ? tile : lower;
    }

    private int firstRow(int rowPanel) {
      return rowPanel * lower.rows()
          + Math.min(rowPanel, tallPanels) * (tile.rows() - lower.rows());
    }

    /** Sends the valid part of a finished tile where the epilogue says. */
    private void store(float[] c, int co, int rowPanel, int column) {
      TileStores stores = kernels.stores();
      int n = Math.min(width, out - column);
      int first = firstRow(rowPanel);
      int count = Math.min(firstRow(rowPanel + 1), m) - first;
      switch (epilogue) {
        case Epilogue.Store(float[] y) ->
            stores.bias(c, co, tile.columns(), count, n, bias, column, y, at, first);
        case Epilogue.Gelu(float[] y) ->
            stores.gelu(c, co, tile.columns(), count, n, bias, column, y, at, first);
        case Epilogue.Silu(float[] y) ->
            stores.silu(c, co, tile.columns(), count, n, bias, column, y, at, first);
        case Epilogue.SwiGlu(float[] y) ->
            stores.swiglu(c, co, tile.columns(), count, n, y, column, at, first);
        case Epilogue.GatedAdd(float[] residual, PerGroup gate, float[] keep) -> {
          float[] g = gate.values();
          stores.gatedAdd(
              c, co, tile.columns(), count, n, bias, column, g, gateAt, keep, residual, at, first);
        }
      }
    }
  }
}
