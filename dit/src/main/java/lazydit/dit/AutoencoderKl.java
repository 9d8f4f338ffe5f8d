package lazydit.dit;

import java.util.List;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;

/**
 * The VAE of latent diffusion, its weights packed for the kernels: between images and latents of an
 * eighth of their size (AutoencoderKL; Rombach et al. 2022, as in Stable Diffusion).
 *
 * <p>Immutable and safe for concurrent use; memory for images on the way lies in an {@link
 * AutoencoderKlRun}.
 */
public final class AutoencoderKl {
  private final AutoencoderKlConfig config;
  private final List<VaeLayer> encoder;
  private final List<VaeLayer> decoder;
  private final String source;

  /** Which halves of a VAE to load: sampling needs the decoder alone. */
  public enum Parts {
    /** From latents to images. */
    DECODER,
    /** From images to latents. */
    ENCODER,
    /** Both ways. */
    BOTH
  }

  /**
   * Reads and packs a VAE's weights.
   *
   * @param config the architecture
   * @param source the checkpoint, under diffusers' names ({@code to_q} and so on)
   * @param parts which halves to load
   * @throws LazyDitException when a tensor is missing or has another shape
   */
  public AutoencoderKl(AutoencoderKlConfig config, WeightSource source, Parts parts) {
    this.config = config;
    this.source = source.describe();
    Weights weights = new Weights(source);
    encoder = parts == Parts.DECODER ? null : VaeLayers.encoder(weights, config);
    decoder = parts == Parts.ENCODER ? null : VaeLayers.decoder(weights, config);
  }

  /** {@return the architecture} */
  public AutoencoderKlConfig config() {
    return config;
  }

  /**
   * Starts a run.
   *
   * @param workers who works; may be shared with other runs
   * @return a run, owned by the caller
   */
  public AutoencoderKlRun newRun(Workers workers) {
    return new AutoencoderKlRun(this, workers);
  }

  List<VaeLayer> encoder() {
    return loaded(encoder, "encoder");
  }

  List<VaeLayer> decoder() {
    return loaded(decoder, "decoder");
  }

  private List<VaeLayer> loaded(List<VaeLayer> layers, String what) {
    if (layers == null) {
      throw new LazyDitException("The %s of the VAE %s was not loaded.".formatted(what, source));
    }
    return layers;
  }
}
