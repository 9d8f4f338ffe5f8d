package lazydit.dit;

import lazydit.engine.LazyDitException;
import lazydit.engine.Tensor;

/**
 * Decodes latents in tiles that overlap by a quarter, each blended linearly into the one above and
 * then the one on its left, as diffusers' {@code tiled_decode} does. Of the tiles that are done
 * only the strips are kept that a later one will be blended with.
 */
final class TiledDecoder {
  /** Tiles overlap by one part in this many. */
  private static final int OVERLAP = 4;

  private final AutoencoderKlRun run;
  private final int scale;
  private final int tile;
  private final int step;

  /** Pixels that two neighbours share, and that a tile gives to the image. */
  private final int shared;

  private final int kept;

  TiledDecoder(AutoencoderKlRun run, int scale, int tile) {
    if (tile < OVERLAP) {
      throw new LazyDitException(
          "A tile must have at least %d x %d latent pixels, not %d x %d."
              .formatted(OVERLAP, OVERLAP, tile, tile));
    }
    this.run = run;
    this.scale = scale;
    this.tile = tile;
    step = tile - tile / OVERLAP;
    shared = (tile - step) * scale;
    kept = step * scale;
  }

  Tensor decode(Tensor latents) {
    int h = latents.size(2);
    int w = latents.size(3);
    if (h <= tile && w <= tile) {
      return run.decode(latents);
    }
    Tensor images = null;
    for (int b = 0; b < latents.size(0); b++) {
      // The lower strips of the row of tiles above.
      Tensor[] above = new Tensor[(w + step - 1) / step];
      for (int i = 0; i < h; i += step) {
        Tensor left = null;
        for (int j = 0; j < w; j += step) {
          Tensor pixels = run.decode(part(latents, b, i, j));
          if (images == null) {
            int channels = pixels.size(1);
            images =
                AutoencoderKlRun.images(
                    latents.size(0), channels, (long) h * scale, (long) w * scale);
          }
          if (i > 0) {
            blendDown(above[j / step], pixels);
          }
          if (j > 0) {
            blendRight(left, pixels);
          }
          put(pixels, images, b, i * scale, j * scale);
          above[j / step] = lowerStrip(pixels);
          left = pixels;
        }
      }
    }
    return images;
  }

  /** A tile of a latent, smaller at the edges. */
  private Tensor part(Tensor latents, int b, int top, int left) {
    int channels = latents.size(1);
    int h = Math.min(tile, latents.size(2) - top);
    int w = Math.min(tile, latents.size(3) - left);
    Tensor part = Tensor.zeros(1, channels, h, w);
    for (int line = 0; line < channels * h; line++) {
      int c = line / h;
      int row = ((b * channels + c) * latents.size(2) + top + line % h) * latents.size(3);
      System.arraycopy(latents.data(), row + left, part.data(), line * w, w);
    }
    return part;
  }

  private Tensor lowerStrip(Tensor pixels) {
    int channels = pixels.size(1);
    int h = Math.min(shared, pixels.size(2));
    int w = pixels.size(3);
    Tensor strip = Tensor.zeros(1, channels, h, w);
    for (int c = 0; c < channels; c++) {
      int from = ((c + 1) * pixels.size(2) - h) * w;
      System.arraycopy(pixels.data(), from, strip.data(), c * h * w, h * w);
    }
    return strip;
  }

  /** The first rows of a tile turn from the last ones above into its own. */
  private static void blendDown(Tensor above, Tensor pixels) {
    int w = pixels.size(3);
    int extent = Math.min(above.size(2), pixels.size(2));
    for (int c = 0; c < pixels.size(1); c++) {
      for (int y = 0; y < extent; y++) {
        int from = ((c + 1) * above.size(2) - extent + y) * w;
        int to = (c * pixels.size(2) + y) * w;
        float share = (float) y / extent;
        for (int x = 0; x < w; x++) {
          pixels.data()[to + x] = mixed(above.data()[from + x], pixels.data()[to + x], share);
        }
      }
    }
  }

  /** The first columns of a tile turn from the last ones on its left into its own. */
  private void blendRight(Tensor left, Tensor pixels) {
    int extent = Math.min(shared, Math.min(left.size(3), pixels.size(3)));
    for (int line = 0; line < pixels.size(1) * pixels.size(2); line++) {
      int from = (line + 1) * left.size(3) - extent;
      int to = line * pixels.size(3);
      for (int x = 0; x < extent; x++) {
        float share = (float) x / extent;
        pixels.data()[to + x] = mixed(left.data()[from + x], pixels.data()[to + x], share);
      }
    }
  }

  private static float mixed(float old, float own, float share) {
    return old * (1 - share) + own * share;
  }

  /** Copies a tile without what its right and lower neighbours will bring. */
  private void put(Tensor pixels, Tensor images, int b, int top, int left) {
    int h = Math.min(kept, pixels.size(2));
    int w = Math.min(kept, pixels.size(3));
    for (int c = 0; c < pixels.size(1); c++) {
      for (int y = 0; y < h; y++) {
        int row = (b * images.size(1) + c) * images.size(2) + top + y;
        System.arraycopy(
            pixels.data(),
            (c * pixels.size(2) + y) * pixels.size(3),
            images.data(),
            row * images.size(3) + left,
            w);
      }
    }
  }
}
