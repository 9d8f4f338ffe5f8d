package lazydit.engine.kernels;

/**
 * What happens to a finished tile of a matrix product on its way to memory: the epilogues that a
 * BLAS leaves to a second pass over memory.
 *
 * <p>In all of them {@code c} holds the tile's sums from {@code co} on, {@code stride} floats from
 * row to row; {@code rows} rows of {@code n} columns are wanted. {@code column} is the first
 * column's place in a row of the result and in {@code bias}, and {@code at[first + r]} is where the
 * row of the result begins that row r belongs to.
 */
public interface TileStores {
  /** y = c + bias. */
  void bias(
      float[] c,
      int co,
      int stride,
      int rows,
      int n,
      float[] bias,
      int column,
      float[] y,
      int[] at,
      int first);

  /** y = gelu(c + bias), the tanh approximation. */
  void gelu(
      float[] c,
      int co,
      int stride,
      int rows,
      int n,
      float[] bias,
      int column,
      float[] y,
      int[] at,
      int first);

  /** y = silu(c + bias). */
  void silu(
      float[] c,
      int co,
      int stride,
      int rows,
      int n,
      float[] bias,
      int column,
      float[] y,
      int[] at,
      int first);

  /**
   * y = silu(left) * right of a tile whose left half of columns holds one product and whose right
   * half another; {@code n} columns of the left half are wanted.
   */
  void swiglu(
      float[] c, int co, int stride, int rows, int n, float[] y, int column, int[] at, int first);

  /**
   * x += gate * (c + bias), where row r's gates begin at {@code gateAt[first + r]}; c + bias itself
   * goes to {@code keep} on the way, where that is not null.
   */
  void gatedAdd(
      float[] c,
      int co,
      int stride,
      int rows,
      int n,
      float[] bias,
      int column,
      float[] gate,
      int[] gateAt,
      float[] keep,
      float[] x,
      int[] at,
      int first);
}
