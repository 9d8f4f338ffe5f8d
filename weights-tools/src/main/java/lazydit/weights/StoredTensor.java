package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A tensor as it lies in a file: a view (contiguous or strided) of mapped bytes, converted piece by
 * piece when read. Reading order is row-major whatever the strides.
 *
 * <p>Safe for concurrent reads. It reads from its {@link Checkpoint} and is of no use once that is
 * closed.
 */
public final class StoredTensor implements TensorData {
  /** Elements gathered or converted at once when a strided view is read. */
  private static final int CHUNK = 1 << 14;

  private static final int MAX_RANK = 64;

  private final String file;
  private final String name;
  private final DType dtype;
  private final long[] shape;
  private final long[] strides;
  private final long offset;
  private final long size;
  private final boolean contiguous;
  private final Storage storage;

  /** What the elements of each row are to be multiplied by, or null. */
  private final float[] scales;

  private StoredTensor(
      String file,
      String name,
      DType dtype,
      long[] shape,
      long[] strides,
      long offset,
      long size,
      Storage storage,
      float[] scales) {
    this.file = file;
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
    this.size = size;
    this.storage = storage;
    this.scales = scales;
    this.contiguous = size == 0 || Arrays.equals(effective(strides), effective(rowMajor(shape)));
  }

  /** A tensor that fills its storage in row-major order. */
  static StoredTensor contiguous(
      String file, String name, DType dtype, long[] shape, Storage storage) {
    return strided(file, name, dtype, shape, rowMajor(shape), 0, storage);
  }

  /**
   * A view of a storage.
   *
   * @param strides elements from one index to the next along each axis
   * @param offset the first element, counted in elements from the storage's beginning
   * @throws CheckpointException when any element would lie outside the storage
   */
  static StoredTensor strided(
      String file,
      String name,
      DType dtype,
      long[] shape,
      long[] strides,
      long offset,
      Storage storage) {
    long size = elements(file, name, shape);
    long available = storage.byteSize() / dtype.width();
    long end = end(file, name, shape, strides, offset, size);
    if (end > available) {
      throw fault(
          file,
          name,
          "needs %d elements of its storage (shape %s, strides %s, offset %d); there are %d"
              .formatted(end, Arrays.toString(shape), Arrays.toString(strides), offset, available));
    }
    return new StoredTensor(file, name, dtype, shape, strides, offset, size, storage, null);
  }

  /** The number of elements of a shape from a file, which may be anything. */
  static long elements(String file, String name, long[] shape) {
    if (shape.length > MAX_RANK) {
      throw fault(
          file,
          name,
          "has " + shape.length + " dimensions; at most " + MAX_RANK + " are supported");
    }
    long product = 1;
    boolean empty = false;
    for (long dimension : shape) {
      if (dimension < 0) {
        throw fault(file, name, "has a negative size in its shape " + Arrays.toString(shape));
      }
      empty |= dimension == 0;
      if (dimension > 0 && product > Long.MAX_VALUE / 8 / dimension) {
        throw fault(
            file, name, "has too many elements to count: its shape is " + Arrays.toString(shape));
      }
      product *= Math.max(dimension, 1);
    }
    return empty ? 0 : product;
  }

  /** One past the last element that a view touches. */
  private static long end(
      String file, String name, long[] shape, long[] strides, long offset, long size) {
    if (strides.length != shape.length) {
      throw fault(
          file, name, "has " + shape.length + " dimensions but " + strides.length + " strides");
    }
    if (offset < 0) {
      throw fault(file, name, "has the negative storage offset " + offset);
    }
    try {
      long last = offset;
      for (int i = 0; i < shape.length; i++) {
        if (strides[i] < 0) {
          throw fault(file, name, "has a negative stride in " + Arrays.toString(strides));
        }
        if (size > 0) {
          last = Math.addExact(last, Math.multiplyExact(shape[i] - 1, strides[i]));
        }
      }
      return size == 0 ? offset : Math.addExact(last, 1);
    } catch (ArithmeticException e) {
      throw fault(
          file,
          name,
          "has strides %s, beyond any storage for shape %s"
              .formatted(Arrays.toString(strides), Arrays.toString(shape)));
    }
  }

  private static CheckpointException fault(String file, String name, String problem) {
    return new CheckpointException(file, "tensor '" + name + "' " + problem);
  }

  static long[] rowMajor(long[] shape) {
    long[] strides = new long[shape.length];
    long step = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = step;
      step *= Math.max(shape[i], 1);
    }
    return strides;
  }

  /** Strides with those of axes of size 1, which never matter, set to 0. */
  private long[] effective(long[] of) {
    long[] result = of.clone();
    for (int i = 0; i < result.length; i++) {
      if (shape[i] == 1) {
        result[i] = 0;
      }
    }
    return result;
  }

  /** The same tensor under another name. */
  StoredTensor renamed(String newName) {
    return new StoredTensor(file, newName, dtype, shape, strides, offset, size, storage, scales);
  }

  /** The same integers as real numbers: each row, of the first dimension, times its scale. */
  StoredTensor scaled(float[] rowScales) {
    return new StoredTensor(file, name, dtype, shape, strides, offset, size, storage, rowScales);
  }

  /** The scale of a row of integers that stand for real numbers; 0 for any other tensor. */
  float scale(long row) {
    return scales == null ? 0 : scales[Math.toIntExact(row)];
  }

  /** Whether it holds integers that stand for real numbers. */
  boolean isScaled() {
    return scales != null;
  }

  /** {@return the checkpoint's name of this tensor} */
  public String name() {
    return name;
  }

  /** {@return the type of its elements; F32 when they are stored as integers with scales} */
  @Override
  public DType dtype() {
    return scales == null ? dtype : DType.F32;
  }

  /** {@return the type and size of what is in the file, such as {@code F32}, or {@code I8*F32}} */
  String storedType() {
    return scales == null ? dtype.name() : dtype.name() + "*F32";
  }

  /** {@return how many bytes the elements take in the file, scales included} */
  public long storedBytes() {
    return size * dtype.width() + (scales == null ? 0 : (long) scales.length * Float.BYTES);
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  @Override
  public long size() {
    return size;
  }

  /** Makes sure that the bytes behind this tensor are what the file's checksum says. */
  void verify() {
    storage.bytes();
  }

  @Override
  public void readFloats(long first, float[] into, int at, int count) {
    check(first, at, count, into.length);
    pieces(first, count, (bytes, from, done, n) -> dtype.toFloats(bytes, from, into, at + done, n));
    if (scales != null) {
      scale(first, into, at, count);
    }
  }

  private void scale(long first, float[] values, int at, int count) {
    long rowSize = size / shape[0];
    int done = 0;
    while (done < count) {
      long row = (first + done) / rowSize;
      int n = (int) Math.min(count - done, (row + 1) * rowSize - first - done);
      for (int i = at + done; i < at + done + n; i++) {
        values[i] *= scales[(int) row];
      }
      done += n;
    }
  }

  @Override
  public void readDoubles(long first, double[] into, int at, int count) {
    if (scales != null) {
      TensorData.super.readDoubles(first, into, at, count);
      return;
    }
    check(first, at, count, into.length);
    pieces(
        first, count, (bytes, from, done, n) -> dtype.toDoubles(bytes, from, into, at + done, n));
  }

  /**
   * Reads elements {@code [first, first + count)} in row-major order, of an integer or truth type.
   *
   * @param first the first element
   * @param into receives the elements; truth values as 0 and 1
   * @param at where in {@code into} the first element goes
   * @param count how many elements
   * @throws CheckpointException when the elements are real numbers, the range is outside this
   *     tensor or the bytes are damaged
   */
  public void readLongs(long first, long[] into, int at, int count) {
    if (dtype().isFloating()) {
      throw fault(file, name, "holds " + dtype() + " where integers were expected");
    }
    check(first, at, count, into.length);
    pieces(first, count, (bytes, from, done, n) -> dtype.toLongs(bytes, from, into, at + done, n));
  }

  @Override
  public void readBytes(long first, byte[] into, int at, int count) {
    int width = dtype().width();
    check(first, at, count, (into.length - at) / width + at);
    if (scales != null) {
      float[] values = new float[count];
      readFloats(first, values, 0, count);
      DType.F32.fromFloats(values, 0, MemorySegment.ofArray(into), at, count);
      return;
    }
    MemorySegment target = MemorySegment.ofArray(into);
    pieces(
        first,
        count,
        (bytes, from, done, n) ->
            MemorySegment.copy(bytes, from, target, at + (long) done * width, (long) n * width));
  }

  /**
   * {@return all elements in row-major order, as float32, in a fresh array}
   *
   * @throws CheckpointException when there are more than an array can hold
   */
  public float[] toFloats() {
    float[] values = new float[arraySize()];
    readFloats(0, values, 0, values.length);
    return values;
  }

  /**
   * {@return all elements in row-major order, as float64, in a fresh array}
   *
   * @throws CheckpointException when there are more than an array can hold
   */
  public double[] toDoubles() {
    double[] values = new double[arraySize()];
    readDoubles(0, values, 0, values.length);
    return values;
  }

  /**
   * {@return all elements of an integer or truth type in row-major order, in a fresh array}
   *
   * @throws CheckpointException when there are more than an array can hold or they are not integers
   */
  public long[] toLongs() {
    long[] values = new long[arraySize()];
    readLongs(0, values, 0, values.length);
    return values;
  }

  /**
   * {@return all elements in row-major order, as little-endian bytes, in a fresh array}
   *
   * @throws CheckpointException when there are more than an array can hold
   */
  public byte[] toBytes() {
    if (byteSize() > Integer.MAX_VALUE - 8) {
      throw tooBig();
    }
    byte[] values = new byte[(int) byteSize()];
    readBytes(0, values, 0, (int) size);
    return values;
  }

  private int arraySize() {
    if (size > Integer.MAX_VALUE - 8) {
      throw tooBig();
    }
    return (int) size;
  }

  private CheckpointException tooBig() {
    return fault(
        file, name, "has " + size + " elements, too many for one array; read it in pieces");
  }

  private void check(long first, int at, int count, int capacity) {
    if (first < 0 || count < 0 || first > size - count) {
      throw fault(
          file,
          name,
          "has %d elements; %d from element %d on were asked for".formatted(size, count, first));
    }
    if (at < 0 || at > capacity - count) {
      throw fault(
          file,
          name,
          "does not fit: %d elements were to go to index %d of %d".formatted(count, at, capacity));
    }
  }

  /** Receives {@code count} contiguous elements that start at byte {@code from} of a segment. */
  private interface Piece {
    void accept(MemorySegment bytes, long from, int done, int count);
  }

  private void pieces(long first, int count, Piece piece) {
    if (count == 0) {
      return;
    }
    MemorySegment bytes = open();
    if (contiguous) {
      piece.accept(bytes, (offset + first) * dtype.width(), 0, count);
    } else {
      gatherInPieces(bytes, first, count, piece);
    }
    storage.release((long) count * dtype.width());
  }

  private void gatherInPieces(MemorySegment bytes, long first, int count, Piece piece) {
    MemorySegment gathered =
        MemorySegment.ofArray(new byte[Math.min(count, CHUNK) * dtype.width()]);
    for (int done = 0; done < count; done += CHUNK) {
      int n = Math.min(CHUNK, count - done);
      gather(bytes, first + done, gathered, n);
      piece.accept(gathered, 0, done, n);
    }
  }

  private MemorySegment open() {
    MemorySegment bytes = storage.bytes();
    if (!bytes.scope().isAlive()) {
      throw fault(file, name, "cannot be read because its file has been closed");
    }
    return bytes;
  }

  /** Copies elements of a strided view, walking the index like an odometer. */
  private void gather(MemorySegment from, long first, MemorySegment into, int count) {
    int width = dtype.width();
    long[] index = new long[shape.length];
    long source = offset;
    long rest = first;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest /= shape[axis];
      source += index[axis] * strides[axis];
    }
    for (int i = 0; i < count; i++) {
      MemorySegment.copy(from, source * width, into, (long) i * width, width);
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        source += strides[axis];
        if (++index[axis] < shape[axis]) {
          break;
        }
        source -= strides[axis] * shape[axis];
        index[axis] = 0;
      }
    }
  }

  @Override
  public String toString() {
    return name + " " + storedType() + " " + Arrays.toString(shape);
  }
}
