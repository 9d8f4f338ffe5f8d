package lazydit.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
    void read(int panel, int column, float[] into);
  }

  private final Kernels kernels = Kernels.active();
  private final int columns = kernels.tile().columns();
  private final WeightType type;
  private final int in;
  private final MemorySegment bytes;

  private WeightPanels(WeightType type, int in, MemorySegment bytes) {
    this.type = type;
    this.in = in;
    this.bytes = bytes;
  }

  static WeightPanels pack(WeightType type, int panels, int in, ColumnReader source) {
    long size = (long) in * Kernels.active().tile().columns() * type.bytes();
    WeightPanels packed = new WeightPanels(type, in, allocate(panels * size));
    packed.fill(0, panels, source);
    return packed;
  }

  private static MemorySegment allocate(long size) {
    try {
      return Arena.ofAuto().allocate(size, Linear.ALIGNMENT);
    } catch (OutOfMemoryError e) {
      throw new LazyDitException(
          ("There is no room for another %,d bytes of weights, which lie outside Java's heap:"
                  + " start Java with a larger -XX:MaxDirectMemorySize (its default is -Xmx), or"
                  + " keep weights as bfloat16.")
              .formatted(size),
          e);
    }
  }

  /** Packs panels {@code [from, to)} anew. */
  void fill(int from, int to, ColumnReader source) {
    float[] column = new float[in];
    int[] panel = new int[Math.multiplyExact(in, columns * type.bytes() / Integer.BYTES)];
    for (int p = from; p < to; p++) {
      for (int j = 0; j < columns; j++) {
        source.read(p, j, column);
        switch (type) {
          case FLOAT32 -> put(column, j, panel);
          case BFLOAT16 -> putRounded(column, j, panel);
        }
      }
      long at = (long) p * panel.length * Integer.BYTES;
      MemorySegment.copy(panel, 0, bytes, ValueLayout.JAVA_INT, at, panel.length);
    }
  }

  private void put(float[] column, int j, int[] panel) {
    for (int i = 0; i < in; i++) {
      panel[i * columns + j] = Float.floatToRawIntBits(column[i]);
    }
  }

  private void putRounded(float[] column, int j, int[] panel) {
    int half = columns / 2;
    for (int i = 0; i < in; i++) {
      int at = i * half + j % half;
      int value = Bfloat16Kernel.round(column[i]);
      panel[at] = j < half ? value : panel[at] | value << 16;
    }
  }

  WeightType type() {
    return type;
  }

  long byteSize() {
    return bytes.byteSize();
  }

  /** Where rows from k on of a panel begin, in bytes. */
  long at(int panel, int k) {
    return ((long) panel * in + k) * columns * type.bytes();
  }

  /** All of it, for a kernel that reads float32. */
  MemorySegment floats() {
    return bytes;
  }

  /** Makes float32 of some rows of a panel, at the beginning of {@code into}. */
  void unpack(int panel, int k, int rows, MemorySegment into) {
    kernels.bfloat16().unpack(bytes, at(panel, k), rows, columns, into);
  }

  /**
   * The part of what begins at byte {@code next} that the {@code i}-th tile of a block may read.
   */
  long ahead(long next, int i, int depth, long instead) {
    long part = (long) GemmTile.AHEAD * depth;
    long at = next + i * part;
    boolean inside =
        (i + 1) * part <= (long) depth * columns * Float.BYTES && at + part <= bytes.byteSize();
    return inside ? at : instead;
  }
}
