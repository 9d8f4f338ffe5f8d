package lazydit.engine;

/**
 * A vector for every row of a matrix, the same one for the rows of a group: shift, scale and gate
 * of adaLN, which belong to a sample and serve all its tokens.
 *
 * @param values where the vectors lie
 * @param offsets where each group's vector starts, before {@code shift} is added
 * @param shift added to every offset
 * @param each rows of every group
 */
public record PerGroup(float[] values, int[] offsets, int shift, int each) {
  /**
   * Where a row's vector starts.
   *
   * @param row a row of the matrix
   * @return its index in {@code values}
   */
  public int at(int row) {
    return offsets[row / each] + shift;
  }

  /**
   * Vectors of the same groups at another place.
   *
   * @param by how much further
   * @return the shifted vectors
   */
  public PerGroup plus(int by) {
    return new PerGroup(values, offsets, shift + by, each);
  }

  /** How many rows from this one on share its vector. */
  int run(int row) {
    return each - row % each;
  }
}
