package lazydit.sampler;

/**
 * Where a run's standard normal values come from.
 *
 * <p>A run makes draw 0 for its starting point and draw k for its k-th step, in ascending order; it
 * may leave out draws that its sampler does not use. An instance belongs to one run.
 */
@FunctionalInterface
public interface Noise {
  /**
   * Fills a batch with standard normal values.
   *
   * @param draw which draw of the run, 0 for the starting point
   * @param values the batch {@code [N, C, H, W]} to fill
   */
  void draw(int draw, float[] values);

  /**
   * Noise that depends on nothing but the seed and the sample, see {@link PhiloxNoise}.
   *
   * @param seed any number
   * @param firstSample the index, in the whole run, of the batch's first sample
   * @param sampleSize the number of values in a sample, {@code C * H * W}
   * @return the noise
   */
  static Noise philox(long seed, long firstSample, int sampleSize) {
    return new PhiloxNoise(seed, firstSample, sampleSize);
  }
}
