package lazydit.sampler;

import lazydit.engine.LazyDitException;

/**
 * DPM-Solver++ (Lu et al. 2022, algorithm 2, "2M"): solves the diffusion ODE in the logarithm of
 * the signal-to-noise ratio, {@code lambda = log(alpha / sigma)}, for the predicted clean sample
 * x0, and extrapolates that from the step before:
 *
 * <pre>
 *   h = lambda_next - lambda,  r = (lambda - lambda_before) / h,  D1 = (x0 - x0_before) / r
 *   x_next = sigma_next / sigma x - alpha_next (exp(-h) - 1) (x0 + D1 / 2)
 * </pre>
 *
 * <p>The first step has nothing to extrapolate from and drops D1. So does the last one where it
 * ends without noise, or where there are fewer than 15 steps: there the extrapolation would cost
 * more than it brings.
 *
 * @param levels the noise of every step
 * @param order 1 to never extrapolate, which is DDIM, or 2
 * @param correction how D1 enters
 * @param sampleSize the number of values in a sample, {@code C * H * W}
 * @param outputSize the number of values the network returns for one: eps first
 */
public record DpmSolverSampler(
    SigmaSchedule levels, int order, Correction correction, int sampleSize, int outputSize)
    implements Sampler {
  /** Fewer steps than this end with one of first order. */
  private static final int FEW_STEPS = 15;

  /** The second-order term of a step. */
  public enum Correction {
    /** {@code -alpha (exp(-h) - 1) D1 / 2}. */
    MIDPOINT,
    /** {@code alpha ((exp(-h) - 1) / h + 1) D1}. */
    HEUN
  }

  /**
   * Checks the numbers.
   *
   * @throws LazyDitException when the order is neither 1 nor 2, or a size does not fit
   */
  public DpmSolverSampler {
    if (order < 1 || order > 2 || sampleSize < 1 || outputSize < sampleSize) {
      throw new LazyDitException(
          "DPM-Solver++ has order 1 or 2 and outputs no smaller than samples, not %d, %d and %d."
              .formatted(order, outputSize, sampleSize));
    }
  }

  /**
   * The sampler with what diffusers does by default: order 2, midpoint, evenly spread timesteps, no
   * noise at the end.
   *
   * @param training the schedule that the network was trained with
   * @param steps how many steps
   * @param sampleSize the number of values in a sample
   * @param outputSize the number of values the network returns for one
   * @return the sampler
   * @throws LazyDitException when the schedule has not so many steps
   */
  public static DpmSolverSampler of(
      NoiseSchedule training, int steps, int sampleSize, int outputSize) {
    SigmaSchedule levels =
        SigmaSchedule.of(training, steps, SigmaSchedule.Spacing.LINSPACE, SigmaSchedule.End.ZERO);
    return new DpmSolverSampler(levels, 2, Correction.MIDPOINT, sampleSize, outputSize);
  }

  @Override
  public int steps() {
    return levels.steps();
  }

  @Override
  public float timestep(int index) {
    return levels.timestep(index);
  }

  @Override
  public boolean usesNoise(int index) {
    return false;
  }

  @Override
  public Stepper start(int samples) {
    return new Run(samples);
  }

  private boolean extrapolates(int index) {
    boolean first = index == steps() - 1;
    boolean last = index == 0 && (levels.sigma(-1) == 0 || steps() < FEW_STEPS);
    return order == 2 && !first && !last;
  }

  /** x_next as a sum of x, x0 and the x0 before. */
  private record Weights(float x, float xStart, float before) {}

  private Weights weights(int index) {
    double sigma = levels.sigma(index);
    double next = levels.sigma(index - 1);
    double alphaNext = alpha(next);
    double kept = next * alphaNext / (sigma * alpha(sigma));
    // sigma is sigma / alpha here, so lambda is minus its logarithm; it is infinite without noise.
    double h = Math.log(sigma) - Math.log(next);
    double xStart = -alphaNext * Math.expm1(-h);
    if (!extrapolates(index)) {
      return new Weights((float) kept, (float) xStart, 0);
    }
    double r = (Math.log(levels.sigma(index + 1)) - Math.log(sigma)) / h;
    double slope =
        switch (correction) {
          case MIDPOINT -> xStart / 2;
          case HEUN -> h == 0 ? 0 : alphaNext * (Math.expm1(-h) / h + 1);
        };
    return new Weights((float) kept, (float) (xStart + slope / r), (float) (-slope / r));
  }

  private static double alpha(double sigma) {
    return 1 / Math.sqrt(sigma * sigma + 1);
  }

  /** A run, which remembers the clean samples predicted at the step before. */
  private final class Run implements Stepper {
    private final float[] before;

    Run(int samples) {
      before = new float[Math.multiplyExact(samples, sampleSize)];
    }

    @Override
    public void step(int index, float[] x, float[] modelOutput, float[] noise) {
      Weights weights = weights(index);
      double sigma = levels.sigma(index);
      float noiseShare = (float) (sigma * alpha(sigma));
      float alpha = (float) alpha(sigma);
      int output = 0;
      for (int row = 0; row < x.length; row += sampleSize, output += outputSize - sampleSize) {
        for (int i = row; i < row + sampleSize; i++, output++) {
          float xStart = (x[i] - noiseShare * modelOutput[output]) / alpha;
          float past = weights.before == 0 ? 0 : weights.before * before[i];
          x[i] = weights.x * x[i] + weights.xStart * xStart + past;
          before[i] = xStart;
        }
      }
    }
  }
}
