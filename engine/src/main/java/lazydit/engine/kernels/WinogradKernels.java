package lazydit.engine.kernels;

/**
 * The two changes of basis of Winograd's convolution F(2 x 2, 3 x 3), for pixels of {@code n}
 * channels, n a multiple of a vector: lanes go across the channels.
 */
public interface WinogradKernels {
  /**
   * From 4 x 4 pixels d to B<sup>T</sup> d B.
   *
   * @param x where the pixels lie
   * @param at where each of the 16 begins
   * @param n channels
   * @param a receives the 16 elements of the result
   * @param to where each of them begins
   */
  void input(float[] x, int[] at, int n, float[] a, int[] to);

  /**
   * From 4 x 4 sums m to 2 x 2 pixels A<sup>T</sup> m A + bias.
   *
   * @param m the sums
   * @param mo where the first begins
   * @param stride floats from each of the 16 to the next
   * @param n channels
   * @param bias a bias for every channel
   * @param column the first channel's place in {@code bias} and in a pixel of {@code y}
   * @param add whether to add to what {@code y} holds
   * @param y receives the pixels
   * @param at where each of the 4 begins, or -1 for one that is not wanted
   */
  void output(
      float[] m,
      int mo,
      int stride,
      int n,
      float[] bias,
      int column,
      boolean add,
      float[] y,
      int[] at);
}
