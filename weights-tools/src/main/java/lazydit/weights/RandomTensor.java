package lazydit.weights;

import java.lang.foreign.MemorySegment;

/**
 * Numbers that look normally distributed, each a function of the seed, the tensor's name and the
 * element's index alone: the sum of four uniform ones (Irwin and Hall), in exact arithmetic, so
 * that they are the same everywhere and in any order of reading.
 *
 * @param key made of seed and name
 * @param mean what they lie around
 * @param deviation their standard deviation; none is farther from the mean than 3.5 of it
 */
record RandomTensor(long key, float mean, float deviation, long size, long... dimensions)
    implements TensorData {
  private static final int CHUNK = 1 << 14;
  private static final long STEP = 0x9E3779B97F4A7C15L;

  /** The middle of the sum of four 16-bit numbers, and its deviation. */
  private static final int MIDDLE = 2 * 0xFFFF;

  private static final double SUM_DEVIATION = Math.sqrt(4 * (65536.0 * 65536.0 - 1) / 12);

  static RandomTensor of(long seed, String name, float mean, float deviation, long... shape) {
    long key = mix(seed + STEP);
    for (int i = 0; i < name.length(); i++) {
      key = mix(key * 31 + name.charAt(i));
    }
    long size = StoredTensor.elements("a random tensor", name, shape);
    return new RandomTensor(key, mean, deviation, size, shape);
  }

  /** The finaliser of SplitMix64 (Steele, Lea and Flood 2014). */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  @Override
  public DType dtype() {
    return DType.F32;
  }

  @Override
  public long[] shape() {
    return dimensions.clone();
  }

  @Override
  public void readFloats(long first, float[] into, int at, int count) {
    float scale = (float) (deviation / SUM_DEVIATION);
    for (int i = 0; i < count; i++) {
      long bits = mix(key + (first + i) * STEP);
      int sum =
          (int) ((bits & 0xFFFF) + (bits >>> 16 & 0xFFFF) + (bits >>> 32 & 0xFFFF) + (bits >>> 48));
      into[at + i] = mean + scale * (sum - MIDDLE);
    }
  }

  @Override
  public void readBytes(long first, byte[] into, int at, int count) {
    float[] values = new float[Math.min(count, CHUNK)];
    MemorySegment target = MemorySegment.ofArray(into);
    for (int done = 0; done < count; done += CHUNK) {
      int n = Math.min(CHUNK, count - done);
      readFloats(first + done, values, 0, n);
      DType.F32.fromFloats(values, 0, target, at + (long) done * Float.BYTES, n);
    }
  }
}
