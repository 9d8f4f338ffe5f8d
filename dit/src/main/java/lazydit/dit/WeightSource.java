package lazydit.dit;

/**
 * Where a network's weights come from: named, row-major tensors that can be read in pieces, so that
 * packing never needs a second full copy.
 *
 * <p>Implementations are safe for concurrent reads.
 */
public interface WeightSource {
  /**
   * Whether a tensor is there.
   *
   * @param name the checkpoint's name of a tensor
   * @return whether there is such a tensor
   */
  boolean contains(String name);

  /**
   * The shape of a tensor.
   *
   * @param name the checkpoint's name of a tensor
   * @return its shape, a fresh array; empty for a scalar
   * @throws lazydit.engine.LazyDitException when there is no such tensor
   */
  long[] shape(String name);

  /**
   * Reads elements {@code [offset, offset + count)} of a tensor in row-major order, as float32.
   *
   * @param name the checkpoint's name of a tensor
   * @param offset the first element
   * @param into receives the elements
   * @param at where in {@code into} the first element goes
   * @param count how many elements
   * @throws lazydit.engine.LazyDitException when the tensor is missing or the range is outside it
   */
  void read(String name, long offset, float[] into, int at, int count);

  /**
   * What a row of a matrix consists of whole multiples of, where the file keeps it as 8-bit
   * integers with a scale.
   *
   * @param name the checkpoint's name of a matrix
   * @param row a row of it
   * @return the scale, or 0 where the file keeps real numbers
   * @throws lazydit.engine.LazyDitException when there is no such tensor
   */
  default float scale(String name, long row) {
    return 0;
  }

  /**
   * What the file itself calls a tensor, for error messages. Differs where a source translates
   * names.
   *
   * @param name the name that a network asks for
   * @return the file's name for it, whether it is there or not
   */
  default String nameOf(String name) {
    return name;
  }

  /** {@return all tensor names, in the file's order} */
  java.util.List<String> names();

  /** {@return what to call this source in an error message, such as a file name} */
  String describe();
}
