package lazydit.engine;

/**
 * Between images as planes {@code [B, C, H, W]}, as files and callers hold them, and channels-last
 * ones {@code [B, H, W, C]}, in which a pixel is a row of a matrix.
 */
public final class ChannelsLast {
  private ChannelsLast() {}

  /**
   * From planes to pixels.
   *
   * @param planes {@code [B, C, pixels]}; only to be read
   * @param at where the first plane begins
   * @param batch B
   * @param channels C
   * @param pixels pixels of a plane
   * @param rows receives {@code [B, pixels, C]}
   */
  public static void fromPlanes(
      float[] planes, int at, int batch, int channels, int pixels, float[] rows) {
    for (int b = 0; b < batch; b++) {
      for (int c = 0; c < channels; c++) {
        int from = at + (b * channels + c) * pixels;
        int to = b * channels * pixels + c;
        for (int i = 0; i < pixels; i++, to += channels) {
          rows[to] = planes[from + i];
        }
      }
    }
  }

  /**
   * From pixels to planes.
   *
   * @param rows {@code [B, pixels, C]}; only to be read
   * @param batch B
   * @param channels C
   * @param pixels pixels of a plane
   * @param planes receives {@code [B, C, pixels]}
   * @param at where the first plane begins
   */
  public static void toPlanes(
      float[] rows, int batch, int channels, int pixels, float[] planes, int at) {
    for (int b = 0; b < batch; b++) {
      for (int c = 0; c < channels; c++) {
        int to = at + (b * channels + c) * pixels;
        int from = b * channels * pixels + c;
        for (int i = 0; i < pixels; i++, from += channels) {
          planes[to + i] = rows[from];
        }
      }
    }
  }
}
