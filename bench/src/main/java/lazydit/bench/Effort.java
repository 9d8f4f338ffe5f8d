package lazydit.bench;

/**
 * How long to measure.
 *
 * @param forks JVMs of a JMH benchmark
 * @param warmUps iterations before measuring
 * @param iterations measured iterations of a fork
 * @param iterationMillis length of an iteration
 * @param warmUpSeconds running of each side before turns are taken
 * @param turnSeconds length of a turn
 * @param rounds turns of each side, at least
 * @param mostRounds turns of each side when they disagree
 * @param blocks blocks of the network in forward passes
 */
record Effort(
    int forks,
    int warmUps,
    int iterations,
    int iterationMillis,
    double warmUpSeconds,
    double turnSeconds,
    int rounds,
    int mostRounds,
    int blocks) {

  /** The ratios' middle half must lie within this share before the rounds end. */
  static final double SPREAD = 0.05;

  static final Effort FULL = new Effort(3, 5, 8, 500, 2, 0.3, 7, 25, 28);
  static final Effort QUICK = new Effort(1, 3, 3, 150, 0.3, 0.1, 3, 3, 4);

  /** The same with more turns. */
  Effort times(int factor) {
    return new Effort(
        forks,
        warmUps,
        iterations,
        iterationMillis,
        warmUpSeconds,
        turnSeconds,
        factor * rounds,
        Math.max(factor * rounds, mostRounds),
        blocks);
  }

  /** Seconds that a JMH benchmark takes, about, a second for each start. */
  double jmhSeconds() {
    return forks * (1.5 + (warmUps + iterations) * iterationMillis * 1e-3);
  }

  /** Seconds that taking turns takes, about. */
  double turnsSeconds(int sides, double secondsOfARun) {
    return sides
        * (Math.max(2 * secondsOfARun, warmUpSeconds)
            + rounds * 1.5 * Math.max(turnSeconds, secondsOfARun));
  }
}
