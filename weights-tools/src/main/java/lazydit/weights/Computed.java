package lazydit.weights;

import java.nio.file.Path;
import java.util.Map;

/**
 * A tensor that this engine computed, to be compared with an expected one. Holds the array it was
 * made of; neither copies nor changes it.
 */
public final class Computed {
  private final DType dtype;
  private final long[] shape;
  private final Object values;
  private final int size;

  private Computed(DType dtype, Object values, int size, long[] shape) {
    this.dtype = dtype;
    this.shape = shape.clone();
    this.values = values;
    this.size = size;
    long expected = StoredTensor.elements("a computed tensor", "", shape);
    if (expected != size) {
      throw new IllegalArgumentException(size + " values for a shape of " + expected + " elements");
    }
  }

  /**
   * {@return the tensor}
   *
   * @param values float32 elements in row-major order
   * @param shape the shape, empty for a scalar
   */
  public static Computed of(float[] values, long... shape) {
    return new Computed(DType.F32, values, values.length, shape);
  }

  /**
   * {@return the tensor}
   *
   * @param values float64 elements in row-major order
   * @param shape the shape, empty for a scalar
   */
  public static Computed of(double[] values, long... shape) {
    return new Computed(DType.F64, values, values.length, shape);
  }

  /**
   * {@return the tensor}
   *
   * @param values integer elements in row-major order
   * @param shape the shape, empty for a scalar
   */
  public static Computed of(long[] values, long... shape) {
    return new Computed(DType.I64, values, values.length, shape);
  }

  /**
   * {@return the tensor}
   *
   * @param values unsigned bytes, such as a mask of zeros and ones, in row-major order
   * @param shape the shape, empty for a scalar
   */
  public static Computed of(byte[] values, long... shape) {
    return new Computed(DType.U8, values, values.length, shape);
  }

  /** {@return the type of its elements: F32, F64, I64 or U8} */
  public DType dtype() {
    return dtype;
  }

  /** {@return its shape, a fresh array} */
  public long[] shape() {
    return shape.clone();
  }

  /** {@return how many elements it has} */
  public int size() {
    return size;
  }

  double real(int index) {
    return switch (values) {
      case float[] floats -> floats[index];
      case double[] doubles -> doubles[index];
      default -> integer(index);
    };
  }

  long integer(int index) {
    return switch (values) {
      case long[] longs -> longs[index];
      case byte[] bytes -> bytes[index] & 0xFF;
      default -> throw new IllegalStateException(dtype + " elements are not integers");
    };
  }

  /**
   * Writes tensors as a safetensors file under their names.
   *
   * @param tensors the tensors by name
   * @param target the file, replaced when there is one
   * @throws CheckpointException when it cannot be written
   */
  public static void save(Map<String, Computed> tensors, Path target) {
    SafetensorsWriter writer = new SafetensorsWriter();
    tensors.forEach(
        (name, tensor) -> {
          switch (tensor.values) {
            case float[] floats -> writer.add(name, floats, tensor.shape);
            case double[] doubles -> writer.add(name, doubles, tensor.shape);
            case long[] longs -> writer.add(name, longs, tensor.shape);
            default -> writer.add(name, (byte[]) tensor.values, tensor.shape);
          }
        });
    writer.writeTo(target);
  }
}
