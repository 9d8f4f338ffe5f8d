package lazydit.sampler;

import java.util.Arrays;
import lazydit.engine.LazyDitException;

/**
 * The noise levels that a solver of the diffusion ODE visits, as {@code sigma = sqrt((1 - abar) /
 * abar)}, and the timesteps that belong to them. Step 0 has the least noise; the level after it is
 * the one that sampling ends with. Chosen as the schedulers of diffusers choose them.
 *
 * <p>Immutable and safe for use by many threads.
 */
public final class SigmaSchedule {
  /** Which levels of the training schedule are visited. */
  public enum Spacing {
    /**
     * Timesteps evenly spread from the first to the last; the first, without noise, is left out.
     */
    LINSPACE,
    /** A whole stride, counted from the first timestep. */
    LEADING,
    /** A stride, counted down from the last timestep. */
    TRAILING,
    /** Levels evenly spread in {@code sigma^(1/7)} (Karras et al. 2022, equation 5). */
    KARRAS
  }

  /** The level that sampling ends with. */
  public enum End {
    /** None: the last step yields the predicted clean sample. */
    ZERO,
    /** The least of the training schedule. */
    SIGMA_MIN
  }

  private static final double RHO = 7;

  private final int[] timesteps;

  /** One more than steps: the final level comes first. */
  private final double[] sigmas;

  private SigmaSchedule(int[] timesteps, double[] sigmas) {
    this.timesteps = timesteps;
    this.sigmas = sigmas;
  }

  /**
   * Chooses levels.
   *
   * @param training the schedule that the network was trained with
   * @param steps how many, at least 1
   * @param spacing which ones
   * @param end what sampling ends with
   * @return the levels
   * @throws LazyDitException when there are not so many different levels
   */
  public static SigmaSchedule of(NoiseSchedule training, int steps, Spacing spacing, End end) {
    if (steps < 1 || steps > training.steps()) {
      throw new LazyDitException(
          "Sampling needs 1 to %d steps, not %d.".formatted(training.steps(), steps));
    }
    double[] all = new double[training.steps()];
    Arrays.setAll(all, i -> sigma(training.alphaCumprod(i)));
    int[] timesteps = new int[steps];
    double[] sigmas = new double[steps + 1];
    sigmas[0] = end == End.ZERO ? 0 : all[0];
    for (int i = 0; i < steps; i++) {
      if (spacing == Spacing.KARRAS) {
        sigmas[i + 1] = karras(all[0], all[all.length - 1], i, steps);
        timesteps[i] = (int) Math.rint(position(sigmas[i + 1], all));
      } else {
        timesteps[i] = timestep(spacing, i, steps, all.length);
        sigmas[i + 1] = all[timesteps[i]];
      }
    }
    requireRising(sigmas, steps, spacing);
    return new SigmaSchedule(timesteps, sigmas);
  }

  private static double sigma(double alphaCumprod) {
    return Math.sqrt((1 - alphaCumprod) / alphaCumprod);
  }

  private static int timestep(Spacing spacing, int index, int steps, int length) {
    return switch (spacing) {
      case LINSPACE ->
          index == steps - 1 ? length - 1 : (int) Math.rint((index + 1) * ((length - 1.0) / steps));
      case LEADING -> (index + 1) * (length / (steps + 1));
      default -> (int) Math.rint(length - (steps - 1 - index) * ((double) length / steps)) - 1;
    };
  }

  private static double karras(double least, double most, int index, int steps) {
    double from = Math.pow(least, 1 / RHO);
    double to = Math.pow(most, 1 / RHO);
    double share = steps == 1 ? 1 : (double) index / (steps - 1);
    return Math.pow(to + (1 - share) * (from - to), RHO);
  }

  /** Where a level lies between those of whole timesteps, in the logarithm. */
  private static double position(double sigma, double[] all) {
    int low = all.length - 2;
    while (low > 0 && all[low] > sigma) {
      low--;
    }
    double from = Math.log(all[low]);
    return low + Math.clamp((Math.log(sigma) - from) / (Math.log(all[low + 1]) - from), 0.0, 1.0);
  }

  /** The last step alone may stay where it is: with both ends at the least level. */
  private static void requireRising(double[] sigmas, int steps, Spacing spacing) {
    for (int i = 1; i < steps; i++) {
      if (!(sigmas[i + 1] > sigmas[i])) {
        throw new LazyDitException(
            "There are no %d different noise levels in %s spacing: take fewer steps."
                .formatted(steps, spacing.name().toLowerCase(java.util.Locale.ROOT)));
      }
    }
  }

  /** {@return the number of steps} */
  public int steps() {
    return timesteps.length;
  }

  /**
   * {@return the timestep that the network is told at that step}
   *
   * @param index a step, 0 (least noise) to {@code steps() - 1}
   */
  public int timestep(int index) {
    return timesteps[index];
  }

  /**
   * {@return the noise level that a sample has before that step is taken}
   *
   * @param index a step, or -1 for the level that sampling ends with
   */
  public double sigma(int index) {
    return sigmas[index + 1];
  }
}
