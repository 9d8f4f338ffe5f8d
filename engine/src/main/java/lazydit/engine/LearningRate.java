package lazydit.engine;

/**
 * A learning rate that rises linearly to its peak, from a part of it in the first step, and then
 * falls along half a cosine (Loshchilov and Hutter 2017).
 *
 * @param peak the largest rate
 * @param floor the rate at the end
 * @param warmUp steps of the rise; 0 for none
 * @param steps steps in all; later ones stay at the floor
 */
public record LearningRate(double peak, double floor, long warmUp, long steps) {
  /**
   * Checks the numbers.
   *
   * @throws LazyDitException when the rates are not 0 &lt;= floor &lt;= peak, or the rise is longer
   *     than the whole
   */
  public LearningRate {
    if (!(floor >= 0 && floor <= peak && peak < Double.POSITIVE_INFINITY)
        || warmUp < 0
        || warmUp > steps) {
      throw new LazyDitException(
          "A learning rate cannot rise to %s in %d of %d steps and fall to %s."
              .formatted(peak, warmUp, steps, floor));
    }
  }

  /**
   * {@return the rate of a step}
   *
   * @param step the step, the first being 0
   */
  public double at(long step) {
    if (step < warmUp) {
      return peak * (step + 1) / warmUp;
    }
    if (step >= steps) {
      return floor;
    }
    double share = (double) (step - warmUp) / (steps - warmUp);
    // StrictMath: the same rate on every machine.
    return floor + (peak - floor) * (1 + StrictMath.cos(Math.PI * share)) / 2;
  }
}
