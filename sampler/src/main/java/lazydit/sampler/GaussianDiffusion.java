package lazydit.sampler;

import lazydit.engine.LazyDitException;

/**
 * What one network output says about one step of the diffusion process: the predicted clean sample,
 * and the mean and variance of the step before (Ho et al. 2020; Nichol and Dhariwal 2021 for the
 * learned variance).
 *
 * <p>Arrays hold a batch of samples one after the other, {@code [N, C, H, W]}; the network's output
 * is {@code [N, Cout, H, W]} where {@code Cout} is {@code 2C} when the variance is learned (first
 * eps or x0, then the interpolation v), else {@code C}. Every method works on ONE row of such
 * arrays, so rows of a batch may be at different steps. An output array may be the input array of
 * the same shape.
 *
 * <p>Constants are computed in double and rounded to float once; the arithmetic on samples is
 * float32, in the reference's order. Immutable and safe for use by many threads.
 *
 * @param schedule the noise of every step
 * @param prediction what the network's first C channels mean
 * @param variance where the variance of a step comes from
 * @param clip whether predicted clean samples are clamped to [-1, 1]: right for pixels, wrong for
 *     latents
 * @param sampleSize the number of values in a sample, {@code C * H * W}
 */
public record GaussianDiffusion(
    NoiseSchedule schedule,
    Prediction prediction,
    Variance variance,
    boolean clip,
    int sampleSize) {

  /** What the network predicts. */
  public enum Prediction {
    /** The noise in x_t. */
    EPS,
    /** The clean sample. */
    X_START
  }

  /** Where the variance of an ancestral step comes from. */
  public enum Variance {
    /**
     * The network interpolates, in the logarithm, between {@code beta} (v = 1) and the posterior
     * variance (v = -1); v is not clamped.
     */
    LEARNED_RANGE,
    /** Always {@code beta}; at index 0 the posterior variance of index 1. */
    FIXED_LARGE,
    /** Always the posterior variance. */
    FIXED_SMALL
  }

  /**
   * Checks the sample size.
   *
   * @throws LazyDitException when {@code sampleSize} is not positive
   */
  public GaussianDiffusion {
    if (sampleSize < 1) {
      throw new LazyDitException(
          "A diffusion sample must have at least 1 value, but has " + sampleSize + ".");
    }
  }

  /**
   * The process DiT is trained with: eps prediction, no clipping, learned variance if the network
   * has channels for it and else the large fixed one.
   *
   * @param schedule the noise of every step
   * @param learnSigma whether the network's output has the variance channels
   * @param sampleSize the number of values in a sample, {@code C * H * W}
   * @return the process
   */
  public static GaussianDiffusion dit(NoiseSchedule schedule, boolean learnSigma, int sampleSize) {
    Variance variance = learnSigma ? Variance.LEARNED_RANGE : Variance.FIXED_LARGE;
    return new GaussianDiffusion(schedule, Prediction.EPS, variance, false, sampleSize);
  }

  /** {@return the number of values the network returns for a sample, {@code Cout * H * W}} */
  public int outputSize() {
    return variance == Variance.LEARNED_RANGE ? Math.multiplyExact(2, sampleSize) : sampleSize;
  }

  /**
   * Draws from {@code q(x_t | x0)}: adds a step's noise to a clean sample.
   *
   * @param index the step
   * @param row which sample of the arrays
   * @param xStart clean samples, {@code [N, C, H, W]}
   * @param noise standard normal values, {@code [N, C, H, W]}
   * @param xt receives the noisy sample, {@code [N, C, H, W]}
   */
  public void qSample(int index, int row, float[] xStart, float[] noise, float[] xt) {
    float signal = (float) schedule.sqrtAlphaCumprod(index);
    float spread = (float) schedule.sqrtOneMinusAlphaCumprod(index);
    int end = (row + 1) * sampleSize;
    for (int i = row * sampleSize; i < end; i++) {
      xt[i] = signal * xStart[i] + spread * noise[i];
    }
  }

  /**
   * The clean sample that the network's output implies, clamped if this process {@link #clip}s.
   *
   * @param index the step
   * @param row which sample of the arrays
   * @param x noisy samples, {@code [N, C, H, W]}
   * @param modelOutput the network's output for them, {@code [N, Cout, H, W]}
   * @param xStart receives the clean sample, {@code [N, C, H, W]}
   */
  public void predictXStart(int index, int row, float[] x, float[] modelOutput, float[] xStart) {
    int output = row * outputSize();
    int end = (row + 1) * sampleSize;
    for (int i = row * sampleSize; i < end; i++, output++) {
      xStart[i] = xStart(index, x[i], modelOutput[output]);
    }
  }

  /**
   * The mean of {@code q(x_(t-1) | x_t, x0)}.
   *
   * @param index the step
   * @param row which sample of the arrays
   * @param xStart clean samples, {@code [N, C, H, W]}
   * @param x noisy samples, {@code [N, C, H, W]}
   * @param mean receives the mean, {@code [N, C, H, W]}
   */
  public void posteriorMean(int index, int row, float[] xStart, float[] x, float[] mean) {
    int end = (row + 1) * sampleSize;
    for (int i = row * sampleSize; i < end; i++) {
      mean[i] = posteriorMean(index, xStart[i], x[i]);
    }
  }

  /**
   * The logarithm of an ancestral step's variance.
   *
   * @param index the step
   * @param row which sample of the arrays
   * @param modelOutput the network's output, {@code [N, Cout, H, W]}; read only when the variance
   *     is learned
   * @param logVariance receives the logarithms, {@code [N, C, H, W]}
   */
  public void logVariance(int index, int row, float[] modelOutput, float[] logVariance) {
    for (int i = 0; i < sampleSize; i++) {
      logVariance[row * sampleSize + i] = logVariance(index, row, i, modelOutput);
    }
  }

  /**
   * An ancestral step's variance. Not always the exponential of {@link #logVariance}: with {@link
   * Variance#FIXED_SMALL} it is 0 at index 0.
   *
   * @param index the step
   * @param row which sample of the arrays
   * @param modelOutput the network's output, {@code [N, Cout, H, W]}; read only when the variance
   *     is learned
   * @param result receives the variances, {@code [N, C, H, W]}
   */
  public void variance(int index, int row, float[] modelOutput, float[] result) {
    for (int i = 0; i < sampleSize; i++) {
      result[row * sampleSize + i] =
          switch (variance) {
            case LEARNED_RANGE -> (float) Math.exp(logVariance(index, row, i, modelOutput));
            case FIXED_LARGE -> (float) largeVariance(index);
            case FIXED_SMALL -> (float) schedule.posteriorVariance(index);
          };
    }
  }

  float xStart(int index, float x, float output) {
    float xStart =
        switch (prediction) {
          case X_START -> output;
          case EPS ->
              (float) schedule.sqrtRecipAlphaCumprod(index) * x
                  - (float) schedule.sqrtRecipMinusOneAlphaCumprod(index) * output;
        };
    return clip ? Math.clamp(xStart, -1f, 1f) : xStart;
  }

  /** The noise that, with the (perhaps clamped) clean sample, makes up x. */
  float eps(int index, float x, float xStart) {
    return ((float) schedule.sqrtRecipAlphaCumprod(index) * x - xStart)
        / (float) schedule.sqrtRecipMinusOneAlphaCumprod(index);
  }

  float posteriorMean(int index, float xStart, float x) {
    return (float) schedule.posteriorMeanCoef1(index) * xStart
        + (float) schedule.posteriorMeanCoef2(index) * x;
  }

  float logVariance(int index, int row, int i, float[] modelOutput) {
    return switch (variance) {
      case LEARNED_RANGE -> {
        float v = modelOutput[row * outputSize() + sampleSize + i];
        float fraction = (v + 1) / 2;
        yield fraction * (float) schedule.logBeta(index)
            + (1 - fraction) * (float) schedule.posteriorLogVarianceClipped(index);
      }
      case FIXED_LARGE ->
          (float) (index == 0 ? schedule.posteriorLogVarianceClipped(0) : schedule.logBeta(index));
      case FIXED_SMALL -> (float) schedule.posteriorLogVarianceClipped(index);
    };
  }

  private double largeVariance(int index) {
    boolean first = index == 0 && schedule.steps() > 1;
    return first ? schedule.posteriorVariance(1) : schedule.beta(index);
  }
}
