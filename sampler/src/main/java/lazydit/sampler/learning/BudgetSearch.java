package lazydit.sampler.learning;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import lazydit.dit.Branch;

/**
 * Looks for decisions of least error that meet a budget of reuses, for each branch its own: first
 * one decision after the other, always the one that costs least, until the budget is met; then by
 * exchanging a reuse for another as long as that helps.
 */
final class BudgetSearch {
  /** Reuses that are tried to be taken back in an exchange: the most expensive ones. */
  private static final int TRIED = 12;

  private static final int MOST_EXCHANGES = 400;
  private static final double WORTH_IT = 0.9999;

  private final Effects effects;
  private final double[] changed;
  private Decisions decisions;
  private int[] ages;
  private double[] error;

  BudgetSearch(Effects effects) {
    this.effects = effects;
    changed = new double[effects.observations()];
  }

  /** Decisions, and the error that the effects let expect. */
  record Found(Decisions decisions, double error) {}

  /**
   * Searches.
   *
   * @param from where the effects were measured
   * @param attn reuses of attention
   * @param mlp reuses of the MLP
   * @param most how many decisions may be exchanged beside those that the budget asks for
   */
  Found run(Decisions from, int attn, int mlp, int most) {
    decisions = from.copy();
    refresh();
    meet(Branch.ATTN, attn);
    meet(Branch.MLP, mlp);
    int allowed = decisions.differences(from) + most;
    double best = Effects.meanSquare(error);
    for (int i = 0; i < MOST_EXCHANGES; i++) {
      Exchange exchange = bestExchange(from, allowed);
      if (exchange == null || exchange.error > best * WORTH_IT) {
        break;
      }
      apply(exchange.dropped);
      apply(exchange.added);
      best = exchange.error;
    }
    return new Found(decisions, best);
  }

  private void refresh() {
    ages = decisions.ages();
    error = effects.error(decisions);
  }

  private void apply(int place) {
    decisions.flip(place);
    refresh();
  }

  private void meet(Branch branch, int wanted) {
    int count = decisions.count(branch);
    while (count != wanted) {
      boolean drop = count > wanted;
      int best = -1;
      double least = Double.POSITIVE_INFINITY;
      for (int place = 0; place < decisions.places(); place++) {
        if (decisions.branch(place) == branch && decisions.reused(place) == drop) {
          double cost = cost(place);
          if (cost < least) {
            least = cost;
            best = place;
          }
        }
      }
      if (best < 0) {
        return;
      }
      apply(best);
      count += drop ? -1 : 1;
    }
  }

  /** A reuse that is taken back, and one in its stead. */
  private record Exchange(int dropped, int added, double error) {}

  private Exchange bestExchange(Decisions from, int allowed) {
    int differences = decisions.differences(from);
    Exchange best = null;
    for (int dropped : worst()) {
      apply(dropped);
      for (int place = 0; place < decisions.places(); place++) {
        boolean candidate =
            place != dropped
                && !decisions.reused(place)
                && decisions.branch(place) == decisions.branch(dropped)
                && differences + change(from, dropped, false) + change(from, place, true)
                    <= allowed;
        if (candidate) {
          double cost = cost(place);
          if (cost < (best == null ? Double.POSITIVE_INFINITY : best.error)) {
            best = new Exchange(dropped, place, cost);
          }
        }
      }
      apply(dropped);
    }
    return best;
  }

  /** How many more decisions are others than those from which the search began. */
  private static int change(Decisions from, int place, boolean reused) {
    return from.reused(place) == reused ? -1 : 1;
  }

  /** The reuses whose taking back helps most or harms least. */
  private int[] worst() {
    record Reuse(int place, double cost) {}
    List<Reuse> reuses = new ArrayList<>();
    for (int place = 0; place < decisions.places(); place++) {
      if (decisions.reused(place)) {
        reuses.add(new Reuse(place, cost(place)));
      }
    }
    return reuses.stream()
        .sorted(Comparator.comparingDouble(Reuse::cost))
        .limit(TRIED)
        .mapToInt(Reuse::place)
        .toArray();
  }

  /** The error with one decision changed, and with it the ages that depend on it. */
  private double cost(int place) {
    int perStep = decisions.perStep();
    if (place + perStep >= decisions.places()) {
      return Double.POSITIVE_INFINITY;
    }
    System.arraycopy(error, 0, changed, 0, changed.length);
    int age = decisions.reused(place) ? 0 : ages[place + perStep] + 1;
    int at = place;
    while (true) {
      if (age > effects.oldest()) {
        return Double.POSITIVE_INFINITY;
      }
      effects.add(at, ages[at], -1, changed);
      effects.add(at, age, 1, changed);
      at -= perStep;
      if (at < 0 || !decisions.reused(at)) {
        return Effects.meanSquare(changed);
      }
      age++;
    }
  }
}
