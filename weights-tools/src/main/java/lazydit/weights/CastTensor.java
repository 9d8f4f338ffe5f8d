package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A tensor in another floating type, rounded to the nearest number, ties to even. Counts the
 * numbers that were too large for it and became infinite. A float64 goes by way of a float32.
 */
final class CastTensor implements TensorData {
  private static final String POSITIONS = "pos_embed";
  private static final int CHUNK = 1 << 14;

  private final TensorData source;
  private final DType dtype;
  private final AtomicLong overflows = new AtomicLong();

  CastTensor(TensorData source, DType dtype) {
    this.source = source;
    this.dtype = dtype;
  }

  /**
   * All the tensors, those of real numbers in another type. The table of positions keeps its own:
   * it is computed, not learned, and layouts that do not store it compute it again.
   */
  static Map<String, TensorData> all(Map<String, TensorData> tensors, DType dtype) {
    Map<String, TensorData> result = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          boolean other = tensor.dtype().isFloating() && tensor.dtype() != dtype;
          result.put(
              name, other && !name.equals(POSITIONS) ? new CastTensor(tensor, dtype) : tensor);
        });
    return result;
  }

  /** How many finite numbers have become infinite in what has been read as bytes. */
  long overflows() {
    return overflows.get();
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public long[] shape() {
    return source.shape();
  }

  @Override
  public long size() {
    return source.size();
  }

  @Override
  public void readFloats(long first, float[] into, int at, int count) {
    byte[] bytes = new byte[Math.min(count, CHUNK) * dtype.width()];
    for (int done = 0; done < count; done += CHUNK) {
      int n = Math.min(CHUNK, count - done);
      readBytes(first + done, bytes, 0, n);
      dtype.toFloats(MemorySegment.ofArray(bytes), 0, into, at + done, n);
    }
  }

  @Override
  public void readBytes(long first, byte[] into, int at, int count) {
    float[] values = new float[Math.min(count, CHUNK)];
    MemorySegment target = MemorySegment.ofArray(into);
    for (int done = 0; done < count; done += CHUNK) {
      int n = Math.min(CHUNK, count - done);
      source.readFloats(first + done, values, 0, n);
      overflows.addAndGet(dtype.countOverflows(values, n));
      dtype.fromFloats(values, 0, target, at + (long) done * dtype.width(), n);
    }
  }
}
