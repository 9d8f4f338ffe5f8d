package lazydit.bench;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.AutoencoderKl;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.AutoencoderKlRun;
import lazydit.dit.WeightSource;
import lazydit.engine.Tensor;
import lazydit.engine.Workers;

/**
 * Decoding one square latent with random weights of the true shapes.
 *
 * @param config the architecture
 * @param side height and width of the latent
 */
public record VaeWork(AutoencoderKlConfig config, int side) implements Work {
  /** The VAE of DiT and Stable Diffusion, to a picture of 256 x 256 pixels. */
  static final VaeWork DECODE = new VaeWork(AutoencoderKlConfig.STABLE_DIFFUSION, 32);

  private static final Pattern UP_BLOCK = Pattern.compile("decoder\\.up_blocks\\.(\\d+)\\..*");

  /**
   * A convolution, or a linear layer over all pixels.
   *
   * @param weights how many it has
   * @param channels those that come in and those that go out
   * @param pixels of the image that goes out
   */
  private record Layer(double weights, double channels, double pixels) {}

  /** {@return the weights, under diffusers' names} */
  public WeightSource weights() {
    return RandomNetwork.of(config);
  }

  /** {@return the latent, {@code [1, C, side, side]}} */
  public float[] latent() {
    // As widely spread as what a diffusion model leaves, divided by the scaling factor.
    float[] latent = Work.uniform(13, config.latentChannels() * side * side);
    for (int i = 0; i < latent.length; i++) {
      latent[i] *= 10;
    }
    return latent;
  }

  @Override
  public String benchmark() {
    return "vae";
  }

  @Override
  public String shape() {
    return "decode %dx%d".formatted(side, side);
  }

  @Override
  public Limit limit() {
    return Limit.COMPUTE;
  }

  /** Every convolution as if it were computed directly, on the doubled image where it doubles. */
  @Override
  public double amount() {
    double products = layers().stream().mapToDouble(l -> l.weights * l.pixels).sum();
    double tokens = side * side;
    double attention = 2 * tokens * tokens * config.blockOutChannels().getLast();
    return 2 * (products + attention);
  }

  /** Weights once, and what each layer reads and writes. */
  @Override
  public double intensity() {
    double values = layers().stream().mapToDouble(l -> l.weights + l.channels * l.pixels).sum();
    return amount() / (Float.BYTES * values);
  }

  private List<Layer> layers() {
    WeightSource weights = weights();
    return weights.names().stream()
        .filter(name -> name.startsWith("decoder.") || name.startsWith("post_quant_conv."))
        .filter(name -> weights.shape(name).length > 1)
        .map(name -> layer(name, weights.shape(name)))
        .toList();
  }

  private Layer layer(String name, long[] shape) {
    double size = 1;
    for (long n : shape) {
      size *= n;
    }
    long pixels = (long) side * side << 2 * doublings(name);
    return new Layer(size, shape[0] + shape[1], pixels);
  }

  /** How often the image has doubled when a layer is through. */
  private int doublings(String name) {
    if (name.startsWith("decoder.conv_out.")) {
      return config.levels() - 1;
    }
    Matcher matcher = UP_BLOCK.matcher(name);
    if (!matcher.matches()) {
      return 0;
    }
    int block = Integer.parseInt(matcher.group(1));
    return name.contains(".upsamplers.") ? block + 1 : block;
  }

  @Override
  public Side ours(Workers workers) {
    AutoencoderKl vae = new AutoencoderKl(config, weights(), AutoencoderKl.Parts.DECODER);
    AutoencoderKlRun run = vae.newRun(workers);
    Tensor latent = Tensor.of(latent(), 1, config.latentChannels(), side, side);
    return new Side() {
      private Tensor image;

      @Override
      public void run() {
        image = run.decode(latent);
      }

      @Override
      public float[] result() {
        return image.data();
      }
    };
  }
}
