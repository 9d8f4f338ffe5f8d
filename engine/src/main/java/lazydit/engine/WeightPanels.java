package lazydit.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import lazydit.engine.kernels.Bfloat16Kernel;
import lazydit.engine.kernels.GemmTile;
import lazydit.engine.kernels.Kernels;

/**
 * The matrix B of a product, W<sup>T</sup>, in the panels of columns that the micro-kernel reads,
 * off the heap: {@code [panels, in, columns]}.
 */
final class WeightPanels {
  /** Gives the columns of B. */
  interface ColumnReader {
    void read(int panel, int column, float[] into, int at);

    /** What a column is a multiple of, as for {@link Linear.RowReader#scale}. */
    float scale(int panel, int column);
  }

  /** Of rows that wait to be turned: at a multiple of 4096 bytes they would fight for the cache. */
  private static final int PADDING = 16;

  private final Kernels kernels = Kernels.active();
  private final int columns = kernels.tile().columns();
  private final WeightType type;
  private final int in;
  private final MemorySegment bytes;

  /** Of integers: a scale for every column of every panel. */
  private final float[] scales;

  private WeightPanels(WeightType type, int panels, int in, MemorySegment bytes) {
    this.type = type;
    this.in = in;
    this.bytes = bytes;
    scales = type == WeightType.INT8 ? new float[Math.multiplyExact(panels, columns)] : null;
  }

  static WeightPanels pack(WeightType type, int panels, int in, ColumnReader source) {
    long size = (long) in * Kernels.active().tile().columns() * type.bytes();
    WeightPanels packed = new WeightPanels(type, panels, in, allocate(panels * size));
    packed.fill(0, panels, source);
    return packed;
  }

  /**
   * Memory for weights, outside the heap and aligned as the kernel wants it.
   *
   * @throws LazyDitException when there is none left
   */
  static MemorySegment allocate(long size) {
    try {
      return Arena.ofAuto().allocate(size, Linear.ALIGNMENT);
    } catch (OutOfMemoryError e) {
      throw new LazyDitException(
          ("There is no room for another %,d bytes of weights, which lie outside Java's heap:"
                  + " start Java with a larger -XX:MaxDirectMemorySize (its default is -Xmx), or"
                  + " keep the weights of transformers as bfloat16 or int8.")
              .formatted(size),
          e);
    }
  }

  /** Packs panels {@code [from, to)} anew. */
  void fill(int from, int to, ColumnReader source) {
    switch (type) {
      case FLOAT32 -> fillFloats(from, to, source);
      case BFLOAT16 -> fillRounded(from, to, source);
      case INT8 -> fillIntegers(from, to, source);
    }
  }

  private void fillFloats(int from, int to, ColumnReader source) {
    int stride = Math.addExact(in, PADDING);
    float[] rows = new float[Math.multiplyExact(columns, stride)];
    float[] panel = new float[Math.multiplyExact(columns, in)];
    int[] at = new int[columns];
    Arrays.setAll(at, j -> j * stride);
    for (int p = from; p < to; p++) {
      for (int j = 0; j < columns; j++) {
        source.read(p, j, rows, at[j]);
      }
      kernels.transpose().transpose(rows, 0, at, columns, in, panel, 0, columns);
      MemorySegment.copy(panel, 0, bytes, ValueLayout.JAVA_FLOAT, at(p, 0), panel.length);
    }
  }

  private void fillRounded(int from, int to, ColumnReader source) {
    int half = columns / 2;
    float[] column = new float[in];
    int[] panel = new int[Math.multiplyExact(in, half)];
    for (int p = from; p < to; p++) {
      for (int j = 0; j < columns; j++) {
        source.read(p, j, column, 0);
        for (int i = 0; i < in; i++) {
          int at = i * half + j % half;
          int value = Bfloat16Kernel.round(column[i]);
          panel[at] = j < half ? value : panel[at] | value << 16;
        }
      }
      MemorySegment.copy(panel, 0, bytes, ValueLayout.JAVA_INT, at(p, 0), panel.length);
    }
  }

  private void fillIntegers(int from, int to, ColumnReader source) {
    float[] column = new float[in];
    byte[] panel = new byte[Math.multiplyExact(in, columns)];
    for (int p = from; p < to; p++) {
      for (int j = 0; j < columns; j++) {
        source.read(p, j, column, 0);
        float stated = source.scale(p, j);
        float scale = stated > 0 ? stated : Int8.scale(column);
        scales[p * columns + j] = scale;
        for (int i = 0; i < in; i++) {
          panel[i * columns + j] =
              stated > 0 ? Int8.recover(column[i], stated) : Int8.round(column[i], scale);
        }
      }
      MemorySegment.copy(panel, 0, bytes, ValueLayout.JAVA_BYTE, at(p, 0), panel.length);
    }
  }

  WeightType type() {
    return type;
  }

  long byteSize() {
    return bytes.byteSize() + (scales == null ? 0 : (long) scales.length * Float.BYTES);
  }

  /** Where rows from k on of a panel begin, in bytes. */
  long at(int panel, int k) {
    return ((long) panel * in + k) * columns * type.bytes();
  }

  /** All panels: of float32 what the kernel reads. */
  MemorySegment bytes() {
    return bytes;
  }

  /** Makes float32 of some rows of a panel, at byte {@code to} of the operands' memory. */
  void unpack(int panel, int k, int rows, long to) {
    long from = at(panel, k);
    if (type == WeightType.INT8) {
      kernels.int8().unpack(bytes, from, rows, columns, scales, panel * columns, to);
    } else {
      kernels.bfloat16().unpack(bytes, from, rows, columns, to);
    }
  }

  /**
   * The part of what begins at byte {@code next} that the {@code i}-th tile of a block may read
   * ahead, or else {@code instead}. Packed values are read as they are: what waited for memory when
   * it was unpacked cost bfloat16 weights 8 % of their speed, now 1 to 6 %.
   */
  long ahead(long next, int i, int depth, long instead) {
    long panelBytes = (long) depth * columns * type.bytes();
    return GemmTile.ahead(next, i, depth, panelBytes, bytes.byteSize(), instead);
  }
}
