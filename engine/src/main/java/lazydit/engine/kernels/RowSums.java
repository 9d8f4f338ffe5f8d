package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;

/**
 * Sums over rows, of differences from the row's first feature and of their squares: the mean and
 * (almost always) the variance from one pass.
 *
 * <p>Sums of many rows are taken first and turned into moments after: divisions and roots of a row
 * would have to wait for its sums, those of different rows overlap.
 */
final class RowSums {
  /**
   * Sums are taken over so many features, 16 to a lane of two vectors, and over these: beside one
   * outlier a longer sum swallows all that follows (5e-6 at 4608 features).
   */
  static final int PAIR = 2 * Lanes.COUNT;

  static final int BLOCK = 16 * PAIR;

  /**
   * How many variances the square of the mean difference may be, so that the variance is exact to 4
   * roundings of its sums. Where features are distributed normally 8 rows of 100 are beyond, and
   * are summed again.
   */
  private static final double TRUSTED = 3;

  private RowSums() {}

  /** Puts the sums of a row into {@code sums} and {@code squares}. */
  static void take(float[] x, int xo, int n, float[] sums, float[] squares, int at) {
    sums[at] = 0;
    squares[at] = 0;
    for (int i = 0; i < n; i += BLOCK) {
      block(x, xo + i, Math.min(BLOCK, n - i), x[xo], sums, squares, at);
    }
  }

  private static void block(
      float[] x, int xo, int n, float origin, float[] sums, float[] squares, int at) {
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
    sums[at] += sum;
    squares[at] += square;
  }

  /** The variance of a row of these sums; NaN where it does not survive its subtraction. */
  static double variance(float sum, float squares, double inverse) {
    double mean = sum * inverse;
    double variance = squares * inverse - mean * mean;
    boolean trusted = mean * mean <= TRUSTED * variance && variance < Double.POSITIVE_INFINITY;
    return trusted ? variance : Double.NaN;
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }
}
