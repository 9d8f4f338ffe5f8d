package lazydit.engine.kernels;

/** Epilogues as their formulas read. */
final class ScalarTileStores implements TileStores {
  @Override
  public void bias(
      float[] c,
      int co,
      int stride,
      int rows,
      int n,
      float[] bias,
      int column,
      float[] y,
      int[] at,
      int first) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < n; i++) {
        y[at[first + r] + column + i] = biased(c, co + r * stride, bias, column, i);
      }
    }
  }

  @Override
  public void gelu(
      float[] c,
      int co,
      int stride,
      int rows,
      int n,
      float[] bias,
      int column,
      float[] y,
      int[] at,
      int first) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < n; i++) {
        y[at[first + r] + column + i] =
            ScalarMath.gelu(biased(c, co + r * stride, bias, column, i));
      }
    }
  }

  @Override
  public void silu(
      float[] c,
      int co,
      int stride,
      int rows,
      int n,
      float[] bias,
      int column,
      float[] y,
      int[] at,
      int first) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < n; i++) {
        y[at[first + r] + column + i] =
            ScalarMath.silu(biased(c, co + r * stride, bias, column, i));
      }
    }
  }

  @Override
  public void swiglu(
      float[] c, int co, int stride, int rows, int n, float[] y, int column, int[] at, int first) {
    for (int r = 0; r < rows; r++) {
      int left = co + r * stride;
      for (int i = 0; i < n; i++) {
        y[at[first + r] + column + i] = ScalarMath.silu(c[left + i]) * c[left + stride / 2 + i];
      }
    }
  }

  @Override
  public void gatedAdd(
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
      int first) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < n; i++) {
        int to = at[first + r] + column + i;
        float sum = biased(c, co + r * stride, bias, column, i);
        if (keep != null) {
          keep[to] = sum;
        }
        x[to] = Math.fma(gate[gateAt[first + r] + column + i], sum, x[to]);
      }
    }
  }

  static float biased(float[] c, int row, float[] bias, int column, int i) {
    return c[row + i] + bias[column + i];
  }
}
