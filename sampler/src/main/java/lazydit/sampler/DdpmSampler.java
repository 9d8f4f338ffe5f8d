package lazydit.sampler;

/**
 * Ancestral sampling (Ho et al. 2020, algorithm 2): draws from {@code N(mean, variance)} of {@code
 * q(x_(t-1) | x_t, x0)} with the predicted x0; the last step returns the mean.
 *
 * @param diffusion the process to run backwards
 */
public record DdpmSampler(GaussianDiffusion diffusion) implements GaussianSampler {
  @Override
  public boolean usesNoise(int index) {
    return index > 0;
  }

  @Override
  public void step(int index, float[] x, float[] modelOutput, float[] noise) {
    int samples = x.length / diffusion.sampleSize();
    for (int row = 0; row < samples; row++) {
      stepRow(index, row, x, modelOutput, noise);
    }
  }

  private void stepRow(int index, int row, float[] x, float[] modelOutput, float[] noise) {
    int first = row * diffusion.sampleSize();
    int output = row * diffusion.outputSize();
    for (int i = 0; i < diffusion.sampleSize(); i++) {
      float xStart = diffusion.xStart(index, x[first + i], modelOutput[output + i]);
      float mean = diffusion.posteriorMean(index, xStart, x[first + i]);
      x[first + i] = mean;
      if (usesNoise(index)) {
        float logVariance = diffusion.logVariance(index, row, i, modelOutput);
        x[first + i] += (float) Math.exp(0.5f * logVariance) * noise[first + i];
      }
    }
  }
}
