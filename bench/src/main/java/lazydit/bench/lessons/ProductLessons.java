package lazydit.bench.lessons;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * A linear layer, y = x W<sup>T</sup>: x is {@code [m, in]}, W {@code [out, in]}, y {@code [m,
 * out]}; from the formula to the loop of the engine's {@code Linear}.
 *
 * <p>{@code m} is a multiple of 4 and {@code out} one of 8 vectors.
 */
final class ProductLessons {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = S.length();

  /** Columns of the tile: two vectors. */
  private static final int COLUMNS = 2 * LANES;

  private ProductLessons() {}

  /**
   * The formula. Each addition waits for the one before: a multiply-add every 3 or 4 cycles, where
   * the machine could do 32 in each. Java keeps the order of a sum of floats, so C2 may not help.
   */
  static void dot(float[] x, float[] w, int m, int in, int out, float[] y) {
    for (int r = 0; r < m; r++) {
      for (int j = 0; j < out; j++) {
        y[r * out + j] = dot(x, r * in, w, j * in, in);
      }
    }
  }

  private static float dot(float[] x, int xo, float[] w, int wo, int in) {
    float sum = 0;
    for (int i = 0; i < in; i++) {
      sum += x[xo + i] * w[wo + i];
    }
    return sum;
  }

  /**
   * The loops in another order, over the transposed matrix {@code [in, out]}: now neighbouring sums
   * grow side by side and nobody waits. But each multiply-add loads and stores its sum; and C2 of
   * JDK 25 leaves the loop scalar, because y and W might be the same array.
   */
  static void rows(float[] x, float[] wt, int m, int in, int out, float[] y) {
    Arrays.fill(y, 0, m * out, 0);
    for (int r = 0; r < m; r++) {
      for (int i = 0; i < in; i++) {
        add(x[r * in + i], wt, i * out, y, r * out, out);
      }
    }
  }

  private static void add(float value, float[] wt, int wo, float[] y, int yo, int out) {
    for (int j = 0; j < out; j++) {
      y[yo + j] += value * wt[wo + j];
    }
  }

  /**
   * The sums of 8 vectors stay in registers: two units times 4 cycles of latency are 8 multiply-
   * adds on the way, and nothing is stored before the end. What is left is one load of W for every
   * multiply-add, and all of W once for every row of x.
   */
  static void vectors(float[] x, float[] wt, int m, int in, int out, float[] y) {
    for (int j = 0; j < out; j += 8 * LANES) {
      for (int r = 0; r < m; r++) {
        row(x, r * in, in, wt, j, out, y, r * out + j);
      }
    }
  }

  private static void row(
      float[] x, int xo, int in, float[] wt, int wo, int out, float[] y, int yo) {
    FloatVector c0 = FloatVector.zero(S);
    FloatVector c1 = FloatVector.zero(S);
    FloatVector c2 = FloatVector.zero(S);
    FloatVector c3 = FloatVector.zero(S);
    FloatVector c4 = FloatVector.zero(S);
    FloatVector c5 = FloatVector.zero(S);
    FloatVector c6 = FloatVector.zero(S);
    FloatVector c7 = FloatVector.zero(S);
    for (int i = 0; i < in; i++) {
      FloatVector a = FloatVector.broadcast(S, x[xo + i]);
      int b = wo + i * out;
      c0 = a.fma(FloatVector.fromArray(S, wt, b), c0);
      c1 = a.fma(FloatVector.fromArray(S, wt, b + LANES), c1);
      c2 = a.fma(FloatVector.fromArray(S, wt, b + 2 * LANES), c2);
      c3 = a.fma(FloatVector.fromArray(S, wt, b + 3 * LANES), c3);
      c4 = a.fma(FloatVector.fromArray(S, wt, b + 4 * LANES), c4);
      c5 = a.fma(FloatVector.fromArray(S, wt, b + 5 * LANES), c5);
      c6 = a.fma(FloatVector.fromArray(S, wt, b + 6 * LANES), c6);
      c7 = a.fma(FloatVector.fromArray(S, wt, b + 7 * LANES), c7);
    }
    c0.intoArray(y, yo);
    c1.intoArray(y, yo + LANES);
    c2.intoArray(y, yo + 2 * LANES);
    c3.intoArray(y, yo + 3 * LANES);
    c4.intoArray(y, yo + 4 * LANES);
    c5.intoArray(y, yo + 5 * LANES);
    c6.intoArray(y, yo + 6 * LANES);
    c7.intoArray(y, yo + 7 * LANES);
  }

  /**
   * The same 8 sums as a tile, 4 rows by 2 vectors: each vector of W, once loaded, serves 4 rows. 6
   * loads for 8 multiply-adds, and W is read a quarter as often.
   */
  static void tile(float[] x, float[] wt, int m, int in, int out, float[] y) {
    for (int j = 0; j < out; j += COLUMNS) {
      for (int r = 0; r < m; r += 4) {
        tile(x, r * in, in, wt, j, out, y, r * out + j, out);
      }
    }
  }

  /**
   * Copies W into panels of as many columns as a tile has, each {@code [in, COLUMNS]} without a
   * gap. Done once, when the weights are loaded.
   */
  static float[] pack(float[] wt, int in, int out) {
    float[] panels = new float[in * out];
    int at = 0;
    for (int j = 0; j < out; j += COLUMNS) {
      for (int i = 0; i < in; i++, at += COLUMNS) {
        System.arraycopy(wt, i * out + j, panels, at, COLUMNS);
      }
    }
    return panels;
  }

  /** The same tile over packed panels: its steps through W are neighbours in memory. */
  static void packed(float[] x, float[] panels, int m, int in, int out, float[] y) {
    for (int j = 0; j < out; j += COLUMNS) {
      for (int r = 0; r < m; r += 4) {
        tile(x, r * in, in, panels, j * in, COLUMNS, y, r * out + j, out);
      }
    }
  }

  /** 4 rows of x times 2 vectors of columns of b, whose rows are {@code stride} floats apart. */
  private static void tile(
      float[] x, int xo, int in, float[] b, int bo, int stride, float[] y, int yo, int out) {
    FloatVector c0a = FloatVector.zero(S);
    FloatVector c0b = FloatVector.zero(S);
    FloatVector c1a = FloatVector.zero(S);
    FloatVector c1b = FloatVector.zero(S);
    FloatVector c2a = FloatVector.zero(S);
    FloatVector c2b = FloatVector.zero(S);
    FloatVector c3a = FloatVector.zero(S);
    FloatVector c3b = FloatVector.zero(S);
    for (int i = 0; i < in; i++) {
      FloatVector ba = FloatVector.fromArray(S, b, bo + i * stride);
      FloatVector bb = FloatVector.fromArray(S, b, bo + i * stride + LANES);
      FloatVector a0 = FloatVector.broadcast(S, x[xo + i]);
      c0a = a0.fma(ba, c0a);
      c0b = a0.fma(bb, c0b);
      FloatVector a1 = FloatVector.broadcast(S, x[xo + i + in]);
      c1a = a1.fma(ba, c1a);
      c1b = a1.fma(bb, c1b);
      FloatVector a2 = FloatVector.broadcast(S, x[xo + i + 2 * in]);
      c2a = a2.fma(ba, c2a);
      c2b = a2.fma(bb, c2b);
      FloatVector a3 = FloatVector.broadcast(S, x[xo + i + 3 * in]);
      c3a = a3.fma(ba, c3a);
      c3b = a3.fma(bb, c3b);
    }
    c0a.intoArray(y, yo);
    c0b.intoArray(y, yo + LANES);
    c1a.intoArray(y, yo + out);
    c1b.intoArray(y, yo + out + LANES);
    c2a.intoArray(y, yo + 2 * out);
    c2b.intoArray(y, yo + 2 * out + LANES);
    c3a.intoArray(y, yo + 3 * out);
    c3b.intoArray(y, yo + 3 * out + LANES);
  }
}
