package lazydit.engine.kernels;

/**
 * Operations on pixels of a channels-last image, channel by channel: {@code rows} pixels of {@code
 * n} channels.
 */
public interface ChannelKernels {
  /**
   * Mean and spread of every channel over a few pixels. Both are taken of {@code x} minus the
   * channel's first value, which is exact where the spread is small beside the offset.
   *
   * @param rows pixels, at least 1, and few enough for sums in float32
   * @param moments receives from {@code mo} on {@code n} means of {@code x - x[first pixel]}, then
   *     {@code n} sums of squared distances from that mean
   */
  void moments(float[] x, int xo, int rows, int n, float[] moments, int mo);

  /**
   * {@code y = ((x - mean) - rest) * scale + shift}, the mean in two parts so that an offset far
   * above the spread leaves the digits of the spread.
   *
   * @param vectors from {@code vo} on the channels' means, rests, scales and shifts, {@code [4, n]}
   */
  void normalise(float[] x, int xo, int rows, int n, float[] vectors, int vo, float[] y, int yo);

  /** The same, with silu after it. */
  void normaliseSilu(
      float[] x, int xo, int rows, int n, float[] vectors, int vo, float[] y, int yo);
}
