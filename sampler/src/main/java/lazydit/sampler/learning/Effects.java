package lazydit.sampler.learning;

/**
 * What decisions do to finished pictures, to first order. The picture's error is seen in random
 * directions; an observation is one picture in one direction:
 *
 * <pre>
 * error[o] = base[o] + sum over places of effect[place][age][o]
 * </pre>
 *
 * <p>with the age that the output used at a place has. The mean square over observations is an
 * unbiased estimate of the mean squared pixel error of that linear model, so that squares and
 * interactions of all decisions are known from a few ways back.
 */
final class Effects {
  private final float[] base;
  private final float[][][] effects;

  /**
   * Effects of nothing, to be filled in.
   *
   * @param places how many decisions there are
   * @param oldest the greatest age that is allowed
   * @param observations how many there will be
   */
  Effects(int places, int oldest, int observations) {
    base = new float[observations];
    effects = new float[places][oldest + 1][];
  }

  int oldest() {
    return effects[0].length - 1;
  }

  int observations() {
    return base.length;
  }

  /** Sets the error that there is. */
  void base(int observation, double value) {
    base[observation] = (float) value;
  }

  /** Sets what an output of another age does. Different places may be set at the same time. */
  void effect(int place, int age, int observation, double value) {
    if (effects[place][age] == null) {
      effects[place][age] = new float[base.length];
    }
    effects[place][age][observation] = (float) value;
  }

  /** The error of decisions, for each observation. */
  double[] error(Decisions decisions) {
    double[] error = new double[base.length];
    for (int i = 0; i < error.length; i++) {
      error[i] = base[i];
    }
    int[] ages = decisions.ages();
    for (int place = 0; place < ages.length; place++) {
      add(place, ages[place], 1, error);
    }
    return error;
  }

  /** Adds to errors what an output of an age does. */
  void add(int place, int age, int sign, double[] error) {
    float[] effect = effects[place][age];
    if (effect != null) {
      for (int i = 0; i < error.length; i++) {
        error[i] += sign * effect[i];
      }
    }
  }

  static double meanSquare(double[] error) {
    double sum = 0;
    for (double e : error) {
      sum += e * e;
    }
    return sum / error.length;
  }
}
