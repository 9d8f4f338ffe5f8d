package lazydit.sampler.data;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;

/**
 * The middle square of a picture at a size of one's choice, as DiT's training prepares ImageNet.
 */
final class CenterCrop {
  private CenterCrop() {}

  /**
   * {@return the picture, halved while it stays large enough, then scaled so that its shorter side
   * fits, then cropped}
   */
  static BufferedImage to(BufferedImage image, int size) {
    BufferedImage scaled = image;
    while (Math.min(scaled.getWidth(), scaled.getHeight()) >= 2 * size) {
      scaled = scale(scaled, scaled.getWidth() / 2, scaled.getHeight() / 2, false);
    }
    double factor = (double) size / Math.min(scaled.getWidth(), scaled.getHeight());
    int width = (int) Math.max(size, Math.round(scaled.getWidth() * factor));
    int height = (int) Math.max(size, Math.round(scaled.getHeight() * factor));
    if (factor != 1) {
      scaled = scale(scaled, width, height, true);
    }
    int left = (scaled.getWidth() - size) / 2;
    int top = (scaled.getHeight() - size) / 2;
    return scaled.getSubimage(left, top, size, size);
  }

  /** Halving by bilinear interpolation is the mean of four pixels. */
  private static BufferedImage scale(BufferedImage image, int width, int height, boolean smooth) {
    boolean grey = image.getType() == BufferedImage.TYPE_BYTE_GRAY;
    int type = grey ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB;
    BufferedImage scaled = new BufferedImage(width, height, type);
    Graphics2D graphics = scaled.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION,
        smooth
            ? RenderingHints.VALUE_INTERPOLATION_BICUBIC
            : RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.drawImage(image, 0, 0, width, height, null);
    graphics.dispose();
    return scaled;
  }
}
