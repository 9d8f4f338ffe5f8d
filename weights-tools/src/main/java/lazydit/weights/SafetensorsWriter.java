package lazydit.weights;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lazydit.dit.WeightSource;

/**
 * Writes a safetensors file: collects what to write, then streams it through one small buffer, so
 * that a file larger than the heap can be copied. The file appears whole or not at all.
 *
 * <p>Tensors are laid out widest element first, then by name; the header is padded with spaces to a
 * multiple of 8, so every tensor is aligned. The order in which tensors are added does not matter:
 * equal content gives equal bytes.
 *
 * <p>Arrays and tensors given to it are read when the file is written, not before.
 */
public final class SafetensorsWriter {
  private static final int BUFFER_BYTES = 1 << 20;

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Produces elements of a tensor as little-endian bytes. */
  @FunctionalInterface
  public interface Elements {
    /**
     * Delivers elements {@code [first, first + count)} in row-major order.
     *
     * @param first the first element
     * @param into receives the bytes from index 0 on
     * @param count how many elements
     */
    void read(long first, byte[] into, int count);
  }

  private record Entry(String name, DType dtype, long[] shape, long size, Elements elements) {
    long bytes() {
      return size * dtype.width();
    }
  }

  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, String> metadata = new TreeMap<>();

  /** Begins an empty file. */
  public SafetensorsWriter() {}

  /**
   * Adds free text to the file's metadata.
   *
   * @param key the text's name
   * @param value the text
   * @return this writer
   */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /**
   * Adds free text to the file's metadata.
   *
   * @param texts texts by name
   * @return this writer
   */
  public SafetensorsWriter metadata(Map<String, String> texts) {
    metadata.putAll(texts);
    return this;
  }

  /**
   * Adds a tensor.
   *
   * @param name its name
   * @param dtype the type of its elements
   * @param shape its shape, empty for a scalar
   * @param elements delivers its elements when the file is written
   * @return this writer
   * @throws CheckpointException when there already is a tensor of that name
   */
  public SafetensorsWriter add(String name, DType dtype, long[] shape, Elements elements) {
    String what = "the safetensors file to be written";
    if (name.equals(SafetensorsFile.METADATA)) {
      throw new CheckpointException(what, "no tensor can be named '" + name + "'");
    }
    long size = StoredTensor.elements(what, name, shape);
    Entry entry = new Entry(name, dtype, shape.clone(), size, elements);
    if (entries.putIfAbsent(name, entry) != null) {
      throw new CheckpointException(what, "two tensors are to be named '" + name + "'");
    }
    return this;
  }

  /**
   * Adds a copy of a tensor, of the same type and bit for bit.
   *
   * @param name the name of the copy
   * @param tensor the tensor
   * @return this writer
   */
  public SafetensorsWriter add(String name, TensorData tensor) {
    return add(
        name,
        tensor.dtype(),
        tensor.shape(),
        (first, into, count) -> tensor.readBytes(first, into, 0, count));
  }

  /**
   * Adds a float32 copy of one tensor of a source.
   *
   * @param name the tensor's name, there and here
   * @param source where its values come from
   * @return this writer
   */
  public SafetensorsWriter add(String name, WeightSource source) {
    return add(
        name,
        DType.F32,
        source.shape(name),
        (first, into, count) -> {
          float[] values = new float[count];
          source.read(name, first, values, 0, count);
          put(values, 0, into, count);
        });
  }

  /**
   * Adds a float32 tensor.
   *
   * @param name its name
   * @param values its elements in row-major order; not copied
   * @param shape its shape
   * @return this writer
   */
  public SafetensorsWriter add(String name, float[] values, long... shape) {
    requireSize(name, values.length, shape);
    return add(
        name, DType.F32, shape, (first, into, count) -> put(values, (int) first, into, count));
  }

  /**
   * Adds a float64 tensor.
   *
   * @param name its name
   * @param values its elements in row-major order; not copied
   * @param shape its shape
   * @return this writer
   */
  public SafetensorsWriter add(String name, double[] values, long... shape) {
    requireSize(name, values.length, shape);
    return add(
        name,
        DType.F64,
        shape,
        (first, into, count) ->
            MemorySegment.copy(values, (int) first, MemorySegment.ofArray(into), DOUBLE, 0, count));
  }

  /**
   * Adds a 64-bit integer tensor.
   *
   * @param name its name
   * @param values its elements in row-major order; not copied
   * @param shape its shape
   * @return this writer
   */
  public SafetensorsWriter add(String name, long[] values, long... shape) {
    requireSize(name, values.length, shape);
    return add(
        name,
        DType.I64,
        shape,
        (first, into, count) ->
            MemorySegment.copy(values, (int) first, MemorySegment.ofArray(into), LONG, 0, count));
  }

  /**
   * Adds a tensor of unsigned bytes.
   *
   * @param name its name
   * @param values its elements in row-major order; not copied
   * @param shape its shape
   * @return this writer
   */
  public SafetensorsWriter add(String name, byte[] values, long... shape) {
    requireSize(name, values.length, shape);
    return add(
        name,
        DType.U8,
        shape,
        (first, into, count) -> System.arraycopy(values, (int) first, into, 0, count));
  }

  private static void put(float[] values, int first, byte[] into, int count) {
    MemorySegment.copy(values, first, MemorySegment.ofArray(into), FLOAT, 0, count);
  }

  private static void requireSize(String name, int length, long[] shape) {
    String what = "the safetensors file to be written";
    if (StoredTensor.elements(what, name, shape) != length) {
      throw new CheckpointException(
          what,
          "tensor '" + name + "' has " + length + " elements for shape " + Arrays.toString(shape));
    }
  }

  /**
   * Writes the file, replacing one of the same name. Can be called again for another file.
   *
   * @param target the file
   * @throws CheckpointException when it cannot be written; then nothing is left behind
   */
  public void writeTo(Path target) {
    writeTo(target, Progress.NONE);
  }

  /**
   * Writes the file, replacing one of the same name. Can be called again for another file.
   *
   * @param target the file
   * @param progress told how many bytes have been written
   * @throws CheckpointException when it cannot be written; then nothing is left behind
   */
  public void writeTo(Path target, Progress progress) {
    List<Entry> order = new ArrayList<>(entries.values());
    order.sort(
        Comparator.comparing((Entry entry) -> -entry.dtype.width()).thenComparing(Entry::name));
    byte[] header = header(order);
    long total = bytes();
    AtomicFile.write(
        target,
        channel -> {
          ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
          writeFully(channel, start.putLong(header.length).put(header).flip());
          byte[] buffer = new byte[BUFFER_BYTES];
          long written = 0;
          for (Entry entry : order) {
            int step = buffer.length / entry.dtype.width();
            for (long first = 0; first < entry.size; first += step) {
              int count = (int) Math.min(step, entry.size - first);
              entry.elements.read(first, buffer, count);
              int bytes = count * entry.dtype.width();
              writeFully(channel, ByteBuffer.wrap(buffer, 0, bytes));
              written += bytes;
              progress.onProgress(written, total);
            }
          }
        });
  }

  /** {@return how many bytes of elements there are to write} */
  public long bytes() {
    return entries.values().stream().mapToLong(Entry::bytes).sum();
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private byte[] header(List<Entry> order) {
    Map<String, Object> header = new LinkedHashMap<>();
    if (!metadata.isEmpty()) {
      header.put(SafetensorsFile.METADATA, metadata);
    }
    long at = 0;
    for (Entry entry : order) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("dtype", entry.dtype.name());
      fields.put("shape", entry.shape);
      fields.put("data_offsets", new long[] {at, Math.addExact(at, entry.bytes())});
      header.put(entry.name, fields);
      at += entry.bytes();
    }
    byte[] json = Json.write(header).getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(json, (json.length + 7) / 8 * 8);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }
}
