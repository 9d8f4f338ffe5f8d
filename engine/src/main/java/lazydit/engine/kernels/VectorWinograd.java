package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;

/**
 * The changes of basis on vectors, written out: 32 additions from 16 loads to 16 stores, and 24
 * from 16 loads to 4 stores. Bound by memory.
 */
final class VectorWinograd implements WinogradKernels {
  @Override
  public void input(float[] x, int[] at, int n, float[] a, int[] to) {
    for (int c = 0; c < n; c += Lanes.COUNT) {
      // Column by column of the pixels, B^T d.
      FloatVector d0 = load(x, at[0] + c);
      FloatVector d1 = load(x, at[4] + c);
      FloatVector d2 = load(x, at[8] + c);
      FloatVector d3 = load(x, at[12] + c);
      FloatVector t00 = d0.sub(d2);
      FloatVector t10 = d1.add(d2);
      FloatVector t20 = d2.sub(d1);
      FloatVector t30 = d1.sub(d3);
      d0 = load(x, at[1] + c);
      d1 = load(x, at[5] + c);
      d2 = load(x, at[9] + c);
      d3 = load(x, at[13] + c);
      FloatVector t01 = d0.sub(d2);
      FloatVector t11 = d1.add(d2);
      FloatVector t21 = d2.sub(d1);
      FloatVector t31 = d1.sub(d3);
      d0 = load(x, at[2] + c);
      d1 = load(x, at[6] + c);
      d2 = load(x, at[10] + c);
      d3 = load(x, at[14] + c);
      FloatVector t02 = d0.sub(d2);
      FloatVector t12 = d1.add(d2);
      FloatVector t22 = d2.sub(d1);
      FloatVector t32 = d1.sub(d3);
      d0 = load(x, at[3] + c);
      d1 = load(x, at[7] + c);
      d2 = load(x, at[11] + c);
      d3 = load(x, at[15] + c);
      FloatVector t03 = d0.sub(d2);
      FloatVector t13 = d1.add(d2);
      FloatVector t23 = d2.sub(d1);
      FloatVector t33 = d1.sub(d3);
      // Row by row, (B^T d) B.
      t00.sub(t02).intoArray(a, to[0] + c);
      t01.add(t02).intoArray(a, to[1] + c);
      t02.sub(t01).intoArray(a, to[2] + c);
      t01.sub(t03).intoArray(a, to[3] + c);
      t10.sub(t12).intoArray(a, to[4] + c);
      t11.add(t12).intoArray(a, to[5] + c);
      t12.sub(t11).intoArray(a, to[6] + c);
      t11.sub(t13).intoArray(a, to[7] + c);
      t20.sub(t22).intoArray(a, to[8] + c);
      t21.add(t22).intoArray(a, to[9] + c);
      t22.sub(t21).intoArray(a, to[10] + c);
      t21.sub(t23).intoArray(a, to[11] + c);
      t30.sub(t32).intoArray(a, to[12] + c);
      t31.add(t32).intoArray(a, to[13] + c);
      t32.sub(t31).intoArray(a, to[14] + c);
      t31.sub(t33).intoArray(a, to[15] + c);
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
    for (int c = 0; c < n; c += Lanes.COUNT) {
      // Column by column of the sums, A^T m.
      int from = mo + c;
      FloatVector m1 = load(m, from + 4 * stride);
      FloatVector m2 = load(m, from + 8 * stride);
      FloatVector s00 = load(m, from).add(m1).add(m2);
      FloatVector s10 = m1.sub(m2).sub(load(m, from + 12 * stride));
      m1 = load(m, from + 5 * stride);
      m2 = load(m, from + 9 * stride);
      FloatVector s01 = load(m, from + stride).add(m1).add(m2);
      FloatVector s11 = m1.sub(m2).sub(load(m, from + 13 * stride));
      m1 = load(m, from + 6 * stride);
      m2 = load(m, from + 10 * stride);
      FloatVector s02 = load(m, from + 2 * stride).add(m1).add(m2);
      FloatVector s12 = m1.sub(m2).sub(load(m, from + 14 * stride));
      m1 = load(m, from + 7 * stride);
      m2 = load(m, from + 11 * stride);
      FloatVector s03 = load(m, from + 3 * stride).add(m1).add(m2);
      FloatVector s13 = m1.sub(m2).sub(load(m, from + 15 * stride));
      FloatVector b = load(bias, column + c);
      FloatVector y00 = s00.add(s01).add(s02).add(b);
      FloatVector y01 = s01.sub(s02).sub(s03).add(b);
      FloatVector y10 = s10.add(s11).add(s12).add(b);
      FloatVector y11 = s11.sub(s12).sub(s13).add(b);
      int i = at[0] + column + c;
      (add ? y00.add(load(y, i)) : y00).intoArray(y, i);
      if (at[1] >= 0) {
        i = at[1] + column + c;
        (add ? y01.add(load(y, i)) : y01).intoArray(y, i);
      }
      if (at[2] >= 0) {
        i = at[2] + column + c;
        (add ? y10.add(load(y, i)) : y10).intoArray(y, i);
      }
      if (at[3] >= 0) {
        i = at[3] + column + c;
        (add ? y11.add(load(y, i)) : y11).intoArray(y, i);
      }
    }
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }
}
