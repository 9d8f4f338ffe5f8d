package lazydit.sampler;

/**
 * Noise as a pure function of (seed, sample, draw, position): however a run is cut into batches,
 * shards or threads, sample 17 of seed 42 is the same picture.
 *
 * <p>Block b of a sample's draw is Philox4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As
 * Easy as 1, 2, 3") of the counter {@code (b, draw, sample low, sample high)} under the key {@code
 * (seed low, seed high)}. Its four words {@code r} become four normal values, two at a time, by the
 * Box-Muller transform in double:
 *
 * <pre>
 *   u = (r + 1/2) / 2^32
 *   radius = sqrt(-2 ln u0);  values radius cos(2 pi u1), radius sin(2 pi u1)
 * </pre>
 *
 * <p>so no value is infinite and the largest is 6.8. {@link StrictMath} makes the values the same
 * on every machine.
 *
 * @param seed any number
 * @param firstSample the index, in the whole run, of a batch's first sample
 * @param sampleSize the number of values in a sample, {@code C * H * W}
 */
public record PhiloxNoise(long seed, long firstSample, int sampleSize) implements Noise {
  @Override
  public void draw(int draw, float[] values) {
    for (int row = 0; row < values.length / sampleSize; row++) {
      fill(seed, firstSample + row, draw, values, row * sampleSize, sampleSize);
    }
  }

  /**
   * Writes one draw of one sample.
   *
   * @param seed any number
   * @param sample the sample's index in the whole run
   * @param draw which draw of that sample
   * @param values receives the standard normal values
   * @param offset where the first goes
   * @param count how many
   */
  public static void fill(long seed, long sample, int draw, float[] values, int offset, int count) {
    int[] words = new int[4];
    for (int i = 0; i < count; i += words.length) {
      words[0] = i / words.length;
      words[1] = draw;
      words[2] = (int) sample;
      words[3] = (int) (sample >>> 32);
      philox(words, (int) seed, (int) (seed >>> 32));
      for (int k = 0; k < words.length && i + k < count; k++) {
        values[offset + i + k] = normal(words[k & 2], words[k | 1], (k & 1) == 0);
      }
    }
  }

  /**
   * Four random words, as the noise is made of.
   *
   * @param seed any number
   * @param sample the sample's index in the whole run
   * @param draw which draw of that sample
   * @return the first block of that draw
   */
  public static int[] words(long seed, long sample, int draw) {
    int[] words = {0, draw, (int) sample, (int) (sample >>> 32)};
    philox(words, (int) seed, (int) (seed >>> 32));
    return words;
  }

  private static float normal(int radiusWord, int angleWord, boolean cosine) {
    double radius = Math.sqrt(-2 * StrictMath.log(uniform(radiusWord)));
    double angle = 2 * Math.PI * uniform(angleWord);
    return (float) (radius * (cosine ? StrictMath.cos(angle) : StrictMath.sin(angle)));
  }

  private static double uniform(int word) {
    return (Integer.toUnsignedLong(word) + 0.5) * 0x1p-32;
  }

  /** Philox4x32-10: replaces the counter by its random block. */
  static void philox(int[] counter, int key0, int key1) {
    for (int round = 0; round < 10; round++) {
      long product0 = 0xD2511F53L * Integer.toUnsignedLong(counter[0]);
      long product1 = 0xCD9E8D57L * Integer.toUnsignedLong(counter[2]);
      counter[0] = (int) (product1 >>> 32) ^ counter[1] ^ key0;
      counter[1] = (int) product1;
      counter[2] = (int) (product0 >>> 32) ^ counter[3] ^ key1;
      counter[3] = (int) product0;
      key0 += 0x9E3779B9;
      key1 += 0xBB67AE85;
    }
  }
}
