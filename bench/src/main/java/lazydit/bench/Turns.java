package lazydit.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * Sides that take turns in one JVM, round after round: ours, a peer, ours, a peer. What the machine
 * does to one it does to the other, so ratios are taken within a round and their median is
 * believed.
 */
final class Turns {
  /** Time for threads that the other side keeps spinning to go to rest. */
  private static final long PAUSE_MILLIS = 50;

  private final List<double[]> rounds;
  private final double[] ceilings;

  private Turns(List<double[]> rounds, double[] ceilings) {
    this.rounds = rounds;
    this.ceilings = ceilings;
  }

  /**
   * Lets the sides take turns until their ratios to the first agree, or the rounds are used up.
   *
   * @param sides who takes turns, the first of them ours
   * @param ceiling measures the limit, behind each of our runs; or null
   * @param effort how many turns, and how long
   * @return the seconds of every turn
   */
  static Turns take(List<Side> sides, DoubleSupplier ceiling, Effort effort) {
    boolean alone = sides.size() == 1;
    int[] runs = sides.stream().mapToInt(side -> warmUp(side, effort)).toArray();
    List<double[]> rounds = new ArrayList<>();
    List<Double> ceilings = new ArrayList<>();
    Turns turns;
    do {
      double[] seconds = new double[sides.size()];
      for (int i = 0; i < seconds.length; i++) {
        if (!alone) {
          pause();
        }
        boolean held = i == 0 && ceiling != null;
        List<Double> behind = new ArrayList<>();
        seconds[i] =
            turn(sides.get(i), runs[i], held ? () -> behind.add(ceiling.getAsDouble()) : () -> {});
        if (held) {
          ceilings.add(Median.of(array(behind)));
        }
      }
      rounds.add(seconds);
      turns = new Turns(rounds, array(ceilings));
    } while (rounds.size() < effort.rounds()
        || rounds.size() < effort.mostRounds() && turns.spread() > Effort.SPREAD);
    return turns;
  }

  /** Warms a side up; returns how many runs make a turn. */
  private static int warmUp(Side side, Effort effort) {
    long start = System.nanoTime();
    double last;
    int runs = 0;
    do {
      long begin = System.nanoTime();
      side.run();
      last = (System.nanoTime() - begin) * 1e-9;
    } while (++runs < 2 || (System.nanoTime() - start) * 1e-9 < effort.warmUpSeconds());
    return (int) Math.max(1, Math.ceil(effort.turnSeconds() / last));
  }

  /** Runs a side some times, and something behind each run; returns the mean seconds of a run. */
  private static double turn(Side side, int runs, Runnable behind) {
    if (runs > 1) {
      side.run();
    }
    long nanos = 0;
    for (int i = 0; i < runs; i++) {
      long start = System.nanoTime();
      side.run();
      nanos += System.nanoTime() - start;
      behind.run();
    }
    return nanos * 1e-9 / runs;
  }

  private static double[] array(List<Double> values) {
    return values.stream().mapToDouble(v -> v).toArray();
  }

  private static void pause() {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private double spread() {
    double spread = 0;
    for (int i = 1; i < rounds.getFirst().length; i++) {
      spread = Math.max(spread, Median.spread(ratios(i)));
    }
    return spread;
  }

  private double[] ratios(int side) {
    return rounds.stream().mapToDouble(seconds -> seconds[side] / seconds[0]).toArray();
  }

  /** Seconds of one run of a side: the median of its turns. */
  double seconds(int side) {
    return Median.of(rounds.stream().mapToDouble(seconds -> seconds[side]).toArray());
  }

  /** How many times as fast as a side the first one is: the median over the rounds. */
  double ratio(int side) {
    return Median.of(ratios(side));
  }

  /** The first side's share of the limit, when a run takes that much of it. */
  double share(double amount) {
    double[] shares = new double[ceilings.length];
    for (int i = 0; i < shares.length; i++) {
      shares[i] = amount / rounds.get(i)[0] * 1e-9 / ceilings[i];
    }
    return Median.of(shares);
  }

  /** The median ceiling. */
  double ceiling() {
    return Median.of(ceilings);
  }
}
