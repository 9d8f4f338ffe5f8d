package lazydit.sampler;

import java.awt.image.BufferedImage;
import lazydit.engine.LazyDitException;

/**
 * An 8-bit picture, grey or RGB.
 *
 * @param width in pixels
 * @param height in pixels
 * @param channels 1 for grey, 3 for red, green, blue
 * @param bytes {@code [height, width, channels]}, one unsigned byte each; not copied
 */
public record PixelImage(int width, int height, int channels, byte[] bytes) {
  /**
   * Checks that the bytes fit the sizes.
   *
   * @throws LazyDitException when the sizes are not positive, the channels are not 1 or 3, or the
   *     bytes are not as many as the sizes say
   */
  public PixelImage {
    if (width < 1 || height < 1 || bytes.length != byteCount(width, height, channels)) {
      throw new LazyDitException(
          "A picture of %d x %d pixels and %d channels cannot have %d bytes."
              .formatted(width, height, channels, bytes.length));
    }
  }

  /**
   * A black picture.
   *
   * @param width in pixels
   * @param height in pixels
   * @param channels 1 for grey, 3 for red, green, blue
   * @return the picture
   * @throws LazyDitException when the channels are not 1 or 3, or the picture is too large
   */
  public static PixelImage black(int width, int height, int channels) {
    return new PixelImage(width, height, channels, new byte[byteCount(width, height, channels)]);
  }

  private static int byteCount(int width, int height, int channels) {
    if (channels != 1 && channels != 3) {
      throw new LazyDitException(
          "A picture must have 1 channel (grey) or 3 (RGB), but has " + channels + ".");
    }
    long count = (long) width * height;
    if (count > (Integer.MAX_VALUE - 8) / channels) {
      throw new LazyDitException(
          "A picture of %d x %d pixels is too large; show fewer samples or a smaller scale."
              .formatted(width, height));
    }
    return (int) count * channels;
  }

  /**
   * One generated sample as a picture: {@code 127.5 x + 128}, clamped to [0, 255] and truncated, as
   * the reference saves its samples.
   *
   * @param samples {@code [N, C, height, width]}, in [-1, 1]
   * @param index which sample
   * @param channels C, 1 or 3
   * @param height in pixels
   * @param width in pixels
   * @return the picture
   * @throws LazyDitException when the channels are not 1 or 3
   */
  public static PixelImage of(float[] samples, int index, int channels, int height, int width) {
    PixelImage image = black(width, height, channels);
    int pixels = width * height;
    for (int channel = 0; channel < channels; channel++) {
      int plane = (index * channels + channel) * pixels;
      for (int pixel = 0; pixel < pixels; pixel++) {
        image.bytes[pixel * channels + channel] = toByte(samples[plane + pixel]);
      }
    }
    return image;
  }

  private static byte toByte(float value) {
    return (byte) (int) Math.clamp(127.5f * value + 128, 0f, 255f);
  }

  /**
   * {@return a copy as {@link BufferedImage#TYPE_BYTE_GRAY} or {@link
   * BufferedImage#TYPE_3BYTE_BGR}}
   */
  public BufferedImage toBufferedImage() {
    int type = channels == 1 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_3BYTE_BGR;
    BufferedImage image = new BufferedImage(width, height, type);
    int[] row = new int[width * channels];
    for (int y = 0; y < height; y++) {
      for (int i = 0; i < row.length; i++) {
        row[i] = Byte.toUnsignedInt(bytes[y * row.length + i]);
      }
      image.getRaster().setPixels(0, y, width, 1, row);
    }
    return image;
  }
}
