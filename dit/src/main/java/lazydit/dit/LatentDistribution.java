package lazydit.dit;

import java.util.Arrays;
import lazydit.engine.LazyDitException;
import lazydit.engine.Tensor;

/**
 * The Gaussian over latents that an image is encoded to, one for every element.
 *
 * @param moments what the network gave, {@code [B, 2C, h, w]}: means, then logarithms of variances
 * @param mean the means, and the likeliest latent, {@code [B, C, h, w]}
 * @param logVariance logarithms of the variances, clamped to -30 to 20, {@code [B, C, h, w]}
 */
public record LatentDistribution(Tensor moments, Tensor mean, Tensor logVariance) {
  private static final float LEAST = -30;
  private static final float MOST = 20;

  /**
   * Splits what the network gave.
   *
   * @param moments {@code [B, 2C, h, w]}: means, then logarithms of variances; kept
   * @return the distribution
   * @throws LazyDitException when it has another number of dimensions, or an odd one of channels
   */
  public static LatentDistribution of(Tensor moments) {
    int[] shape = moments.shape();
    if (shape.length != 4 || shape[1] % 2 != 0) {
      throw new LazyDitException(
          "Moments of latents have the shape [B, 2C, h, w], not %s."
              .formatted(Arrays.toString(shape)));
    }
    shape[1] /= 2;
    Tensor mean = Tensor.zeros(shape);
    Tensor logVariance = Tensor.zeros(shape);
    int half = shape[1] * shape[2] * shape[3];
    for (int b = 0; b < shape[0]; b++) {
      System.arraycopy(moments.data(), 2 * b * half, mean.data(), b * half, half);
      for (int i = 0; i < half; i++) {
        float value = moments.data()[(2 * b + 1) * half + i];
        logVariance.data()[b * half + i] = Math.min(Math.max(value, LEAST), MOST);
      }
    }
    return new LatentDistribution(moments, mean, logVariance);
  }

  /** {@return standard deviations, {@code [B, C, h, w]}, a fresh tensor} */
  public Tensor std() {
    Tensor std = Tensor.zeros(logVariance.shape());
    for (int i = 0; i < std.data().length; i++) {
      std.data()[i] = (float) Math.exp(0.5 * logVariance.data()[i]);
    }
    return std;
  }

  /**
   * Draws latents: mean + std * noise.
   *
   * @param noise standard normal values, {@code [B, C, h, w]}
   * @return the latents, before the scaling factor; a fresh tensor
   * @throws LazyDitException when the noise has another shape
   */
  public Tensor sample(Tensor noise) {
    if (!Arrays.equals(noise.shape(), mean.shape())) {
      throw new LazyDitException(
          "Latents of shape %s cannot be drawn with noise of shape %s."
              .formatted(Arrays.toString(mean.shape()), Arrays.toString(noise.shape())));
    }
    Tensor latents = std();
    for (int i = 0; i < latents.data().length; i++) {
      latents.data()[i] = Math.fma(latents.data()[i], noise.data()[i], mean.data()[i]);
    }
    return latents;
  }
}
