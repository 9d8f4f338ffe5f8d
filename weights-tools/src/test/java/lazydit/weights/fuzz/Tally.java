package lazydit.weights.fuzz;

import java.util.EnumMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** How many inputs came to which end. */
final class Tally {
  private final Map<Subject, Map<Verdict.Kind, Long>> counts = new EnumMap<>(Subject.class);
  private final Set<String> ways = new HashSet<>();
  private double dearest;
  private long slowest;

  Tally() {
    for (Subject subject : Subject.values()) {
      counts.put(subject, new EnumMap<>(Verdict.Kind.class));
    }
  }

  void count(Sample sample, Verdict verdict) {
    counts.get(sample.subject()).merge(verdict.kind(), 1L, Long::sum);
  }

  void note(Set<String> moreWays, double dear, long slow) {
    ways.addAll(moreWays);
    dearest = Math.max(dearest, dear);
    slowest = Math.max(slowest, slow);
  }

  void add(Tally other) {
    other.counts.forEach(
        (subject, ends) ->
            ends.forEach((kind, n) -> counts.get(subject).merge(kind, n, Long::sum)));
    note(other.ways, other.dearest, other.slowest);
  }

  long inputs() {
    return counts.keySet().stream().mapToLong(this::inputs).sum();
  }

  private long inputs(Subject subject) {
    return counts.get(subject).values().stream().mapToLong(n -> n).sum();
  }

  private long inputs(Subject subject, Verdict.Kind kind) {
    return counts.get(subject).getOrDefault(kind, 0L);
  }

  /** How many inputs of all readers ended so. */
  long inputs(Verdict.Kind kind) {
    return counts.keySet().stream().mapToLong(subject -> inputs(subject, kind)).sum();
  }

  /** The ways that inputs took, each with its subject and its end before it. */
  Set<String> ways() {
    return ways;
  }

  private long ways(Subject subject, Verdict.Kind kind) {
    return ways.stream().filter(way -> way.startsWith(subject + " " + kind + " ")).count();
  }

  /** A table, a line a reader; behind a count how many different ways led there. */
  @Override
  public String toString() {
    StringBuilder table = new StringBuilder();
    line(table, "reader", "inputs", "loaded", "ways", "refused", "ways", "failed");
    for (Subject subject : Subject.values()) {
      line(
          table,
          subject.name().toLowerCase(Locale.ROOT),
          inputs(subject),
          inputs(subject, Verdict.Kind.LOADED),
          ways(subject, Verdict.Kind.LOADED),
          inputs(subject, Verdict.Kind.REFUSED),
          ways(subject, Verdict.Kind.REFUSED),
          inputs(subject, Verdict.Kind.FAILED) + inputs(subject, Verdict.Kind.EXCESSIVE));
    }
    line(
        table,
        "all",
        inputs(),
        inputs(Verdict.Kind.LOADED),
        "",
        inputs(Verdict.Kind.REFUSED),
        "",
        inputs(Verdict.Kind.FAILED) + inputs(Verdict.Kind.EXCESSIVE));
    String most = "at most %.0f %% of the memory allowed, and %.0f ms%n";
    return table.append(String.format(Locale.ROOT, most, 100 * dearest, slowest / 1e6)).toString();
  }

  private static void line(StringBuilder table, Object... cells) {
    String format = "%-12s%10s%10s%6s%10s%6s%8s%n";
    table.append(String.format(Locale.ROOT, format, cells));
  }
}
