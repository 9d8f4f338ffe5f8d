package lazydit.weights;

/**
 * A tensor that is read piece by piece, wherever its elements come from: a file, a generator, or
 * other tensors. Elements are in row-major order.
 *
 * <p>Safe for concurrent reads.
 */
public interface TensorData {
  /** {@return the type of its elements} */
  DType dtype();

  /** {@return its shape, a fresh array; empty for a scalar} */
  long[] shape();

  /** {@return how many elements it has} */
  long size();

  /**
   * Reads elements {@code [first, first + count)}, as float32.
   *
   * @param first the first element
   * @param into receives the elements
   * @param at where in {@code into} the first element goes
   * @param count how many elements
   * @throws CheckpointException when the range is outside this tensor or its bytes are damaged
   */
  void readFloats(long first, float[] into, int at, int count);

  /**
   * Reads elements {@code [first, first + count)}, as float64.
   *
   * @param first the first element
   * @param into receives the elements
   * @param at where in {@code into} the first element goes
   * @param count how many elements
   * @throws CheckpointException when the range is outside this tensor or its bytes are damaged
   */
  default void readDoubles(long first, double[] into, int at, int count) {
    float[] values = new float[count];
    readFloats(first, values, 0, count);
    for (int i = 0; i < count; i++) {
      into[at + i] = values[i];
    }
  }

  /**
   * Reads elements {@code [first, first + count)}, as their little-endian bytes.
   *
   * @param first the first element
   * @param into receives {@code count * dtype().width()} bytes
   * @param at where in {@code into} the first byte goes
   * @param count how many elements
   * @throws CheckpointException when the range is outside this tensor or its bytes are damaged
   */
  void readBytes(long first, byte[] into, int at, int count);

  /** {@return how many bytes its elements take} */
  default long byteSize() {
    return size() * dtype().width();
  }
}
