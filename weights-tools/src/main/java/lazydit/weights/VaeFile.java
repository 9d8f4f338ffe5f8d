package lazydit.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lazydit.dit.AutoencoderKl;
import lazydit.dit.AutoencoderKlConfig;

/**
 * A VAE as it is published: a diffusers folder ({@code config.json} beside {@code
 * diffusion_pytorch_model.safetensors} or {@code .bin}), a pipeline's folder with such a one in
 * {@code vae}, or a file of weights alone, under any of the {@link VaeNames.Naming}s.
 *
 * <p>The architecture is read off the shapes. What leaves no trace there, the groups of the norms
 * and the scaling factor, comes from the config, or else is that of every published VAE: 32 groups
 * and 0.18215. A config that contradicts the shapes is refused.
 */
public final class VaeFile implements AutoCloseable {
  private static final String CONFIG = "config.json";

  private static final List<String> WEIGHTS =
      List.of(
          "diffusion_pytorch_model.safetensors",
          "diffusion_pytorch_model.bin",
          "diffusion_pytorch_model.safetensors.index.json");

  private final Checkpoint checkpoint;
  private final VaeNames names;
  private final AutoencoderKlConfig config;

  private VaeFile(Checkpoint checkpoint, VaeNames names, AutoencoderKlConfig config) {
    this.checkpoint = checkpoint;
    this.names = names;
    this.config = config;
  }

  /**
   * Opens a VAE.
   *
   * @param path a file of weights or a folder
   * @return the open file; to be closed by the caller
   * @throws lazydit.engine.LazyDitException when there is no VAE that can be read
   */
  public static VaeFile open(Path path) {
    Path file = Files.isDirectory(path) ? weights(path) : path;
    Checkpoint checkpoint = Checkpoint.open(file);
    try {
      VaeNames names = VaeNames.of(checkpoint);
      return new VaeFile(checkpoint, names, config(names, file.resolveSibling(CONFIG)));
    } catch (Throwable e) {
      checkpoint.close();
      throw e;
    }
  }

  private static Path weights(Path folder) {
    for (Path place : List.of(folder, folder.resolve("vae"))) {
      for (String name : WEIGHTS) {
        if (Files.isRegularFile(place.resolve(name))) {
          return place.resolve(name);
        }
      }
    }
    throw new CheckpointException(
        folder.toString(),
        "has no VAE: neither it nor a folder 'vae' in it has one of " + String.join(", ", WEIGHTS));
  }

  /** The architecture, with what the config says, if there is one. */
  static AutoencoderKlConfig config(VaeNames names, Path file) {
    if (Files.isRegularFile(file)) {
      Map<String, Object> stated = Json.read(file);
      // Beside a file of weights there may be a config of something else.
      if ("AutoencoderKL".equals(stated.get("_class_name"))) {
        return config(names, stated, file.toString());
      }
    }
    return AutoencoderKlConfig.derive(
        names, AutoencoderKlConfig.DEFAULT_NORM_GROUPS, AutoencoderKlConfig.DEFAULT_SCALING_FACTOR);
  }

  /**
   * Reads the architecture off the shapes, and the rest from a config as diffusers writes it.
   *
   * @param names the VAE's tensors
   * @param stated the config
   * @param source what to call the config in messages
   * @return the architecture
   * @throws lazydit.engine.LazyDitException when the two contradict each other or the config asks
   *     for what AutoencoderKL as in Stable Diffusion does not have
   */
  static AutoencoderKlConfig config(VaeNames names, Map<String, Object> stated, String source) {
    Object factor = stated.get("scaling_factor");
    AutoencoderKlConfig config =
        AutoencoderKlConfig.derive(
            names,
            integer(stated, "norm_num_groups", AutoencoderKlConfig.DEFAULT_NORM_GROUPS, source),
            factor instanceof Number number
                ? number.floatValue()
                : AutoencoderKlConfig.DEFAULT_SCALING_FACTOR);
    require(stated, "act_fn", "silu", source);
    require(stated, "shift_factor", 0.0, source);
    require(stated, "mid_block_add_attention", true, source);
    requireAll(stated, "down_block_types", "DownEncoderBlock2D", source);
    requireAll(stated, "up_block_types", "UpDecoderBlock2D", source);
    List<Long> channels = config.blockOutChannels().stream().map(Integer::longValue).toList();
    require(stated, "block_out_channels", channels, source);
    require(stated, "layers_per_block", (long) config.layersPerBlock(), source);
    require(stated, "latent_channels", (long) config.latentChannels(), source);
    boolean quantConv = !Boolean.FALSE.equals(stated.get("use_post_quant_conv"));
    if (quantConv != config.quantConv()) {
      throw new CheckpointException(
          source,
          "%s a convolution beside the latent, but the weights in %s have %s"
              .formatted(
                  quantConv ? "has" : "has not", names.describe(), quantConv ? "none" : "one"));
    }
    return config;
  }

  private static int integer(Map<String, Object> stated, String key, int otherwise, String source) {
    Object value = stated.get(key);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Long number && number == number.intValue()) {
      return number.intValue();
    }
    throw new CheckpointException(source, "its '%s' is %s, no number".formatted(key, value));
  }

  private static void require(
      Map<String, Object> stated, String key, Object expected, String source) {
    Object value = stated.get(key);
    Object found =
        expected instanceof Double && value instanceof Number n ? n.doubleValue() : value;
    if (found != null && !found.equals(expected)) {
      throw new CheckpointException(
          source, "its '%s' is %s; %s is expected".formatted(key, value, expected));
    }
  }

  private static void requireAll(
      Map<String, Object> stated, String key, String expected, String source) {
    if (stated.get(key) instanceof List<?> types && !types.stream().allMatch(expected::equals)) {
      throw new CheckpointException(
          source, "its '%s' is %s; nothing but %s is expected".formatted(key, types, expected));
    }
  }

  /** {@return which naming the file uses} */
  public VaeNames.Naming naming() {
    return names.naming();
  }

  /** {@return the architecture} */
  public AutoencoderKlConfig config() {
    return config;
  }

  /** {@return the checkpoint itself, open as long as this is} */
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  /**
   * Reads and packs the weights.
   *
   * @param parts which halves to load
   * @return the network, which no longer needs the file
   * @throws lazydit.engine.LazyDitException when a half is not there, or a tensor is missing or has
   *     another shape
   */
  public AutoencoderKl load(AutoencoderKl.Parts parts) {
    if (parts != AutoencoderKl.Parts.ENCODER) {
      requireHalf("decoder", "encoder");
    }
    if (parts != AutoencoderKl.Parts.DECODER) {
      requireHalf("encoder", "decoder");
    }
    return new AutoencoderKl(config, names, parts);
  }

  private void requireHalf(String half, String other) {
    if (!names.contains(half + ".conv_in.weight")) {
      throw new CheckpointException(
          names.describe(), "has no %s, only the %s of a VAE".formatted(half, other));
    }
  }

  /** {@return the file's tensors that no {@link #load} has read, in the file's order} */
  public List<String> ignored() {
    return names.unread();
  }

  /** Unmaps the file. */
  @Override
  public void close() {
    checkpoint.close();
  }
}
