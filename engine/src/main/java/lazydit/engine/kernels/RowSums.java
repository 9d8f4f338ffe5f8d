package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;

/**
 * Sums over a row, of its differences from its first feature and of their squares: the mean and
 * (almost always) the variance from one pass.
 */
final class RowSums {
  /**
   * Sums are taken in float32 over so many features, 16 to a lane of two vectors, and in float64
   * over these: beside one outlier a longer sum in float32 swallows all that follows (5e-6 at 4608
   * features).
   */
  static final int PAIR = 2 * Lanes.COUNT;

  static final int BLOCK = 16 * PAIR;

  /**
   * How many variances the square of the mean difference may be, so that the variance is exact to 4
   * roundings of its sums. Where features are distributed normally 8 rows of 100 are beyond, and
   * are summed again.
   */
  private static final double TRUSTED = 3;

  private double differences;
  private double squares;

  /** Of the differences times {@code w * (1 + scale)}. */
  private double weighted;

  void clear() {
    differences = 0;
    squares = 0;
    weighted = 0;
  }

  void add(float difference, float square) {
    differences += difference;
    squares += square;
  }

  /** Takes the sums of a row. */
  void take(float[] x, int xo, int n) {
    clear();
    for (int i = 0; i < n; i += BLOCK) {
      block(x, xo + i, Math.min(BLOCK, n - i), x[xo]);
    }
  }

  private void block(float[] x, int xo, int n, float origin) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector q0 = s0;
    FloatVector q1 = s0;
    int i = 0;
    for (int bound = n - n % PAIR; i < bound; i += PAIR) {
      FloatVector a = load(x, xo + i).sub(origin);
      FloatVector b = load(x, xo + i + Lanes.COUNT).sub(origin);
      s0 = s0.add(a);
      s1 = s1.add(b);
      q0 = a.fma(a, q0);
      q1 = b.fma(b, q1);
    }
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector a = load(x, xo + i).sub(origin);
      s0 = s0.add(a);
      q0 = a.fma(a, q0);
    }
    float sum = Lanes.sum(s0.add(s1));
    float square = Lanes.sum(q0.add(q1));
    for (; i < n; i++) {
      float a = x[xo + i] - origin;
      sum += a;
      square = Math.fma(a, a, square);
    }
    add(sum, square);
  }

  /** Takes the same sums, and the weighted one. */
  void take(float[] x, int xo, int n, float[] w, int wo, float[] scale, int co) {
    clear();
    for (int i = 0; i < n; i += BLOCK) {
      block(x, xo + i, Math.min(BLOCK, n - i), x[xo], w, wo + i, scale, co + i);
    }
  }

  private void block(
      float[] x, int xo, int n, float origin, float[] w, int wo, float[] scale, int co) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector q0 = s0;
    FloatVector q1 = s0;
    FloatVector p0 = s0;
    FloatVector p1 = s0;
    int i = 0;
    for (int bound = n - n % PAIR; i < bound; i += PAIR) {
      int j = i + Lanes.COUNT;
      FloatVector a = load(x, xo + i).sub(origin);
      FloatVector b = load(x, xo + j).sub(origin);
      FloatVector wa = load(w, wo + i);
      FloatVector wb = load(w, wo + j);
      s0 = s0.add(a);
      s1 = s1.add(b);
      q0 = a.fma(a, q0);
      q1 = b.fma(b, q1);
      p0 = a.fma(load(scale, co + i).fma(wa, wa), p0);
      p1 = b.fma(load(scale, co + j).fma(wb, wb), p1);
    }
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector a = load(x, xo + i).sub(origin);
      FloatVector wa = load(w, wo + i);
      s0 = s0.add(a);
      q0 = a.fma(a, q0);
      p0 = a.fma(load(scale, co + i).fma(wa, wa), p0);
    }
    float sum = Lanes.sum(s0.add(s1));
    float square = Lanes.sum(q0.add(q1));
    float product = Lanes.sum(p0.add(p1));
    for (; i < n; i++) {
      float a = x[xo + i] - origin;
      sum += a;
      square = Math.fma(a, a, square);
      product = Math.fma(a, w[wo + i] * (1 + scale[co + i]), product);
    }
    add(sum, square);
    weighted += product;
  }

  /** {@return the mean difference} */
  double mean(int n) {
    return differences / n;
  }

  /** {@return the variance; of use only where it is {@link #trusted}} */
  double variance(int n) {
    double mean = mean(n);
    return squares / n - mean * mean;
  }

  /** {@return whether the variance survives its subtraction; false where a sum is not finite} */
  boolean trusted(int n) {
    double mean = mean(n);
    return mean * mean <= TRUSTED * variance(n);
  }

  double weighted() {
    return weighted;
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }
}
