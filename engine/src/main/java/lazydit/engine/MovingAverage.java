package lazydit.engine;

/**
 * The exponential moving average of parameters: what a diffusion model is sampled with after
 * training (EMA). Not safe for concurrent use.
 */
public final class MovingAverage {
  private static final int PIECE = 1 << 14;

  private final float[] values;

  /**
   * An average that begins with the parameters as they are.
   *
   * @param parameters whose average
   */
  public MovingAverage(Parameters parameters) {
    values = parameters.values().clone();
  }

  /**
   * average = decay * average + (1 - decay) * parameters.
   *
   * @param workers who works
   * @param parameters the same parameters, after a step
   * @param decay how much stays, from 0 to 1
   */
  public void update(Workers workers, Parameters parameters, double decay) {
    float[] x = parameters.values();
    float kept = (float) decay;
    float added = (float) (1 - decay);
    workers.forEach(
        (values.length + PIECE - 1) / PIECE,
        (worker, from, to) -> {
          int end = Math.min(to * PIECE, values.length);
          for (int i = from * PIECE; i < end; i++) {
            values[i] = values[i] * kept + x[i] * added;
          }
        });
  }

  /** {@return the average, in the layout of the parameters: the array itself} */
  public float[] values() {
    return values;
  }
}
