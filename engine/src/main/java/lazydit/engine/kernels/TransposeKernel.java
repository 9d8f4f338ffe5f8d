package lazydit.engine.kernels;

/** Turns rows into columns: what attention needs of its queries, its values and its result. */
public interface TransposeKernel {
  /**
   * {@code y[c][r] = x[r][c]}.
   *
   * @param x holds row r from {@code xo + at[r]} on; only to be read
   * @param at where the rows begin, at least {@code rows} of them
   * @param rows how many rows of x are wanted
   * @param columns how many columns of x
   * @param y receives row c of the result from {@code yo + c * stride} on
   */
  void transpose(float[] x, int xo, int[] at, int rows, int columns, float[] y, int yo, int stride);
}
