package lazydit.engine;

/**
 * Which rows of a matrix an operation is about: some groups of equally many rows, such as the
 * tokens of the samples that are computed while others reuse their cache. Rows that are left out
 * are neither read nor copied.
 *
 * @param groups the groups wanted, ascending; not to be changed while in use
 * @param count how many of {@code groups} count
 * @param each rows of every group
 */
public record Rows(int[] groups, int count, int each) {
  /**
   * All rows of a matrix as one group.
   *
   * @param rows how many
   * @return the rows 0 to {@code rows - 1}
   */
  public static Rows all(int rows) {
    return new Rows(new int[1], 1, rows);
  }

  /** {@return how many rows there are} */
  public int size() {
    return count * each;
  }

  /**
   * The place of a row in the matrix.
   *
   * @param i which of these rows, from 0
   * @return its index in the whole matrix
   */
  public int at(int i) {
    return groups[i / each] * each + i % each;
  }

  /** How many rows from i on, and below {@code end}, follow each other in the matrix. */
  int run(int i, int end) {
    return Math.min(each - i % each, end - i);
  }
}
