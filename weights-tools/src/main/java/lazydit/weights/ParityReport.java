package lazydit.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How computed tensors compare with the expected ones of a file.
 *
 * @param file the file
 * @param kind what the file is about
 * @param rows one row an expected tensor or other expectation, in the file's order
 */
public record ParityReport(String file, String kind, List<Row> rows) {
  /** What became of an expectation. */
  public enum Outcome {
    /** Within the tolerance. */
    PASS,
    /** Outside the tolerance, or of another shape or type. */
    FAIL,
    /** Nothing was computed for it. */
    NOT_COMPUTED
  }

  /**
   * One expectation.
   *
   * @param name the expected tensor's name, or what else is expected
   * @param what its type and shape, or empty
   * @param outcome what became of it
   * @param maxAbs the largest absolute error; infinite when only one of two numbers is finite, NaN
   *     when there are no numbers
   * @param maxRel the largest error relative to the expected number, among numbers above 1 % of the
   *     largest; NaN when there are none
   * @param share the largest error as a share of the tolerance, or of 8-bit pixels those that
   *     differ as a share of 1 %, if that is more; above 1 is a failure
   * @param tolerance the tolerance
   * @param note what a person should know, or empty
   */
  public record Row(
      String name,
      String what,
      Outcome outcome,
      double maxAbs,
      double maxRel,
      double share,
      Tolerance tolerance,
      String note) {
    static Row verdict(String name, boolean passed, String note) {
      Outcome outcome = passed ? Outcome.PASS : Outcome.FAIL;
      double none = Double.NaN;
      return new Row(name, "", outcome, none, none, none, Tolerance.EXACT, note);
    }
  }

  /** Numbers below this share of the largest do not count for the relative error. */
  private static final double RELATIVE_FLOOR = 0.01;

  /** The share of 8-bit pixels that may be a level off. */
  private static final double ON_AN_EDGE = 0.01;

  /**
   * Compares computed tensors with those of a golden file.
   *
   * @param golden the open golden file
   * @param computed computed tensors by the expected ones' names
   * @return one row for each expected tensor
   */
  public static ParityReport compare(GoldenFile golden, Map<String, Computed> computed) {
    List<Row> rows = new ArrayList<>();
    for (String name : golden.expectedNames()) {
      rows.add(row(golden.expected(name), computed.get(name), golden.tolerance(name)));
    }
    return new ParityReport(golden.path().toString(), golden.kind(), rows);
  }

  private static Row row(StoredTensor expected, Computed computed, Tolerance tolerance) {
    String what = expected.dtype() + " " + Arrays.toString(expected.shape());
    if (computed == null) {
      double none = Double.NaN;
      return new Row(expected.name(), what, Outcome.NOT_COMPUTED, none, none, none, tolerance, "");
    }
    String mismatch = mismatch(expected, computed);
    if (!mismatch.isEmpty()) {
      double most = Double.POSITIVE_INFINITY;
      return new Row(expected.name(), what, Outcome.FAIL, most, most, most, tolerance, mismatch);
    }
    return expected.dtype().isFloating()
        ? reals(expected, computed, tolerance, what)
        : integers(expected, computed, tolerance, what);
  }

  private static String mismatch(StoredTensor expected, Computed computed) {
    if (!Arrays.equals(expected.shape(), computed.shape())) {
      return "computed shape " + Arrays.toString(computed.shape());
    }
    return expected.dtype().isFloating() == computed.dtype().isFloating()
        ? ""
        : "computed " + computed.dtype();
  }

  private static Row reals(
      StoredTensor expected, Computed computed, Tolerance tolerance, String what) {
    double[] wanted = expected.toDoubles();
    double scale = Arrays.stream(wanted).map(Math::abs).filter(Double::isFinite).max().orElse(0);
    double maxAbs = 0;
    double maxRel = 0;
    double share = 0;
    for (int i = 0; i < wanted.length; i++) {
      double error = error(wanted[i], computed.real(i));
      if (error == 0) {
        continue;
      }
      double allowed = tolerance.at(wanted[i]);
      maxAbs = Math.max(maxAbs, error);
      share = Math.max(share, allowed > 0 ? error / allowed : Double.POSITIVE_INFINITY);
      if (Math.abs(wanted[i]) > RELATIVE_FLOOR * scale) {
        maxRel = Math.max(maxRel, error / Math.abs(wanted[i]));
      }
    }
    Outcome outcome = share <= 1 ? Outcome.PASS : Outcome.FAIL;
    return new Row(expected.name(), what, outcome, maxAbs, maxRel, share, tolerance, "");
  }

  /** Zero for equal numbers, two NaNs among them; infinite when only one is finite or a NaN. */
  private static double error(double expected, double computed) {
    if (expected == computed || Double.isNaN(expected) && Double.isNaN(computed)) {
      return 0;
    }
    double error = Math.abs(computed - expected);
    return Double.isFinite(expected) && Double.isFinite(error) ? error : Double.POSITIVE_INFINITY;
  }

  private static Row integers(
      StoredTensor expected, Computed computed, Tolerance tolerance, String what) {
    long[] wanted = expected.toLongs();
    long differing = 0;
    double maxAbs = 0;
    double maxRel = 0;
    for (int i = 0; i < wanted.length; i++) {
      if (wanted[i] != computed.integer(i)) {
        double error = Math.abs((double) computed.integer(i) - wanted[i]);
        differing++;
        maxAbs = Math.max(maxAbs, error);
        maxRel = wanted[i] == 0 ? maxRel : Math.max(maxRel, error / Math.abs((double) wanted[i]));
      }
    }
    double most = Math.max(1, ON_AN_EDGE * wanted.length);
    double share = differing == 0 ? 0 : Math.max(maxAbs / tolerance.absolute(), differing / most);
    return new Row(
        expected.name(),
        what,
        share <= 1 ? Outcome.PASS : Outcome.FAIL,
        maxAbs,
        maxRel,
        share,
        tolerance,
        differing == 0 ? "" : differing + " of " + wanted.length + " differ");
  }

  /**
   * {@return how many expectations had it}
   *
   * @param outcome an outcome
   */
  public long count(Outcome outcome) {
    return rows.stream().filter(row -> row.outcome == outcome).count();
  }

  /** {@return whether something was computed and nothing failed} */
  public boolean passed() {
    return count(Outcome.FAIL) == 0 && count(Outcome.PASS) > 0;
  }

  /** {@return a table for people, the last line ended too} */
  public String text() {
    int width = rows.stream().mapToInt(row -> row.name.length()).max().orElse(0);
    StringBuilder text = new StringBuilder();
    text.append(Printable.of(file)).append(" (").append(Printable.of(kind)).append(")\n");
    for (Row row : rows) {
      text.append("  ").append(padded(Printable.of(row.name), width)).append("  ");
      text.append(padded(word(row.outcome), 12)).append("  ").append(numbers(row));
      text.append(row.note.isEmpty() ? "" : Printable.of(row.note)).append('\n');
    }
    return text.append(summary()).append('\n').toString();
  }

  private static String numbers(Row row) {
    if (row.outcome == Outcome.NOT_COMPUTED || Double.isNaN(row.maxAbs)) {
      return "";
    }
    return String.format(
        Locale.ROOT,
        "abs %8.2e  rel %8.2e  of %s  ",
        row.maxAbs,
        row.maxRel,
        padded(row.tolerance.toString(), 16));
  }

  private static String word(Outcome outcome) {
    return switch (outcome) {
      case PASS -> "pass";
      case FAIL -> "FAIL";
      case NOT_COMPUTED -> "not computed";
    };
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(Math.max(0, width - text.length()));
  }

  /** {@return one line: how many expectations passed, failed and were not computed} */
  public String summary() {
    return "  %s: %d passed, %d failed, %d not computed"
        .formatted(
            passed() ? "PASS" : count(Outcome.FAIL) > 0 ? "FAIL" : "NOT COMPUTED",
            count(Outcome.PASS),
            count(Outcome.FAIL),
            count(Outcome.NOT_COMPUTED));
  }

  /** {@return the same as an object for {@link Json#write}} */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("file", file);
    json.put("kind", kind);
    json.put("passed", passed());
    List<Object> tensors = new ArrayList<>();
    for (Row row : rows) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("name", row.name);
      entry.put("outcome", word(row.outcome).toLowerCase(Locale.ROOT));
      if (!Double.isNaN(row.maxAbs)) {
        entry.put("max_abs", row.maxAbs);
        entry.put("max_rel", row.maxRel);
      }
      entry.put("atol", row.tolerance.absolute());
      entry.put("rtol", row.tolerance.relative());
      if (!row.note.isEmpty()) {
        entry.put("note", row.note);
      }
      tensors.add(entry);
    }
    json.put("tensors", tensors);
    return json;
  }
}
