package lazydit.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The differences between two files of weights, tensor by tensor under the names that a network has
 * whatever its layout. Types may differ: numbers are compared.
 */
public final class WeightsDiff {
  private static final int CHUNK = 1 << 14;

  /** How a tensor compares. */
  public enum Outcome {
    /** Both have it, and every number is within the tolerance. */
    EQUAL,
    /** Some number is not. */
    DIFFERENT,
    /** The shapes are not the same. */
    OTHER_SHAPE,
    /** The first file does not have it. */
    MISSING_IN_FIRST,
    /** The second file does not have it. */
    MISSING_IN_SECOND
  }

  /**
   * One tensor's differences.
   *
   * @param name its name
   * @param outcome how it compares
   * @param differing how many numbers are not the same
   * @param maxAbsolute the largest difference; infinite between a NaN and a number
   * @param maxRelative the largest difference divided by the larger of the two
   * @param about shapes or types, for people
   */
  public record Entry(
      String name,
      Outcome outcome,
      long differing,
      double maxAbsolute,
      double maxRelative,
      String about) {
    Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("name", name);
      json.put("outcome", outcome.name().toLowerCase(Locale.ROOT));
      json.put("differing", differing);
      json.put("max_abs", maxAbsolute);
      json.put("max_rel", maxRelative);
      json.put("about", about);
      return json;
    }
  }

  private final double tolerance;
  private final List<Entry> entries;

  private WeightsDiff(double tolerance, List<Entry> entries) {
    this.tolerance = tolerance;
    this.entries = entries;
  }

  /**
   * Compares all numbers of two files; memory use does not depend on their size.
   *
   * @param first one
   * @param second the other
   * @param tolerance how large an absolute difference may be
   * @param progress told how many numbers have been compared
   * @return the differences
   * @throws lazydit.engine.LazyDitException when one cannot be read
   */
  public static WeightsDiff of(
      ModelFile first, ModelFile second, double tolerance, Progress progress) {
    Map<String, TensorData> left = first.canonical().tensors();
    Map<String, TensorData> right = second.canonical().tensors();
    Set<String> names = new LinkedHashSet<>(left.keySet());
    names.addAll(right.keySet());
    long total = left.values().stream().mapToLong(TensorData::size).sum();
    List<Entry> entries = new ArrayList<>();
    long done = 0;
    for (String name : names) {
      TensorData a = left.get(name);
      TensorData b = right.get(name);
      long before = done;
      entries.add(entry(name, a, b, tolerance, (n, all) -> progress.onProgress(before + n, total)));
      done += a == null ? 0 : a.size();
    }
    return new WeightsDiff(tolerance, List.copyOf(entries));
  }

  private static Entry entry(
      String name, TensorData a, TensorData b, double tolerance, Progress progress) {
    if (a == null || b == null) {
      Outcome outcome = a == null ? Outcome.MISSING_IN_FIRST : Outcome.MISSING_IN_SECOND;
      return new Entry(name, outcome, 0, 0, 0, Arrays.toString((a == null ? b : a).shape()));
    }
    if (!Arrays.equals(a.shape(), b.shape())) {
      String shapes = Arrays.toString(a.shape()) + " and " + Arrays.toString(b.shape());
      return new Entry(name, Outcome.OTHER_SHAPE, 0, 0, 0, shapes);
    }
    double[] left = new double[(int) Math.min(CHUNK, a.size())];
    double[] right = new double[left.length];
    long differing = 0;
    double absolute = 0;
    double relative = 0;
    for (long first = 0; first < a.size(); first += CHUNK) {
      int count = (int) Math.min(CHUNK, a.size() - first);
      a.readDoubles(first, left, 0, count);
      b.readDoubles(first, right, 0, count);
      for (int i = 0; i < count; i++) {
        double difference = difference(left[i], right[i]);
        if (difference > 0) {
          differing++;
          absolute = Math.max(absolute, difference);
          relative = Math.max(relative, relative(left[i], right[i], difference));
        }
      }
      progress.onProgress(first + count, a.size());
    }
    return new Entry(
        name,
        absolute > tolerance ? Outcome.DIFFERENT : Outcome.EQUAL,
        differing,
        absolute,
        relative,
        a.dtype() == b.dtype() ? a.dtype().name() : a.dtype() + " and " + b.dtype());
  }

  private static double difference(double a, double b) {
    if (a == b || Double.isNaN(a) && Double.isNaN(b)) {
      return 0;
    }
    double difference = Math.abs(a - b);
    return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
  }

  private static double relative(double a, double b, double difference) {
    return Double.isInfinite(difference)
        ? Double.POSITIVE_INFINITY
        : difference / Math.max(Math.abs(a), Math.abs(b));
  }

  /** {@return all tensors, those of the first file first} */
  public List<Entry> entries() {
    return entries;
  }

  /** {@return whether both have the same tensors, all within the tolerance} */
  public boolean equal() {
    return entries.stream().allMatch(entry -> entry.outcome == Outcome.EQUAL);
  }

  /** {@return lines about the tensors that are not the same, and one about all} */
  public String text() {
    StringBuilder text = new StringBuilder();
    int width = entries.stream().mapToInt(entry -> entry.name.length()).max().orElse(0);
    for (Entry entry : entries) {
      if (entry.outcome != Outcome.EQUAL || entry.differing > 0) {
        String name = Printable.of(entry.name);
        text.append(name).append(" ".repeat(Math.max(2, width + 2 - name.length())));
        text.append(line(entry)).append('\n');
      }
    }
    long equal = entries.stream().filter(entry -> entry.outcome == Outcome.EQUAL).count();
    double largest = entries.stream().mapToDouble(Entry::maxAbsolute).max().orElse(0);
    text.append(
        String.format(
            Locale.ROOT,
            "%d of %d tensors are equal%s; the largest difference is %.3g%n",
            equal,
            entries.size(),
            tolerance > 0 ? String.format(Locale.ROOT, " within %.3g", tolerance) : "",
            largest));
    return text.toString();
  }

  private static String line(Entry entry) {
    return switch (entry.outcome) {
      case MISSING_IN_FIRST -> "missing in the first: " + entry.about;
      case MISSING_IN_SECOND -> "missing in the second: " + entry.about;
      case OTHER_SHAPE -> "shapes " + entry.about;
      case EQUAL, DIFFERENT ->
          String.format(
              Locale.ROOT,
              "absolute %.3g  relative %.3g  %d numbers  %s",
              entry.maxAbsolute,
              entry.maxRelative,
              entry.differing,
              entry.about);
    };
  }

  /** {@return all of it as an object for {@link Json#write}} */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("equal", equal());
    json.put("tolerance", tolerance);
    json.put("tensors", entries.stream().map(Entry::json).toList());
    return json;
  }
}
