package lazydit.dit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lazydit.engine.LazyDitException;

/**
 * The architecture of a Stable Diffusion VAE (AutoencoderKL; Rombach et al. 2022).
 *
 * @param inChannels channels of an image that is encoded
 * @param outChannels channels of an image that is decoded
 * @param latentChannels channels of a latent
 * @param blockOutChannels channels of every level, from the image's size downwards; each level but
 *     the last halves height and width
 * @param layersPerBlock residual blocks of a level of the encoder; the decoder's have one more
 * @param normGroups groups of every group norm; divides all channels
 * @param quantConv whether a 1 x 1 convolution stands on either side of the latent
 * @param scalingFactor what a latent is multiplied by before a diffusion model sees it, and divided
 *     by before it is decoded
 */
public record AutoencoderKlConfig(
    int inChannels,
    int outChannels,
    int latentChannels,
    List<Integer> blockOutChannels,
    int layersPerBlock,
    int normGroups,
    boolean quantConv,
    float scalingFactor) {
  /** Of sd-vae-ft-ema, sd-vae-ft-mse and all their kin. */
  public static final float DEFAULT_SCALING_FACTOR = 0.18215f;

  /** Of every published VAE. */
  public static final int DEFAULT_NORM_GROUPS = 32;

  /** The VAE of Stable Diffusion 1 and 2, and of DiT: sd-vae-ft-ema, sd-vae-ft-mse. */
  public static final AutoencoderKlConfig STABLE_DIFFUSION =
      new AutoencoderKlConfig(
          3,
          3,
          4,
          List.of(128, 256, 512, 512),
          2,
          DEFAULT_NORM_GROUPS,
          true,
          DEFAULT_SCALING_FACTOR);

  // Far above every published model; keeps products of sizes from a hostile file within an int.
  private static final int MAX_CHANNELS = 1 << 13;
  private static final int MAX_LEVELS = 8;
  private static final int MAX_LAYERS = 16;

  /**
   * Checks the sizes; the list is copied.
   *
   * @throws LazyDitException when a size is out of range or the groups do not divide the channels
   */
  public AutoencoderKlConfig {
    blockOutChannels = List.copyOf(blockOutChannels);
    within("number of image channels", inChannels, MAX_CHANNELS);
    within("number of output channels", outChannels, MAX_CHANNELS);
    within("number of latent channels", latentChannels, MAX_CHANNELS);
    within("number of levels", blockOutChannels.size(), MAX_LEVELS);
    within("number of layers of a block", layersPerBlock, MAX_LAYERS);
    within("number of norm groups", normGroups, MAX_CHANNELS);
    for (int channels : blockOutChannels) {
      within("number of channels of a block", channels, MAX_CHANNELS);
      if (channels % normGroups != 0) {
        throw new LazyDitException(
            "A VAE's blocks of %d channels cannot be normalised in %d groups."
                .formatted(channels, normGroups));
      }
    }
    if (!(scalingFactor > 0) || Float.isInfinite(scalingFactor)) {
      throw new LazyDitException(
          "A VAE's scaling factor must be a number above 0, not " + scalingFactor + ".");
    }
  }

  private static void within(String what, int value, int most) {
    if (value < 1 || value > most) {
      throw new LazyDitException(
          "A VAE's %s must be between 1 and %d, not %d.".formatted(what, most, value));
    }
  }

  /**
   * Reads the architecture off the shapes of a checkpoint's tensors: of its decoder, its encoder,
   * or both. The number of groups and the scaling factor leave no trace there.
   *
   * @param weights the checkpoint, under diffusers' names
   * @param normGroups groups of every group norm
   * @param scalingFactor the scaling factor
   * @return the architecture
   * @throws LazyDitException when there is no VAE or the shapes do not fit each other
   */
  public static AutoencoderKlConfig derive(
      WeightSource weights, int normGroups, float scalingFactor) {
    boolean decoder = weights.contains("decoder.conv_in.weight");
    boolean encoder = weights.contains("encoder.conv_in.weight");
    if (!decoder && !encoder) {
      throw new LazyDitException(
          "%s has neither a tensor %s nor %s, so it is no VAE checkpoint."
              .formatted(
                  weights.describe(),
                  weights.nameOf("decoder.conv_in.weight"),
                  weights.nameOf("encoder.conv_in.weight")));
    }
    List<Integer> down = encoder ? levels(weights, "encoder.down_blocks.") : List.of();
    List<Integer> up = decoder ? levels(weights, "decoder.up_blocks.").reversed() : List.of();
    if (decoder && encoder && !down.equals(up)) {
      throw new LazyDitException(
          "%s: its encoder has blocks of %s channels, but its decoder of %s."
              .formatted(weights.describe(), down, up));
    }
    // Without an encoder or a decoder the image has as many channels on both sides.
    int in = encoder ? size(weights, "encoder.conv_in.weight", 1) : 0;
    int out = decoder ? size(weights, "decoder.conv_out.weight", 0) : in;
    return new AutoencoderKlConfig(
        encoder ? in : out,
        out,
        decoder
            ? size(weights, "decoder.conv_in.weight", 1)
            : size(weights, "encoder.conv_out.weight", 0) / 2,
        decoder ? up : down,
        decoder
            ? resnets(weights, "decoder.up_blocks.0") - 1
            : resnets(weights, "encoder.down_blocks.0"),
        normGroups,
        weights.contains(decoder ? "post_quant_conv.weight" : "quant_conv.weight"),
        scalingFactor);
  }

  private static List<Integer> levels(WeightSource weights, String prefix) {
    List<Integer> channels = new ArrayList<>();
    String name = prefix + "0.resnets.0.conv1.weight";
    do {
      channels.add(size(weights, name, 0));
      name = prefix + channels.size() + ".resnets.0.conv1.weight";
    } while (channels.size() <= MAX_LEVELS && weights.contains(name));
    return channels;
  }

  private static int resnets(WeightSource weights, String block) {
    int count = 0;
    while (count <= MAX_LAYERS + 1
        && weights.contains(block + ".resnets." + count + ".conv1.weight")) {
      count++;
    }
    return count;
  }

  private static int size(WeightSource weights, String name, int dimension) {
    if (!weights.contains(name)) {
      throw new LazyDitException(
          "%s has no tensor %s, so it is no VAE checkpoint."
              .formatted(weights.describe(), weights.nameOf(name)));
    }
    long[] shape = weights.shape(name);
    if (shape.length != 4 || shape[dimension] < 1 || shape[dimension] > MAX_CHANNELS) {
      throw new LazyDitException(
          "%s: tensor %s has shape %s, expected the four dimensions of a convolution, channels from 1 to %d."
              .formatted(
                  weights.describe(), weights.nameOf(name), Arrays.toString(shape), MAX_CHANNELS));
    }
    return (int) shape[dimension];
  }

  /** {@return how many levels there are} */
  public int levels() {
    return blockOutChannels.size();
  }

  /** {@return pixels of an image along a side for one of its latent} */
  public int scale() {
    return 1 << levels() - 1;
  }

  /** {@return one line for people} */
  public String describe() {
    return "AutoencoderKL: %d latent channels, 1/%d of the image's size, blocks of %s channels"
        .formatted(latentChannels, scale(), blockOutChannels);
  }
}
