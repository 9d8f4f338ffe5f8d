package lazydit.sampler;

import lazydit.engine.LazyDitException;

/**
 * Euler's method for the probability-flow ODE of a network that predicts velocities along straight
 * paths (SiT: Ma et al. 2024; rectified flow): {@code x_t = (1 - t) noise + t data}, so that {@code
 * dx/dt = data - noise = v(x, t)}, from t = 0, noise, to t = 1, data, in equal steps. The network
 * is told t itself.
 *
 * <p>SiT's own script counts the points in time, one more than the steps here.
 *
 * @param steps how many steps, at least 1
 * @param sampleSize the number of values in a sample, {@code C * H * W}
 * @param outputSize the number of values the network returns for one: the velocity first
 */
public record EulerSampler(int steps, int sampleSize, int outputSize)
    implements Sampler, Sampler.Stepper {
  /**
   * Checks the numbers.
   *
   * @throws LazyDitException when there is no step or a size does not fit
   */
  public EulerSampler {
    if (steps < 1 || sampleSize < 1 || outputSize < sampleSize) {
      throw new LazyDitException(
          "Euler's method needs at least 1 step and outputs no smaller than samples, not %d, %d and %d."
              .formatted(steps, outputSize, sampleSize));
    }
  }

  @Override
  public float timestep(int index) {
    return (float) ((double) (steps - 1 - index) / steps);
  }

  @Override
  public boolean usesNoise(int index) {
    return false;
  }

  @Override
  public Stepper start(int samples) {
    return this;
  }

  @Override
  public void step(int index, float[] x, float[] modelOutput, float[] noise) {
    float length = (float) (1.0 / steps);
    int output = 0;
    for (int row = 0; row < x.length; row += sampleSize, output += outputSize - sampleSize) {
      for (int i = row; i < row + sampleSize; i++, output++) {
        x[i] = Math.fma(length, modelOutput[output], x[i]);
      }
    }
  }
}
