package lazydit.sampler;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import lazydit.dit.AutoencoderKl;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.AutoencoderKlRun;
import lazydit.engine.LazyDitException;
import lazydit.engine.Tensor;
import lazydit.weights.VaeFile;

/**
 * The VAE behind a model of latents, which makes pictures of them.
 *
 * @param name what to call it
 * @param vae the network, its decoder loaded
 */
record LatentDecoder(String name, AutoencoderKl vae) {
  /** Latents up to this size are decoded in one piece, larger ones in tiles, to bound memory. */
  private static final int TILE = 64;

  LatentDecoder {
    int channels = vae.config().outChannels();
    if (channels != 1 && channels != 3) {
      throw new LazyDitException(
          "VAE %s decodes to %d channels; a picture has 1 (grey) or 3 (RGB)."
              .formatted(name, channels));
    }
  }

  static LatentDecoder load(Path path) {
    try (VaeFile file = VaeFile.open(path)) {
      return new LatentDecoder(
          path.getFileName().toString(), file.load(AutoencoderKl.Parts.DECODER));
    }
  }

  /** {@return the VAE that a diffusers pipeline's folder has beside its transformer} */
  static Optional<LatentDecoder> ofPipeline(Path folder) {
    Path vae = folder.resolve("vae");
    return Files.isDirectory(vae) ? Optional.of(load(vae)) : Optional.empty();
  }

  private AutoencoderKlConfig config() {
    return vae.config();
  }

  void requireFits(String model, int channels) {
    requireFits("Model " + model + " draws", channels, name);
  }

  /** Refuses a VAE for other latents, or none at all, before there is a model to decode. */
  static void requireFits(Path path, int channels) {
    load(path).requireFits("The network is for", channels, path.toString());
  }

  private void requireFits(String network, int channels, String file) {
    if (channels != config().latentChannels()) {
      throw new LazyDitException(
          "%s samples of %d channels, but VAE %s decodes latents of %d."
              .formatted(network, channels, file, config().latentChannels()));
    }
  }

  /** {@return channels of a picture} */
  int channels() {
    return config().outChannels();
  }

  /** {@return pixels of a picture along a side for one of its latent} */
  int scale() {
    return config().scale();
  }

  /**
   * Decodes one latent.
   *
   * @param run of this VAE, by the caller's thread
   * @param latents {@code [N, C, size, size]} as a diffusion model draws them
   * @param index which of them
   * @param size height and width
   * @return the picture {@code [channels, scale * size, scale * size]}
   */
  float[] decode(AutoencoderKlRun run, float[] latents, int index, int size) {
    int length = config().latentChannels() * size * size;
    float[] latent = Arrays.copyOfRange(latents, index * length, (index + 1) * length);
    for (int i = 0; i < length; i++) {
      latent[i] /= config().scalingFactor();
    }
    return run.decodeTiled(Tensor.of(latent, 1, config().latentChannels(), size, size), TILE)
        .data();
  }
}
