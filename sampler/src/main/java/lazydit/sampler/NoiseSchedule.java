package lazydit.sampler;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import lazydit.engine.LazyDitException;

/**
 * How much noise the forward process adds at each step, and every constant derived from it.
 *
 * <p>The forward process is {@code q(x_i | x_(i-1)) = N(sqrt(1 - beta_i) x_(i-1), beta_i I)} (Ho et
 * al. 2020, "Denoising Diffusion Probabilistic Models", equations 2, 4 and 7). With {@code alpha =
 * 1 - beta} and {@code abar_i = alpha_0 ... alpha_i}, all tables are computed once, in double.
 *
 * <p>Index 0 is the step with the least noise; sampling runs from {@code steps() - 1} down to 0. A
 * schedule made by {@link #respace} visits only some steps of the one the network was trained with:
 * {@link #timestep} gives the number that the network must be told.
 *
 * <p>Immutable and safe for use by many threads.
 */
public final class NoiseSchedule {
  private static final double MAX_COSINE_BETA = 0.999;

  private final int[] timesteps;
  private final double[] betas;
  private final double[] logBetas;
  private final double[] alphasCumprod;
  private final double[] sqrtAlphasCumprod;
  private final double[] sqrtOneMinusAlphasCumprod;
  private final double[] sqrtRecipAlphasCumprod;
  private final double[] sqrtRecipMinusOneAlphasCumprod;
  private final double[] posteriorVariance;
  private final double[] posteriorLogVarianceClipped;
  private final double[] posteriorMeanCoef1;
  private final double[] posteriorMeanCoef2;

  private NoiseSchedule(double[] betas, int[] timesteps) {
    this.betas = betas;
    this.timesteps = timesteps;
    logBetas = table(i -> StrictMath.log(betas[i]));
    alphasCumprod = table(i -> 1 - betas[i]);
    for (int i = 1; i < betas.length; i++) {
      alphasCumprod[i] *= alphasCumprod[i - 1];
    }
    double[] abar = alphasCumprod;
    sqrtAlphasCumprod = table(i -> Math.sqrt(abar[i]));
    sqrtOneMinusAlphasCumprod = table(i -> Math.sqrt(1 - abar[i]));
    sqrtRecipAlphasCumprod = table(i -> Math.sqrt(1 / abar[i]));
    sqrtRecipMinusOneAlphasCumprod = table(i -> Math.sqrt(1 / abar[i] - 1));
    posteriorVariance = table(i -> betas[i] * (1 - alphaCumprodPrev(i)) / (1 - abar[i]));
    posteriorLogVarianceClipped = table(i -> StrictMath.log(positivePosteriorVariance(i)));
    posteriorMeanCoef1 = table(i -> betas[i] * Math.sqrt(alphaCumprodPrev(i)) / (1 - abar[i]));
    posteriorMeanCoef2 =
        table(i -> (1 - alphaCumprodPrev(i)) * Math.sqrt(1 - betas[i]) / (1 - abar[i]));
  }

  private double[] table(IntToDoubleFunction entry) {
    double[] values = new double[betas.length];
    Arrays.setAll(values, entry);
    return values;
  }

  /** The posterior variance of index 0 is zero, so its logarithm is taken of index 1's. */
  private double positivePosteriorVariance(int index) {
    if (index > 0) {
      return posteriorVariance[index];
    }
    return steps() > 1 ? posteriorVariance[1] : betas[0];
  }

  /**
   * The schedule DiT is trained with: betas rise linearly from {@code 1e-4} to {@code 0.02} over
   * 1000 steps; for another number of steps both ends are scaled by {@code 1000 / steps}.
   *
   * @param steps the number of diffusion steps, at least 21 (below, betas would pass 1)
   * @return the schedule
   * @throws LazyDitException when {@code steps} is too small
   */
  public static NoiseSchedule linear(int steps) {
    requireSteps(steps);
    double scale = 1000.0 / steps;
    double first = scale * 0.0001;
    double last = scale * 0.02;
    double[] betas = new double[steps];
    for (int i = 0; i < steps; i++) {
      betas[i] = i * ((last - first) / Math.max(1, steps - 1)) + first;
    }
    betas[steps - 1] = last;
    return ofBetas(betas);
  }

  /**
   * The squared-cosine schedule ("squaredcos_cap_v2"): {@code abar(t) = cos^2((t + 0.008) / 1.008 *
   * pi / 2)}, betas capped at 0.999 (Nichol and Dhariwal 2021, equation 17).
   *
   * @param steps the number of diffusion steps, at least 1
   * @return the schedule
   * @throws LazyDitException when {@code steps} is less than 1
   */
  public static NoiseSchedule squaredCosine(int steps) {
    requireSteps(steps);
    double[] betas = new double[steps];
    for (int i = 0; i < steps; i++) {
      double t = (double) i / steps;
      double next = (double) (i + 1) / steps;
      betas[i] = Math.min(1 - cosineAlphaBar(next) / cosineAlphaBar(t), MAX_COSINE_BETA);
    }
    return ofBetas(betas);
  }

  private static double cosineAlphaBar(double t) {
    double cosine = StrictMath.cos((t + 0.008) / 1.008 * Math.PI / 2);
    return cosine * cosine;
  }

  private static void requireSteps(int steps) {
    if (steps < 1) {
      throw new LazyDitException(
          "A noise schedule needs at least 1 diffusion step, but " + steps + " were asked for.");
    }
  }

  /**
   * A schedule with any betas.
   *
   * @param betas the variance added at each step, each in (0, 1); copied
   * @return the schedule
   * @throws LazyDitException when there is no beta or one lies outside (0, 1)
   */
  public static NoiseSchedule ofBetas(double[] betas) {
    requireSteps(betas.length);
    for (int i = 0; i < betas.length; i++) {
      if (!(betas[i] > 0 && betas[i] < 1)) {
        throw new LazyDitException(
            "Beta " + i + " of a noise schedule must lie in (0, 1), but is " + betas[i] + ".");
      }
    }
    int[] timesteps = new int[betas.length];
    Arrays.setAll(timesteps, i -> i);
    return new NoiseSchedule(betas.clone(), timesteps);
  }

  /**
   * The schedule that visits only some of this one's steps: betas are derived anew so that the kept
   * {@code abar} stay as they are.
   *
   * @param spacing which steps to keep: {@code "N"}, {@code "a,b,c"}, {@code "ddimN"} or {@code
   *     "leadingN"}, see {@link Respacing}
   * @return the shorter schedule
   * @throws LazyDitException when the spacing is malformed or cannot be met
   */
  public NoiseSchedule respace(String spacing) {
    int[] kept = Respacing.select(steps(), spacing);
    double[] keptBetas = new double[kept.length];
    int[] keptTimesteps = new int[kept.length];
    double last = 1;
    for (int i = 0; i < kept.length; i++) {
      double alphaCumprod = alphasCumprod[kept[i]];
      keptBetas[i] = 1 - alphaCumprod / last;
      keptTimesteps[i] = timesteps[kept[i]];
      last = alphaCumprod;
    }
    return new NoiseSchedule(keptBetas, keptTimesteps);
  }

  /** {@return the number of steps} */
  public int steps() {
    return betas.length;
  }

  /**
   * {@return the number of that step in the original schedule, which the network is told}
   *
   * @param index a step, 0 (least noise) to {@code steps() - 1}
   */
  public int timestep(int index) {
    return timesteps[index];
  }

  /** {@return {@link #timestep} of every index, ascending; a fresh array} */
  public int[] timestepMap() {
    return timesteps.clone();
  }

  /**
   * {@return {@code beta}, the variance added by that step}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double beta(int index) {
    return betas[index];
  }

  /**
   * {@return the logarithm of {@link #beta}}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double logBeta(int index) {
    return logBetas[index];
  }

  /**
   * {@return {@code abar}, the share of the signal's variance left after that step}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double alphaCumprod(int index) {
    return alphasCumprod[index];
  }

  /**
   * {@return {@code abar} of the step before (less noise); 1 for index 0}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double alphaCumprodPrev(int index) {
    return index == 0 ? 1 : alphasCumprod[index - 1];
  }

  /**
   * {@return {@code abar} of the step after (more noise); 0 for the last index}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double alphaCumprodNext(int index) {
    return index == steps() - 1 ? 0 : alphasCumprod[index + 1];
  }

  /**
   * {@return {@code sqrt(abar)}, the factor of x0 in x_t}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double sqrtAlphaCumprod(int index) {
    return sqrtAlphasCumprod[index];
  }

  /**
   * {@return {@code sqrt(1 - abar)}, the factor of the noise in x_t}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double sqrtOneMinusAlphaCumprod(int index) {
    return sqrtOneMinusAlphasCumprod[index];
  }

  /**
   * {@return {@code sqrt(1 / abar)}, the factor of x_t when x0 is predicted from eps}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double sqrtRecipAlphaCumprod(int index) {
    return sqrtRecipAlphasCumprod[index];
  }

  /**
   * {@return {@code sqrt(1 / abar - 1)}, the factor of eps when x0 is predicted from it}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double sqrtRecipMinusOneAlphaCumprod(int index) {
    return sqrtRecipMinusOneAlphasCumprod[index];
  }

  /**
   * {@return the variance of {@code q(x_(t-1) | x_t, x0)}; 0 for index 0}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double posteriorVariance(int index) {
    return posteriorVariance[index];
  }

  /**
   * {@return the logarithm of {@link #posteriorVariance}, with index 1's in place of index 0's (in
   * place of both {@code beta}, in a schedule of a single step)}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double posteriorLogVarianceClipped(int index) {
    return posteriorLogVarianceClipped[index];
  }

  /**
   * {@return the factor of x0 in the mean of {@code q(x_(t-1) | x_t, x0)}}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double posteriorMeanCoef1(int index) {
    return posteriorMeanCoef1[index];
  }

  /**
   * {@return the factor of x_t in the mean of {@code q(x_(t-1) | x_t, x0)}}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  public double posteriorMeanCoef2(int index) {
    return posteriorMeanCoef2[index];
  }
}
