package lazydit.bench;

import java.util.Arrays;

/** The middle of some measurements, and how far they lie apart. */
public final class Median {
  private Median() {}

  /** The median; NaN of nothing. */
  public static double of(double... values) {
    return quantile(values, 0.5);
  }

  /** The middle half's width as a fraction of the median. */
  public static double spread(double... values) {
    return (quantile(values, 0.75) - quantile(values, 0.25)) / of(values);
  }

  /** A quantile: 0 is the least, 1 the largest; NaN of nothing. */
  public static double quantile(double[] values, double q) {
    if (values.length == 0) {
      return Double.NaN;
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double at = q * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
