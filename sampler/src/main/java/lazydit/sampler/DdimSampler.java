package lazydit.sampler;

import lazydit.engine.LazyDitException;

/**
 * DDIM (Song et al. 2020, "Denoising Diffusion Implicit Models", equations 12 and 16):
 *
 * <pre>
 *   sigma = eta sqrt((1 - abar_prev) / (1 - abar)) sqrt(1 - abar / abar_prev)
 *   x_prev = sqrt(abar_prev) x0 + sqrt(1 - abar_prev - sigma^2) eps + sigma z
 * </pre>
 *
 * <p>eps is derived anew from the predicted x0, so that a clamped x0 is honoured.
 *
 * @param diffusion the process to run backwards
 * @param eta how much fresh noise each step adds: 0 for none, 1 for as much as DDPM
 */
public record DdimSampler(GaussianDiffusion diffusion, double eta) implements GaussianSampler {
  /**
   * Checks eta.
   *
   * @throws LazyDitException when {@code eta} is not in [0, 1]
   */
  public DdimSampler {
    if (!(eta >= 0 && eta <= 1)) {
      throw new LazyDitException("DDIM's eta must lie in [0, 1], but is " + eta + ".");
    }
  }

  @Override
  public boolean usesNoise(int index) {
    return eta > 0 && index > 0;
  }

  @Override
  public void step(int index, float[] x, float[] modelOutput, float[] noise) {
    double alphaCumprodPrev = diffusion.schedule().alphaCumprodPrev(index);
    double sigma = usesNoise(index) ? sigma(index) : 0;
    double direction = Math.sqrt(Math.max(0, 1 - alphaCumprodPrev - sigma * sigma));
    move(index, x, modelOutput, (float) Math.sqrt(alphaCumprodPrev), (float) direction);
    if (sigma > 0) {
      for (int i = 0; i < x.length; i++) {
        x[i] += (float) sigma * noise[i];
      }
    }
  }

  private double sigma(int index) {
    double alphaCumprod = diffusion.schedule().alphaCumprod(index);
    double alphaCumprodPrev = diffusion.schedule().alphaCumprodPrev(index);
    return eta
        * Math.sqrt((1 - alphaCumprodPrev) / (1 - alphaCumprod))
        * Math.sqrt(1 - alphaCumprod / alphaCumprodPrev);
  }

  /**
   * The step the other way, towards more noise: encodes a sample so that {@link #step} without
   * noise decodes it. {@link #eta} plays no part.
   *
   * @param index the step that {@code x} is at
   * @param x the samples {@code [N, C, H, W]}, replaced by the noisier ones of step {@code index +
   *     1}
   * @param modelOutput the network's output for {@code x}, {@code [N, Cout, H, W]}; may be longer
   */
  public void reverseStep(int index, float[] x, float[] modelOutput) {
    double alphaCumprodNext = diffusion.schedule().alphaCumprodNext(index);
    float signal = (float) Math.sqrt(alphaCumprodNext);
    move(index, x, modelOutput, signal, (float) Math.sqrt(1 - alphaCumprodNext));
  }

  /** Puts the predicted x0 and eps together again in new proportions. */
  private void move(int index, float[] x, float[] modelOutput, float signal, float direction) {
    int sampleSize = diffusion.sampleSize();
    int skip = diffusion.outputSize() - sampleSize;
    int output = 0;
    for (int row = 0; row < x.length; row += sampleSize, output += skip) {
      for (int i = row; i < row + sampleSize; i++, output++) {
        float xStart = diffusion.xStart(index, x[i], modelOutput[output]);
        x[i] = xStart * signal + direction * diffusion.eps(index, x[i], xStart);
      }
    }
  }
}
