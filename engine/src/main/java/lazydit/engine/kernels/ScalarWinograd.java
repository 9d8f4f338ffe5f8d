package lazydit.engine.kernels;

/** The changes of basis as products with their matrices. */
final class ScalarWinograd implements WinogradKernels {
  private static final int[][] INPUT = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};

  private static final int[][] OUTPUT = {{1, 1, 1, 0}, {0, 1, -1, -1}};

  @Override
  public void input(float[] x, int[] at, int n, float[] a, int[] to) {
    for (int c = 0; c < n; c++) {
      for (int p = 0; p < 16; p++) {
        float sum = 0;
        for (int k = 0; k < 16; k++) {
          sum += INPUT[p / 4][k / 4] * INPUT[p % 4][k % 4] * x[at[k] + c];
        }
        a[to[p] + c] = sum;
      }
    }
  }

  @Override
  public void output(
      float[] m,
      int mo,
      int stride,
      int n,
      float[] bias,
      int column,
      boolean add,
      float[] y,
      int[] at) {
    for (int p = 0; p < 4; p++) {
      for (int c = 0; c < n && at[p] >= 0; c++) {
        float sum = 0;
        for (int k = 0; k < 16; k++) {
          sum += OUTPUT[p / 2][k / 4] * OUTPUT[p % 2][k % 4] * m[mo + k * stride + c];
        }
        int i = at[p] + column + c;
        float value = sum + bias[column + c];
        y[i] = add ? y[i] + value : value;
      }
    }
  }
}
