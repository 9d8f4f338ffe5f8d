package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;

/**
 * Epilogues on whole vectors; the columns left over by an odd width go one by one. Bound by the
 * memory that y is written to: the sums come from the L1 cache, each touched once, and even GELU's
 * arithmetic keeps up with a copy.
 */
final class VectorTileStores implements TileStores {
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
    int bound = Lanes.bound(n);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      FloatVector b = FloatVector.fromArray(Lanes.FLOATS, bias, column + i);
      for (int r = 0; r < rows; r++) {
        FloatVector v = FloatVector.fromArray(Lanes.FLOATS, c, co + r * stride + i).add(b);
        v.intoArray(y, at[first + r] + column + i);
      }
    }
    for (int i = bound; i < n; i++) {
      for (int r = 0; r < rows; r++) {
        y[at[first + r] + column + i] =
            ScalarTileStores.biased(c, co + r * stride, bias, column, i);
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
    int bound = Lanes.bound(n);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      FloatVector b = FloatVector.fromArray(Lanes.FLOATS, bias, column + i);
      for (int r = 0; r < rows; r++) {
        FloatVector v = FloatVector.fromArray(Lanes.FLOATS, c, co + r * stride + i).add(b);
        VectorMath.gelu(v).intoArray(y, at[first + r] + column + i);
      }
    }
    for (int i = bound; i < n; i++) {
      for (int r = 0; r < rows; r++) {
        y[at[first + r] + column + i] =
            ScalarMath.gelu(ScalarTileStores.biased(c, co + r * stride, bias, column, i));
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
    int bound = Lanes.bound(n);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      FloatVector b = FloatVector.fromArray(Lanes.FLOATS, bias, column + i);
      for (int r = 0; r < rows; r++) {
        FloatVector v = FloatVector.fromArray(Lanes.FLOATS, c, co + r * stride + i).add(b);
        VectorMath.silu(v).intoArray(y, at[first + r] + column + i);
      }
    }
    for (int i = bound; i < n; i++) {
      for (int r = 0; r < rows; r++) {
        y[at[first + r] + column + i] =
            ScalarMath.silu(ScalarTileStores.biased(c, co + r * stride, bias, column, i));
      }
    }
  }

  @Override
  public void swiglu(
      float[] c, int co, int stride, int rows, int n, float[] y, int column, int[] at, int first) {
    int bound = Lanes.bound(n);
    for (int r = 0; r < rows; r++) {
      int left = co + r * stride;
      int right = left + stride / 2;
      int to = at[first + r] + column;
      for (int i = 0; i < bound; i += Lanes.COUNT) {
        FloatVector gate = VectorMath.silu(FloatVector.fromArray(Lanes.FLOATS, c, left + i));
        gate.mul(FloatVector.fromArray(Lanes.FLOATS, c, right + i)).intoArray(y, to + i);
      }
      for (int i = bound; i < n; i++) {
        y[to + i] = ScalarMath.silu(c[left + i]) * c[right + i];
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
    int bound = Lanes.bound(n);
    for (int r = 0; r < rows; r++) {
      int row = co + r * stride;
      int to = at[first + r] + column;
      int by = gateAt[first + r] + column;
      for (int i = 0; i < bound; i += Lanes.COUNT) {
        FloatVector g = FloatVector.fromArray(Lanes.FLOATS, gate, by + i);
        FloatVector old = FloatVector.fromArray(Lanes.FLOATS, x, to + i);
        FloatVector sum = biased(c, row, bias, column, i);
        if (keep != null) {
          sum.intoArray(keep, to + i);
        }
        g.fma(sum, old).intoArray(x, to + i);
      }
      for (int i = bound; i < n; i++) {
        float sum = ScalarTileStores.biased(c, row, bias, column, i);
        if (keep != null) {
          keep[to + i] = sum;
        }
        x[to + i] = Math.fma(gate[by + i], sum, x[to + i]);
      }
    }
  }

  private static FloatVector biased(float[] c, int row, float[] bias, int column, int i) {
    return FloatVector.fromArray(Lanes.FLOATS, c, row + i)
        .add(FloatVector.fromArray(Lanes.FLOATS, bias, column + i));
  }
}
