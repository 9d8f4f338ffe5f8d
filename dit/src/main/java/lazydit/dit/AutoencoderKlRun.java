package lazydit.dit;

import java.util.Arrays;
import java.util.List;
import lazydit.engine.ChannelsLast;
import lazydit.engine.LazyDitException;
import lazydit.engine.Tensor;
import lazydit.engine.Workers;

/**
 * Encodes and decodes with one {@link AutoencoderKl}, keeping the memory for the next time. Images
 * of a batch go through one after the other, so memory is that of one image: with the published VAE
 * less than 200 MB for a decoded image of 256 x 256, and four times as much for twice the side.
 *
 * <p>Owned by one thread at a time. Results are the same to the bit for any number of workers.
 */
public final class AutoencoderKlRun {
  private final AutoencoderKl vae;
  private final VaeExecutor executor;

  AutoencoderKlRun(AutoencoderKl vae, Workers workers) {
    this.vae = vae;
    executor = new VaeExecutor(workers);
  }

  /**
   * Shows the tensors inside the passes that follow: channels last, one image at a time.
   *
   * @param probe told of every tensor, or null to stop
   */
  public void probe(ForwardProbe probe) {
    executor.probe(probe);
  }

  /**
   * From latents to images, in one piece each.
   *
   * @param latents {@code [B, C, h, w]}, already divided by the scaling factor; only to be read
   * @return the images, {@code [B, 3, 8h, 8w]}, about -1 to 1 and not clamped; a fresh tensor
   * @throws LazyDitException when the latents are of another kind or too large for one piece
   */
  public Tensor decode(Tensor latents) {
    int scale = vae.config().scale();
    requireShape("latents", latents, vae.config().latentChannels(), 1);
    Tensor images =
        images(
            latents.size(0),
            vae.config().outChannels(),
            (long) scale * latents.size(2),
            (long) scale * latents.size(3));
    run(vae.decoder(), latents, images);
    return images;
  }

  /**
   * From latents to images, tile by tile with blended seams, so that memory stays that of a tile
   * whatever the size of the image. Tiles overlap by a quarter. Group norms see one tile each, so
   * the image is close to that of {@link #decode}, but not the same; latents that fit into one tile
   * give the same bits.
   *
   * @param latents {@code [B, C, h, w]}, already divided by the scaling factor; only to be read
   * @param tile height and width of a tile of latents, at least 4; published VAEs were trained on
   *     32, and 64 is as good
   * @return the images, {@code [B, 3, 8h, 8w]}; a fresh tensor
   * @throws LazyDitException when the latents are of another kind or the tile is too small
   */
  public Tensor decodeTiled(Tensor latents, int tile) {
    requireShape("latents", latents, vae.config().latentChannels(), 1);
    return new TiledDecoder(this, vae.config().scale(), tile).decode(latents);
  }

  /**
   * From images to the distributions of their latents.
   *
   * @param images {@code [B, 3, H, W]}, -1 to 1, sides at least that of one latent pixel; a
   *     remainder of less than that is cut off; only to be read
   * @return the distributions, {@code [B, C, H / 8, W / 8]}; latents drawn from them are to be
   *     multiplied by the scaling factor
   * @throws LazyDitException when the images are of another kind
   */
  public LatentDistribution encode(Tensor images) {
    int scale = vae.config().scale();
    requireShape("images", images, vae.config().inChannels(), scale);
    Tensor moments =
        images(
            images.size(0),
            2 * vae.config().latentChannels(),
            images.size(2) / scale,
            images.size(3) / scale);
    run(vae.encoder(), images, moments);
    return LatentDistribution.of(moments);
  }

  private void run(List<VaeLayer> layers, Tensor from, Tensor to) {
    int in = from.size(1) * from.size(2) * from.size(3);
    int out = to.size(1) * to.size(2) * to.size(3);
    for (int b = 0; b < from.size(0); b++) {
      executor.enter(from.data(), b * in, from.size(1), from.size(2), from.size(3));
      executor.run(layers);
      ChannelsLast.toPlanes(
          executor.result(), 1, to.size(1), to.size(2) * to.size(3), to.data(), b * out);
    }
  }

  static Tensor images(int batch, int channels, long height, long width) {
    if ((double) batch * channels * height * width > Integer.MAX_VALUE) {
      throw new LazyDitException(
          "%d images of %d x %d x %d values are more than an array holds."
              .formatted(batch, channels, height, width));
    }
    return Tensor.zeros(batch, channels, (int) height, (int) width);
  }

  private static void requireShape(String what, Tensor tensor, int channels, int least) {
    int[] shape = tensor.shape();
    if (shape.length != 4 || shape[1] != channels || shape[2] < least || shape[3] < least) {
      throw new LazyDitException(
          "The VAE takes %s of shape [any, %d, %d or more, %d or more], not %s."
              .formatted(what, channels, least, least, Arrays.toString(shape)));
    }
  }
}
