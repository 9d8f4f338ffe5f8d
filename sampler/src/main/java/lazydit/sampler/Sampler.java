package lazydit.sampler;

/**
 * One rule for going from a noisy sample to a slightly less noisy one.
 *
 * <p>Implementations are immutable, allocate nothing in {@link #step} and are safe for use by many
 * threads.
 */
public interface Sampler {
  /** {@return the process this sampler runs backwards} */
  GaussianDiffusion diffusion();

  /**
   * {@return whether {@link #step} reads its noise at that step}
   *
   * @param index a step, 0 to {@code steps() - 1}
   */
  boolean usesNoise(int index);

  /**
   * Takes a whole batch one step back.
   *
   * @param index the step that {@code x} is at, 0 to {@code steps() - 1}
   * @param x the noisy samples {@code [N, C, H, W]}, replaced by the less noisy ones; N is its
   *     length divided by the process's sample size
   * @param modelOutput the network's output for {@code x}, {@code [N, Cout, H, W]}; may be longer
   * @param noise standard normal values, {@code [N, C, H, W]}; read only if {@link #usesNoise}
   */
  void step(int index, float[] x, float[] modelOutput, float[] noise);

  /** {@return the number of steps from pure noise to a sample} */
  default int steps() {
    return diffusion().schedule().steps();
  }
}
