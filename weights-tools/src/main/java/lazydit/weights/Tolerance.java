package lazydit.weights;

import java.util.Locale;

/**
 * How far a computed number a may be from the expected e: |a - e| &lt;= absolute + relative |e|.
 *
 * @param absolute the absolute part, not negative
 * @param relative the relative part, not negative
 */
public record Tolerance(double absolute, double relative) {
  /** Nothing but equality. */
  public static final Tolerance EXACT = new Tolerance(0, 0);

  /**
   * Of 8-bit pixels: where a value lies on the edge between two levels, rounding decides. That is
   * rare, so {@link ParityReport} lets at most 1 % of them differ.
   */
  public static final Tolerance ONE_LEVEL = new Tolerance(1, 0);

  /**
   * {@return how far from it a computed number may be}
   *
   * @param expected an expected number
   */
  public double at(double expected) {
    return absolute + relative * Math.abs(expected);
  }

  /** {@return the tolerance in a few characters} */
  @Override
  public String toString() {
    if (absolute == 0 && relative == 0) {
      return "exact";
    }
    String text = String.format(Locale.ROOT, "%.1e", absolute);
    return relative == 0 ? text : text + String.format(Locale.ROOT, " + %.0e|e|", relative);
  }
}
