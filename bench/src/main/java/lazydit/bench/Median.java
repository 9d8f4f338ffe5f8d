package lazydit.bench;

import java.util.Arrays;

/** The middle of some measurements, and how far they lie apart. */
final class Median {
  private Median() {}

  /** The median; NaN of nothing. */
  static double of(double... values) {
    return quantile(values, 0.5);
  }

  /** The middle half's width as a fraction of the median. */
  static double spread(double... values) {
    return (quantile(values, 0.75) - quantile(values, 0.25)) / of(values);
  }

  private static double quantile(double[] values, double q) {
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
