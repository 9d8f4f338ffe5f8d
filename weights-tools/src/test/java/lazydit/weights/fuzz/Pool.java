package lazydit.weights.fuzz;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The inputs that others are made of: the seeds, and every mutant that took a way which none before
 * it took.
 *
 * <p>A way is known by its {@link Verdict#trait}, a cheap stand-in for coverage: readers of
 * untrusted files consist of checks, each of which refuses at a line of its own, so the lines of
 * the stack trace say how far an input got; nothing has to be instrumented.
 */
final class Pool {
  private final Map<Subject, List<Sample>> seeds = new EnumMap<>(Subject.class);
  private final Map<Subject, List<Sample>> loaded = new EnumMap<>(Subject.class);
  private final Map<Subject, List<Sample>> refused = new EnumMap<>(Subject.class);
  private final Set<String> ways = new HashSet<>();
  private final boolean keepsDear;
  private final List<byte[]> contents = new ArrayList<>();
  private final List<List<byte[]>> pickles = new ArrayList<>();

  /**
   * @param samples the seeds
   * @param keepsDear whether a mutant that allocates more than others took a way of its own, so
   *     that bombs can grow; memory differs a little from run to run, and so do the mutants then
   */
  Pool(List<Sample> samples, boolean keepsDear) {
    this.keepsDear = keepsDear;
    for (Subject subject : Subject.values()) {
      seeds.put(subject, samples.stream().filter(s -> s.subject() == subject).toList());
      loaded.put(subject, new ArrayList<>());
      refused.put(subject, new ArrayList<>());
    }
    for (Sample sample : samples) {
      contents.addAll(sample.files().values());
    }
    for (byte[] content : contents) {
      if (ZipBytes.matches(content)) {
        ZipBytes.entries(content).entrySet().stream()
            .filter(entry -> entry.getKey().endsWith("data.pkl") && entry.getValue().length > 0)
            .forEach(entry -> pickles.add(PickleBytes.single(entry.getValue())));
      } else if (PickleBytes.matches(content)) {
        pickles.add(PickleBytes.legacy(content));
      }
    }
  }

  /** Keeps an input that took a new way. */
  void offer(Sample sample, Verdict verdict) {
    String price = keepsDear && verdict.price() > 1 ? " at 2^" + verdict.price() : "";
    if (ways.add(sample.subject() + " " + verdict.kind() + " " + verdict.trait() + price)) {
      (verdict.kind() == Verdict.Kind.LOADED ? loaded : refused).get(sample.subject()).add(sample);
    }
  }

  /** All ways taken, each with its subject and its end before it. */
  Set<String> ways() {
    return ways;
  }

  /** An input for a reader; seldom one that was refused, which most of its children will be too. */
  Sample pick(Subject subject, Dice dice) {
    Map<Subject, List<Sample>> kept = dice.oneIn(8) ? refused : dice.oneIn(2) ? loaded : seeds;
    List<Sample> samples = kept.get(subject);
    return dice.pick(samples.isEmpty() ? seeds.get(subject) : samples);
  }

  byte[] content(Dice dice) {
    return dice.pick(contents);
  }

  /** The opcodes of a seed's pickle; not to be changed. */
  List<byte[]> pickle(Dice dice) {
    return dice.pick(pickles);
  }
}
