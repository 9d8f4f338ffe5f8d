package lazydit.sampler;

/**
 * One rule for going from noise to a sample in some steps.
 *
 * <p>Steps are numbered towards the noise: a run begins at {@code steps() - 1} and ends with 0.
 * Implementations are immutable and safe for use by many threads; what a run remembers of its
 * earlier steps lies in its {@link Stepper}.
 */
public interface Sampler {
  /** Takes the steps of one run, in their order; owned by that run. */
  @FunctionalInterface
  interface Stepper {
    /**
     * Takes a whole batch one step back. Allocates nothing.
     *
     * @param index the step that {@code x} is at, 0 to {@code steps() - 1}
     * @param x the noisy samples {@code [N, C, H, W]}, replaced by the less noisy ones; N is its
     *     length divided by {@link #sampleSize}
     * @param modelOutput the network's output for {@code x}, {@code [N, Cout, H, W]}; may be longer
     * @param noise standard normal values, {@code [N, C, H, W]}; read only if {@link #usesNoise}
     */
    void step(int index, float[] x, float[] modelOutput, float[] noise);
  }

  /** {@return the number of steps from pure noise to a sample} */
  int steps();

  /**
   * {@return the time that the network is told at that step}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  float timestep(int index);

  /** {@return the number of values in a sample, {@code C * H * W}} */
  int sampleSize();

  /** {@return the number of values the network returns for a sample, {@code Cout * H * W}} */
  int outputSize();

  /**
   * {@return whether that step reads its noise}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  boolean usesNoise(int index);

  /**
   * Begins a run.
   *
   * @param samples N, how many samples are drawn together
   * @return takes the run's steps
   */
  Stepper start(int samples);

  /** {@return {@link #timestep} of every step, {@code [S]}; a fresh array} */
  default float[] timesteps() {
    float[] timesteps = new float[steps()];
    for (int i = 0; i < timesteps.length; i++) {
      timesteps[i] = timestep(i);
    }
    return timesteps;
  }
}
