package lazydit.sampler;

import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;

/**
 * What a network that predicts the noise is trained with (Ho et al. 2020, equation 14; Nichol and
 * Dhariwal 2021, section 3.1): for each sample the mean squared error of its prediction, and, where
 * it learns the variance, the variational bound of its step in bits, whose gradient reaches the
 * variance alone.
 *
 * <pre>
 * loss = mean((eps - noise)^2) + vb
 * vb = KL(q(x_(t-1) | x_t, x0) || p(x_(t-1) | x_t)) / ln 2,   -log2 p(x0 | x_1) at index 0
 * </pre>
 *
 * <p>Arithmetic is float64. Immutable and safe for use by many threads.
 *
 * @param diffusion the process; its clipping plays no part
 * @param kind how the two are put together
 */
public record DiffusionLoss(GaussianDiffusion diffusion, Kind kind) {
  /** How squared error and bound make the loss. */
  public enum Kind {
    /** DiT's: the sum of both. */
    MSE,
    /** The sum, with the bound scaled by {@code steps / 1000}. */
    RESCALED_MSE,
    /** The bound alone, times the number of steps; its gradient reaches the mean too. */
    RESCALED_KL
  }

  private static final double PIXEL = 1 / 255.0;
  private static final double LEAST = 1e-12;
  private static final double EDGE = 0.999;
  private static final double CDF = Math.sqrt(2 / Math.PI);

  /**
   * Checks the combination.
   *
   * @throws LazyDitException when the loss is the bound of a variance that is not learned
   */
  public DiffusionLoss {
    if (kind == Kind.RESCALED_KL && !learnsVariance(diffusion)) {
      throw new LazyDitException("The variational loss is for networks that learn the variance.");
    }
  }

  private static boolean learnsVariance(GaussianDiffusion diffusion) {
    return diffusion.variance() == GaussianDiffusion.Variance.LEARNED_RANGE;
  }

  /**
   * A batch's losses, each {@code [N]}.
   *
   * @param loss what is to become small
   * @param mse the squared error
   * @param vb the bound in bits, scaled as the kind says; zeros where no variance is learned
   */
  public record Terms(float[] loss, float[] mse, float[] vb) {
    /** {@return the mean loss} */
    public double mean() {
      double sum = 0;
      for (float value : loss) {
        sum += value;
      }
      return sum / loss.length;
    }
  }

  /**
   * Computes the losses of a batch and their gradient.
   *
   * @param workers who works
   * @param xStart clean samples, {@code [N, C, H, W]}
   * @param noise the noise in {@code xt}, {@code [N, C, H, W]}
   * @param xt noisy samples, {@code [N, C, H, W]}
   * @param indices the step of each, {@code [N]}
   * @param output the network's output for them, {@code [N, Cout, H, W]}
   * @param factor by which every sample's gradient is multiplied: 1 / N for that of the mean
   * @param dOutput receives the gradient, {@code [N, Cout, H, W]}; or null
   * @return the losses
   */
  public Terms evaluate(
      Workers workers,
      float[] xStart,
      float[] noise,
      float[] xt,
      int[] indices,
      float[] output,
      double factor,
      float[] dOutput) {
    int n = indices.length;
    Terms terms = new Terms(new float[n], new float[n], new float[n]);
    workers.forEach(
        n,
        (worker, from, to) -> {
          for (int row = from; row < to; row++) {
            new Sample(indices[row], row, xStart, noise, xt, output)
                .evaluate(terms, factor, dOutput);
          }
        });
    return terms;
  }

  private double boundScale() {
    double steps = diffusion.schedule().steps();
    return switch (kind) {
      case MSE -> 1;
      case RESCALED_MSE -> steps / 1000;
      case RESCALED_KL -> steps;
    };
  }

  /** One sample's losses. */
  private final class Sample {
    private final int index;
    private final int row;
    private final float[] xStart;
    private final float[] noise;
    private final float[] xt;
    private final float[] output;
    private final int size = diffusion.sampleSize();
    private final int first;
    private final NoiseSchedule schedule = diffusion.schedule();

    // Of the element looked at last.
    private double bound;
    private double dMean;
    private double dLogVariance;

    Sample(int index, int row, float[] xStart, float[] noise, float[] xt, float[] output) {
      this.index = index;
      this.row = row;
      this.xStart = xStart;
      this.noise = noise;
      this.xt = xt;
      this.output = output;
      first = row * diffusion.outputSize();
    }

    void evaluate(Terms terms, double factor, float[] dOutput) {
      boolean learned = learnsVariance(diffusion);
      double squares = kind == Kind.RESCALED_KL ? 0 : squaredError(factor, dOutput);
      double bounds = learned ? bounds(factor, dOutput) : 0;
      terms.mse()[row] = (float) squares;
      terms.vb()[row] = (float) bounds;
      terms.loss()[row] = (float) (squares + bounds);
    }

    private double squaredError(double factor, float[] dOutput) {
      boolean eps = diffusion.prediction() == GaussianDiffusion.Prediction.EPS;
      float[] target = eps ? noise : xStart;
      double sum = 0;
      for (int i = 0; i < size; i++) {
        double error = output[first + i] - (double) target[row * size + i];
        sum += error * error;
        if (dOutput != null) {
          dOutput[first + i] = (float) (2 * error / size * factor);
        }
      }
      return sum / size;
    }

    private double bounds(double factor, float[] dOutput) {
      double scale = boundScale() / (Math.log(2) * size);
      double low = schedule.posteriorLogVarianceClipped(index);
      double half = (schedule.logBeta(index) - low) / 2;
      double toOutput = scale * factor * meanByOutput();
      double sum = 0;
      for (int i = 0; i < size; i++) {
        double logVariance = low + half * (output[first + size + i] + 1.0);
        element(i, logVariance);
        sum += bound;
        if (dOutput != null) {
          dOutput[first + size + i] = (float) (dLogVariance * half * scale * factor);
          if (kind == Kind.RESCALED_KL) {
            dOutput[first + i] = (float) (dMean * toOutput);
          }
        }
      }
      return sum * scale;
    }

    /** How the mean of the step before follows the network's prediction. */
    private double meanByOutput() {
      double byStart = schedule.posteriorMeanCoef1(index);
      return diffusion.prediction() == GaussianDiffusion.Prediction.EPS
          ? -byStart * schedule.sqrtRecipMinusOneAlphaCumprod(index)
          : byStart;
    }

    private void element(int i, double logVariance) {
      double x = xt[row * size + i];
      double clean = xStart[row * size + i];
      double predicted =
          diffusion.prediction() == GaussianDiffusion.Prediction.EPS
              ? schedule.sqrtRecipAlphaCumprod(index) * x
                  - schedule.sqrtRecipMinusOneAlphaCumprod(index) * output[first + i]
              : output[first + i];
      double byStart = schedule.posteriorMeanCoef1(index);
      double byX = schedule.posteriorMeanCoef2(index);
      double mean = byStart * predicted + byX * x;
      if (index == 0) {
        likelihood(clean, mean, logVariance);
      } else {
        divergence(
            byStart * clean + byX * x,
            schedule.posteriorLogVarianceClipped(index),
            mean,
            logVariance);
      }
    }

    /** KL of two normal distributions. */
    private void divergence(double mean1, double log1, double mean2, double log2) {
      double precision = Math.exp(-log2);
      double ratio = Math.exp(log1 - log2);
      double apart = mean2 - mean1;
      bound = 0.5 * (log2 - log1 - 1 + ratio + apart * apart * precision);
      dLogVariance = 0.5 * (1 - ratio - apart * apart * precision);
      dMean = apart * precision;
    }

    /** -log of the probability that a normal distribution gives a pixel's interval. */
    private void likelihood(double x, double mean, double logVariance) {
      double inverse = Math.exp(-0.5 * logVariance);
      double above = inverse * (x - mean + PIXEL);
      double below = inverse * (x - mean - PIXEL);
      // The outermost intervals reach to infinity.
      boolean lowest = x < -EDGE;
      boolean highest = x > EDGE;
      double upper = highest ? 1 : cdf(above);
      double lower = lowest ? 0 : cdf(below);
      double probability = upper - lower;
      bound = -Math.log(Math.max(probability, LEAST));
      if (probability < LEAST) {
        dMean = 0;
        dLogVariance = 0;
        return;
      }
      double upperSlope = highest ? 0 : cdfSlope(above);
      double lowerSlope = lowest ? 0 : cdfSlope(below);
      dMean = inverse * (upperSlope - lowerSlope) / probability;
      dLogVariance = 0.5 * (upperSlope * above - lowerSlope * below) / probability;
    }
  }

  /** The standard normal distribution function, approximated as in the reference. */
  private static double cdf(double x) {
    return 0.5 * (1 + Math.tanh(CDF * (x + 0.044715 * x * x * x)));
  }

  private static double cdfSlope(double x) {
    double tanh = Math.tanh(CDF * (x + 0.044715 * x * x * x));
    return 0.5 * (1 - tanh * tanh) * CDF * (1 + 3 * 0.044715 * x * x);
  }
}
