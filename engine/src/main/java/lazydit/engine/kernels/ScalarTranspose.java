package lazydit.engine.kernels;

/** Rows to columns, element by element. */
final class ScalarTranspose implements TransposeKernel {
  @Override
  public void transpose(
      float[] x, int xo, int[] at, int rows, int columns, float[] y, int yo, int stride) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        y[yo + c * stride + r] = x[xo + at[r] + c];
      }
    }
  }
}
