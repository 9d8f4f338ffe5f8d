package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lazydit.engine.Int8;

/**
 * A matrix as 8-bit integers with a scale for every row, which is an output channel: {@code w =
 * scale * q} with {@code q} from -127 to 127 and no zero point. In a file, {@code NAME} holds the
 * integers and {@code NAME.scale} the scales, float32; the metadata says so.
 */
final class Int8Rows implements TensorData {
  static final String KEY = "lazydit_quantization";
  static final String VALUE = "int8-per-row";
  static final String SCALE = ".scale";

  private static final int CHUNK = 1 << 14;

  private final TensorData source;
  private final float[] scales;
  private final double relativeError;

  private Int8Rows(TensorData source, float[] scales, double relativeError) {
    this.source = source;
    this.scales = scales;
    this.relativeError = relativeError;
  }

  /**
   * Reads a tensor of two dimensions once to find its scales.
   *
   * @param progress told how many elements have been read
   * @throws CheckpointException when a number is not finite
   */
  static Int8Rows of(String file, String name, TensorData source, Progress progress) {
    int rows = Math.toIntExact(source.shape()[0]);
    int rowSize = Math.toIntExact(source.shape()[1]);
    float[] scales = new float[rows];
    float[] row = new float[rowSize];
    double squares = 0;
    double errors = 0;
    for (int r = 0; r < rows; r++) {
      source.readFloats((long) r * rowSize, row, 0, rowSize);
      for (float value : row) {
        if (!Float.isFinite(value)) {
          throw new CheckpointException(
              file, "tensor '%s' holds %s, which int8 has no form for".formatted(name, value));
        }
      }
      scales[r] = Int8.scale(row);
      for (float value : row) {
        double error = (double) scales[r] * Int8.round(value, scales[r]) - value;
        errors += error * error;
        squares += (double) value * value;
      }
      progress.onProgress((r + 1L) * rowSize, source.size());
    }
    return new Int8Rows(source, scales, squares == 0 ? 0 : Math.sqrt(errors / squares));
  }

  float[] scales() {
    return scales;
  }

  /** The root mean square of what is lost, relative to that of the tensor. */
  double relativeError() {
    return relativeError;
  }

  @Override
  public DType dtype() {
    return DType.I8;
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
    byte[] bytes = new byte[count];
    readBytes(first, bytes, 0, count);
    DType.I8.toFloats(MemorySegment.ofArray(bytes), 0, into, at, count);
  }

  @Override
  public void readBytes(long first, byte[] into, int at, int count) {
    long rowSize = source.shape()[1];
    float[] values = new float[Math.min(count, CHUNK)];
    for (int done = 0; done < count; done += CHUNK) {
      int n = Math.min(CHUNK, count - done);
      source.readFloats(first + done, values, 0, n);
      for (int i = 0; i < n; i++) {
        int row = (int) ((first + done + i) / rowSize);
        into[at + done + i] = Int8.round(values[i], scales[row]);
      }
    }
  }

  // ---- reading

  /** Makes real numbers of the integers in a file that says they are meant so. */
  static void attachScales(Contents contents, String file) {
    String stated = contents.metadata.get(KEY);
    if (stated == null) {
      return;
    }
    if (!stated.equals(VALUE)) {
      throw new CheckpointException(
          file, "is quantised as '%s'; only %s is supported".formatted(stated, VALUE));
    }
    List<StoredTensor> matrices = new ArrayList<>();
    for (Map.Entry<String, StoredTensor> tensor : contents.tensors.entrySet()) {
      if (tensor.getValue().dtype() == DType.I8) {
        matrices.add(tensor.getValue());
      }
    }
    for (StoredTensor matrix : matrices) {
      StoredTensor scale = contents.tensors.remove(matrix.name() + SCALE);
      contents.tensors.put(matrix.name(), matrix.scaled(scales(matrix, scale, file)));
    }
  }

  private static float[] scales(StoredTensor matrix, StoredTensor scale, String file) {
    long[] shape = matrix.shape();
    if (scale == null
        || scale.dtype() != DType.F32
        || shape.length != 2
        || matrix.size() == 0
        || scale.shape().length != 1
        || scale.size() != shape[0]) {
      throw new CheckpointException(
          file,
          "its int8 tensor %s needs a scale for every row, but there is %s"
              .formatted(matrix, scale == null ? "none" : scale));
    }
    float[] scales = scale.toFloats();
    for (float value : scales) {
      if (!(value >= 0) || Float.isInfinite(value)) {
        throw new CheckpointException(
            file, "tensor '%s' holds the scale %s".formatted(scale.name(), value));
      }
    }
    return scales;
  }
}
