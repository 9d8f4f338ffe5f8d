package lazydit.engine;

import lazydit.engine.kernels.ChannelKernels;
import lazydit.engine.kernels.Kernels;

/**
 * Group normalisation over channels-last images, with or without SiLU behind it: {@code y = (x -
 * mean) / sqrt(variance + eps) * weight + bias}, mean and (biased) variance those of a sample's
 * group of channels over all of its pixels (Wu and He 2018).
 *
 * <p>The moments are taken of chunks of pixels that fit into an L1 cache, whose size does not
 * depend on the number of threads, and put together in float64: an image of any size loses no
 * digits, and the result is the same to the bit for any number of threads.
 *
 * <p>Immutable and safe for concurrent use.
 */
public final class GroupNorm {
  /** Floats of a chunk: half of an L1 cache. */
  private static final int CHUNK_FLOATS = 4096;

  /** Pixels of a chunk at most, so that its sums in float32 stay short. */
  private static final int CHUNK_PIXELS = 64;

  private static final int VECTORS = 4;

  private final int groups;
  private final int channels;
  private final int chunk;
  private final float[] weight;
  private final float[] bias;
  private final float eps;

  /**
   * A norm of given parameters.
   *
   * @param groups how many groups; divides the number of channels
   * @param weight a factor for every channel, {@code [C]}, copied
   * @param bias added to every channel, {@code [C]}, copied
   * @param eps added to the variance
   * @throws LazyDitException when the groups do not divide the channels or the lengths differ
   */
  public GroupNorm(int groups, float[] weight, float[] bias, float eps) {
    channels = weight.length;
    if (groups < 1 || channels == 0 || channels % groups != 0 || bias.length != channels) {
      throw new LazyDitException(
          "A group norm of %d channels cannot have %d groups and %d biases."
              .formatted(channels, groups, bias.length));
    }
    this.groups = groups;
    this.weight = weight.clone();
    this.bias = bias.clone();
    this.eps = eps;
    chunk = Math.clamp(CHUNK_FLOATS / channels, 1, CHUNK_PIXELS);
  }

  /** {@return C} */
  public int channels() {
    return channels;
  }

  /**
   * Normalises images.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param x {@code [B, pixels, C]}; only to be read
   * @param batch B
   * @param pixels pixels of an image
   * @param silu whether {@code y = silu(y)} comes after
   * @param y receives {@code [B, pixels, C]}; may be x
   */
  public void apply(
      Workers workers, Scratch scratch, float[] x, int batch, int pixels, boolean silu, float[] y) {
    if (batch == 0 || pixels == 0) {
      return;
    }
    ChannelKernels kernels = Kernels.active().channels();
    int chunks = (pixels + chunk - 1) / chunk;
    double[] moments = scratch.moments(Math.multiplyExact(batch * chunks, 2 * groups));
    workers.forEach(
        batch * chunks,
        (worker, from, to) -> {
          float[] perChannel = scratch.floats(worker, 2 * channels);
          for (int i = from; i < to; i++) {
            int first = i % chunks * chunk;
            int count = Math.min(chunk, pixels - first);
            int at = (i / chunks * pixels + first) * channels;
            kernels.moments(x, at, count, channels, perChannel, 0);
            joinChannels(x, at, count, perChannel, moments, i * 2 * groups);
          }
        });
    float[] vectors = scratch.rows(batch * VECTORS * channels);
    for (int sample = 0; sample < batch; sample++) {
      joinChunks(moments, sample * chunks * 2 * groups, chunks, pixels);
      fillVectors(moments, sample * chunks * 2 * groups, vectors, sample * VECTORS * channels);
    }
    workers.forEach(
        batch * chunks,
        (worker, from, to) -> {
          for (int i = from; i < to; i++) {
            int first = i % chunks * chunk;
            int count = Math.min(chunk, pixels - first);
            int at = (i / chunks * pixels + first) * channels;
            int vo = i / chunks * VECTORS * channels;
            if (silu) {
              kernels.normaliseSilu(x, at, count, channels, vectors, vo, y, at);
            } else {
              kernels.normalise(x, at, count, channels, vectors, vo, y, at);
            }
          }
        });
  }

  /** From the channels of a chunk to its groups: means, then sums of squared distances. */
  private void joinChannels(
      float[] x, int at, int count, float[] perChannel, double[] moments, int mo) {
    int each = channels / groups;
    for (int g = 0; g < groups; g++) {
      double sum = 0;
      for (int c = g * each; c < (g + 1) * each; c++) {
        sum += (double) x[at + c] + perChannel[c];
      }
      double mean = sum / each;
      double squares = 0;
      for (int c = g * each; c < (g + 1) * each; c++) {
        double apart = (double) x[at + c] + perChannel[c] - mean;
        squares += perChannel[channels + c] + count * apart * apart;
      }
      moments[mo + g] = mean;
      moments[mo + groups + g] = squares;
    }
  }

  /** From the chunks of a sample to the whole: leaves mean and variance where the first was. */
  private void joinChunks(double[] moments, int mo, int chunks, int pixels) {
    int each = channels / groups;
    for (int g = 0; g < groups; g++) {
      double sum = 0;
      for (int i = 0; i < chunks; i++) {
        int count = Math.min(chunk, pixels - i * chunk);
        sum += count * moments[mo + i * 2 * groups + g];
      }
      double mean = sum / pixels;
      double squares = 0;
      for (int i = 0; i < chunks; i++) {
        int count = Math.min(chunk, pixels - i * chunk);
        double apart = moments[mo + i * 2 * groups + g] - mean;
        squares += moments[mo + (2 * i + 1) * groups + g] + (double) count * each * apart * apart;
      }
      moments[mo + g] = mean;
      moments[mo + groups + g] = squares / ((double) pixels * each);
    }
  }

  /** Means in two parts, scales and shifts of every channel. */
  private void fillVectors(double[] moments, int mo, float[] vectors, int vo) {
    int each = channels / groups;
    for (int c = 0; c < channels; c++) {
      double mean = moments[mo + c / each];
      double variance = moments[mo + groups + c / each];
      vectors[vo + c] = (float) mean;
      vectors[vo + channels + c] = (float) (mean - (float) mean);
      vectors[vo + 2 * channels + c] = (float) (weight[c] / Math.sqrt(variance + eps));
      vectors[vo + 3 * channels + c] = bias[c];
    }
  }
}
