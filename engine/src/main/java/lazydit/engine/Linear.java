package lazydit.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import lazydit.engine.kernels.GemmTile;
import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.TileStores;

/**
 * A fully connected layer: y = x W<sup>T</sup> + b, with W {@code [out, in]}, packed once at load
 * into the panels that the micro-kernel reads.
 *
 * <p>Blocking: the rows of x are copied into panels of a constant stride, which the threads share.
 * The work is a grid of (block of rows) x (panel of columns), in that order; a thread takes a
 * contiguous band of it. Within a block a panel of W stays in the L2 cache, where all row panels of
 * the block pass over it, and each tile goes from registers through a scratch tile straight into
 * its {@link Epilogue}. Sums longer than the kernel's depth are cut, and their tiles accumulate in
 * scratch, tile after tile, so that no cut ever strides through y.
 *
 * <p>Immutable and safe for concurrent use; holds W off the heap for as long as it is reachable.
 */
public final class Linear {
  /** One cache line, and one 512-bit vector. */
  static final int ALIGNMENT = 64;

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
  }

  private final Kernels kernels = Kernels.active();
  private final GemmTile tile = kernels.tile();
  private final int in;
  private final int out;
  private final int panels;
  private final MemorySegment packed;
  private final float[] bias;

  private Linear(int out, int in, MemorySegment packed, float[] bias, int panels) {
    this.out = out;
    this.in = in;
    this.packed = packed;
    this.bias = bias;
    this.panels = panels;
  }

  /**
   * Packs a layer's weights.
   *
   * @param out output features, at least 1
   * @param in input features, at least 1
   * @param weight W, {@code [out, in]}
   * @param bias b, {@code [out]}, copied; or null for none
   * @return the layer
   * @throws LazyDitException when a size is not positive or the bias has another length
   */
  public static Linear pack(int out, int in, RowReader weight, float[] bias) {
    if (out < 1 || in < 1 || bias != null && bias.length != out) {
      throw new LazyDitException(
          "A linear layer needs sizes above 0 and a bias of as many values as outputs, not [%d, %d] with %s."
              .formatted(out, in, bias == null ? "none" : bias.length + " values"));
    }
    int columns = Kernels.active().tile().columns();
    int panels = (out + columns - 1) / columns;
    long panelFloats = (long) in * columns;
    MemorySegment packed = Arena.ofAuto().allocate(panels * panelFloats * Float.BYTES, ALIGNMENT);
    float[] rows = new float[in];
    float[] panel = new float[Math.toIntExact(panelFloats)];
    for (int p = 0; p < panels; p++) {
      for (int j = 0; j < columns; j++) {
        int row = p * columns + j;
        if (row < out) {
          weight.read(row, rows, 0);
        } else {
          Arrays.fill(rows, 0);
        }
        for (int i = 0; i < in; i++) {
          panel[i * columns + j] = rows[i];
        }
      }
      MemorySegment.copy(
          panel,
          0,
          packed,
          ValueLayout.JAVA_FLOAT,
          p * panelFloats * Float.BYTES,
          (int) panelFloats);
    }
    return new Linear(out, in, packed, bias == null ? new float[out] : bias.clone(), panels);
  }

  /** {@return input features} */
  public int in() {
    return in;
  }

  /** {@return output features} */
  public int out() {
    return out;
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
    int m = rows.size();
    if (m == 0) {
      return;
    }
    Plan plan = new Plan(m);
    float[] packedRows = scratch.rows(plan.packedSize());
    workers.forEach(plan.rowPanels, (worker, from, to) -> plan.pack(x, rows, packedRows, from, to));
    workers.forEach(
        plan.blocks * panels,
        (worker, from, to) -> plan.run(packedRows, rows, epilogue, scratch, worker, from, to));
  }

  /**
   * How one product is cut: the sizes in rows, panels and depth, worked out once for all threads.
   */
  private final class Plan {
    final int m;
    final int rowPanels;
    final int cuts;
    final int depth;
    final int panelFloats;
    final int blockPanels;
    final int blocks;

    Plan(int m) {
      this.m = m;
      rowPanels = (m + tile.rows() - 1) / tile.rows();
      cuts = (in + tile.maxDepth() - 1) / tile.maxDepth();
      depth = (in + cuts - 1) / cuts;
      panelFloats = tile.rows() * tile.rowStride();
      int panelBytes = tile.rows() * depth * Float.BYTES;
      int largest = Math.max(1, tile.blockBytes() / panelBytes);
      blocks = (rowPanels + largest - 1) / largest;
      blockPanels = (rowPanels + blocks - 1) / blocks;
    }

    int packedSize() {
      return Math.multiplyExact(rowPanels * cuts, panelFloats);
    }

    int packedAt(int cut, int rowPanel) {
      return (cut * rowPanels + rowPanel) * panelFloats;
    }

    /** Copies rows into panels. Rows beyond the last keep old values: their sums go nowhere. */
    void pack(float[] x, Rows rows, float[] into, int from, int to) {
      for (int cut = 0; cut < cuts; cut++) {
        int k0 = cut * depth;
        int length = Math.min(depth, in - k0);
        for (int p = from; p < to; p++) {
          int at = packedAt(cut, p);
          int first = p * tile.rows();
          for (int r = 0; r < tile.rows() && first + r < m; r++) {
            int source = rows.at(first + r) * in + k0;
            System.arraycopy(x, source, into, at + r * tile.rowStride(), length);
          }
        }
      }
    }

    /** Works through a band of the grid, block by block. */
    void run(
        float[] a, Rows rows, Epilogue epilogue, Scratch scratch, int worker, int from, int to) {
      for (int unit = from; unit < to; ) {
        int block = unit / panels;
        int end = Math.min(to, (block + 1) * panels);
        int first = block * blockPanels;
        int last = Math.min(first + blockPanels, rowPanels);
        runBlock(
            a, rows, epilogue, scratch, worker, first, last, unit % panels, end - block * panels);
        unit = end;
      }
    }

    private void runBlock(
        float[] a,
        Rows rows,
        Epilogue epilogue,
        Scratch scratch,
        int worker,
        int firstRows,
        int lastRows,
        int firstColumns,
        int lastColumns) {
      long tileBytes = (long) tile.rows() * tile.columns() * Float.BYTES;
      int height = lastRows - firstRows;
      // Without a cut one tile of scratch serves all; with cuts each tile waits in its own.
      long stride = cuts == 1 ? 0 : tileBytes;
      long tiles = cuts == 1 ? 1 : (long) height * (lastColumns - firstColumns);
      MemorySegment c = scratch.tiles(worker, tiles * tileBytes);
      for (int cut = 0; cut < cuts; cut++) {
        int length = Math.min(depth, in - cut * depth);
        long cutBytes = (long) cut * depth * tile.columns() * Float.BYTES;
        for (int j = firstColumns; j < lastColumns; j++) {
          long b = (long) j * in * tile.columns() * Float.BYTES + cutBytes;
          for (int i = firstRows; i < lastRows; i++) {
            long co = ((long) (j - firstColumns) * height + (i - firstRows)) * stride;
            tile.multiply(a, packedAt(cut, i), packed, b, length, c, co, cut > 0);
            if (cut == cuts - 1) {
              store(epilogue, c, co, rows, i, j);
            }
          }
        }
      }
    }

    /** Sends the valid part of a finished tile where the epilogue says. */
    private void store(Epilogue epilogue, MemorySegment c, long co, Rows rows, int i, int j) {
      TileStores stores = kernels.stores();
      int column = j * tile.columns();
      int n = Math.min(tile.columns(), out - column);
      int first = i * tile.rows();
      int valid = Math.min(tile.rows(), m - first);
      long rowBytes = (long) tile.columns() * Float.BYTES;
      // A chain of exact class checks a tile: a pattern switch costs more than a small tile's row.
      if (epilogue instanceof Epilogue.Store store) {
        for (int r = 0; r < valid; r++) {
          int at = rows.at(first + r) * out + column;
          stores.bias(c, co + r * rowBytes, bias, column, store.y(), at, n);
        }
      } else if (epilogue instanceof Epilogue.Gelu gelu) {
        for (int r = 0; r < valid; r++) {
          int at = rows.at(first + r) * out + column;
          stores.gelu(c, co + r * rowBytes, bias, column, gelu.y(), at, n);
        }
      } else if (epilogue instanceof Epilogue.Silu silu) {
        for (int r = 0; r < valid; r++) {
          int at = rows.at(first + r) * out + column;
          stores.silu(c, co + r * rowBytes, bias, column, silu.y(), at, n);
        }
      } else if (epilogue instanceof Epilogue.GatedAdd add) {
        for (int r = 0; r < valid; r++) {
          int row = rows.at(first + r);
          int at = row * out + column;
          long source = co + r * rowBytes;
          if (add.keep() != null) {
            stores.bias(c, source, bias, column, add.keep(), at, n);
          }
          int gate = add.gate().at(row) + column;
          stores.gatedAdd(c, source, bias, column, add.gate().values(), gate, add.x(), at, n);
        }
      }
    }
  }
}
