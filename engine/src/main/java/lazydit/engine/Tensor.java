package lazydit.engine;

import java.util.Arrays;
import java.util.Objects;

/**
 * An array of float32 with a shape, row-major: the last index runs fastest.
 *
 * <p>The form in which values enter and leave the library. Inside a forward pass the operations
 * work on plain arrays, with their sizes beside them.
 *
 * <p>Holds its array without copying, so whoever gave it can still change it; the shape is fixed.
 * As safe for concurrent use as the array is.
 */
public final class Tensor {
  private final float[] data;
  private final int[] shape;

  private Tensor(float[] data, int[] shape) {
    this.data = data;
    this.shape = shape;
  }

  /**
   * Gives an array a shape.
   *
   * @param data the elements; kept, not copied
   * @param shape the sizes, none negative; empty for a scalar; copied
   * @return the tensor
   * @throws LazyDitException when the shape has another number of elements than the array
   */
  public static Tensor of(float[] data, int... shape) {
    long elements = elements(shape);
    if (elements != data.length) {
      throw new LazyDitException(
          "A tensor of shape %s has %d elements, not %d."
              .formatted(Arrays.toString(shape), elements, data.length));
    }
    return new Tensor(data, shape.clone());
  }

  /**
   * Makes a tensor of zeros.
   *
   * @param shape the sizes, none negative; copied
   * @return the tensor
   * @throws LazyDitException when a size is negative or there are too many elements for an array
   */
  public static Tensor zeros(int... shape) {
    return new Tensor(new float[(int) elements(shape)], shape.clone());
  }

  private static long elements(int[] shape) {
    long elements = 1;
    for (int size : shape) {
      if (size < 0 || (size > 0 && elements > Integer.MAX_VALUE / size)) {
        throw new LazyDitException(
            "%s is no shape of a tensor: sizes must not be negative, nor their product above %d."
                .formatted(Arrays.toString(shape), Integer.MAX_VALUE));
      }
      elements *= size;
    }
    return elements;
  }

  /** {@return the elements in row-major order: the tensor's own array} */
  public float[] data() {
    return data;
  }

  /** {@return the sizes, a fresh array} */
  public int[] shape() {
    return shape.clone();
  }

  /**
   * One size.
   *
   * @param dimension which dimension, from 0
   * @return its size
   */
  public int size(int dimension) {
    return shape[dimension];
  }

  /**
   * One element.
   *
   * @param index an index for every dimension
   * @return the element there
   * @throws IndexOutOfBoundsException when there is no such element
   */
  public float get(int... index) {
    if (index.length != shape.length) {
      throw new IndexOutOfBoundsException(
          index.length + " indices for " + shape.length + " dimensions");
    }
    int at = 0;
    for (int i = 0; i < shape.length; i++) {
      at = at * shape[i] + Objects.checkIndex(index[i], shape[i]);
    }
    return data[at];
  }

  /**
   * One part along the first dimension, such as an image of a batch.
   *
   * @param index which one
   * @return a copy, of the remaining dimensions
   * @throws IndexOutOfBoundsException when there is no such part
   */
  public Tensor slice(int index) {
    Objects.checkIndex(index, shape[0]);
    int[] rest = Arrays.copyOfRange(shape, 1, shape.length);
    int length = (int) elements(rest);
    return new Tensor(Arrays.copyOfRange(data, index * length, (index + 1) * length), rest);
  }

  @Override
  public String toString() {
    return "Tensor" + Arrays.toString(shape);
  }
}
