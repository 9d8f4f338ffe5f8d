package lazydit.weights;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.DitConfig;
import lazydit.dit.LargeDitConfig;
import lazydit.engine.LazyDitException;

/**
 * Makes files of exactly the layout that models are published in, filled with {@link
 * RandomWeights}. The same seed gives the same weights in every layout.
 */
public final class Init {
  /** Layouts of published models. */
  public enum Layout {
    /** A flat torch.save file such as DiT-XL-2-256x256.pt. */
    FACEBOOK_PT,
    /** The same tensors as safetensors. */
    FACEBOOK_SAFETENSORS,
    /** The folder of a diffusers pipeline, such as facebook/DiT-XL-2-256, with a VAE. */
    DIFFUSERS,
    /** A folder of consolidated_ema.00-of-01.pth and model_args.pth. */
    LARGEDIT,
    /** The folder of an AutoencoderKL, such as stabilityai/sd-vae-ft-ema. */
    VAE_DIFFUSERS,
    /** A torch.save file of CompVis' names under state_dict. */
    VAE_COMPVIS;

    /** {@return its name on the command line} */
    public String option() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * What to make.
   *
   * @param preset a published architecture: DiT-S/2 to DiT-XL/8, Large-DiT-600M, -3B or -7B, or vae
   * @param layout how to write it; empty for the usual one of the preset
   * @param imageSize height and width of its images, 256 or 512, or another multiple of 16
   * @param classes classes without the null class
   * @param dtype the type of the weights
   * @param seed any number
   * @param vae whether a diffusers pipeline gets a VAE, made of the same seed
   */
  public record Options(
      String preset,
      Optional<Layout> layout,
      int imageSize,
      int classes,
      DType dtype,
      long seed,
      boolean vae) {}

  /** Pixels for a value of a latent, along a side. */
  private static final int LATENT_SCALE = 8;

  private static final int LATENT_CHANNELS = 4;
  private static final String VAE = "vae";

  private final Options options;
  private final Path target;
  private final Progress progress;

  private Init(Options options, Path target, Progress progress) {
    this.options = options;
    this.target = target;
    this.progress = progress;
  }

  /**
   * Makes a model.
   *
   * @param options what to make
   * @param target the file or folder, replaced when there is one
   * @param progress told how many bytes have been written
   * @return one line about what was made
   * @throws LazyDitException when there is no such preset, it has no such layout, or the target
   *     cannot be written; then nothing is left behind under its name
   */
  public static String run(Options options, Path target, Progress progress) {
    return new Init(options, target, progress).run();
  }

  private String run() {
    if (options.imageSize % (2 * LATENT_SCALE) != 0) {
      throw new LazyDitException(
          "The image size must be a multiple of %d, not %d."
              .formatted(2 * LATENT_SCALE, options.imageSize));
    }
    String name = options.preset.toLowerCase(Locale.ROOT);
    if (name.equals(VAE)) {
      return vae(AutoencoderKlConfig.STABLE_DIFFUSION);
    }
    int inputSize = options.imageSize / LATENT_SCALE;
    return name.startsWith("large")
        ? largeDit(LargeDitConfig.preset(options.preset, inputSize, options.classes))
        : dit(DitConfig.preset(options.preset, inputSize, LATENT_CHANNELS, options.classes, true));
  }

  private Layout layout(List<Layout> possible) {
    Layout layout = options.layout.orElse(possible.getFirst());
    if (!possible.contains(layout)) {
      throw new LazyDitException(
          "%s has no layout %s: expected %s."
              .formatted(
                  options.preset,
                  layout.option(),
                  String.join(" or ", possible.stream().map(Layout::option).toList())));
    }
    return layout;
  }

  private String dit(DitConfig config) {
    Map<String, TensorData> tensors = RandomWeights.of(config, options.seed);
    switch (layout(List.of(Layout.FACEBOOK_PT, Layout.FACEBOOK_SAFETENSORS, Layout.DIFFUSERS))) {
      case FACEBOOK_PT -> torch(cast(tensors), "", target, progress);
      case FACEBOOK_SAFETENSORS -> {
        SafetensorsWriter writer =
            new SafetensorsWriter().metadata("num_heads", Integer.toString(config.numHeads()));
        cast(tensors).forEach(writer::add);
        writer.writeTo(target, progress);
      }
      default ->
          DiffusersFolder.write(
              target,
              new DiffusersFolder.Pipeline(
                  config,
                  cast(Renaming.toDiffusers(tensors, config, options.preset).tensors()),
                  List.of(),
                  options.vae
                      ? Optional.of(randomVae(AutoencoderKlConfig.STABLE_DIFFUSION))
                      : Optional.empty(),
                  Optional.empty()),
              progress);
    }
    return config.describe();
  }

  private String largeDit(LargeDitConfig config) {
    layout(List.of(Layout.LARGEDIT));
    Map<String, TensorData> tensors = cast(RandomWeights.of(config, options.seed));
    AtomicFolder.write(
        target,
        folder -> {
          torch(tensors, "", folder.resolve("consolidated_ema.00-of-01.pth"), progress);
          TorchWriter.writeNamespace(arguments(config), folder.resolve("model_args.pth"));
        });
    return config.describe();
  }

  /** As the authors' training script is called. */
  private Map<String, Object> arguments(LargeDitConfig config) {
    String size = options.preset.replaceFirst("^(?i)large-?dit-", "").toUpperCase(Locale.ROOT);
    Map<String, Object> arguments = new LinkedHashMap<>();
    arguments.put("model", "DiT_Llama_" + size + "_patch" + config.patchSize());
    arguments.put("image_size", options.imageSize);
    arguments.put("num_classes", config.numClasses());
    arguments.put("qk_norm", config.qkNorm());
    arguments.put("vae", "ema");
    return arguments;
  }

  private String vae(AutoencoderKlConfig config) {
    DiffusersFolder.Vae vae = randomVae(config);
    switch (layout(List.of(Layout.VAE_DIFFUSERS, Layout.VAE_COMPVIS))) {
      case VAE_DIFFUSERS -> DiffusersFolder.write(target, vae, progress);
      default ->
          torch(Renaming.toCompVis(vae.tensors(), config.levels()), "state_dict", target, progress);
    }
    return config.describe();
  }

  private DiffusersFolder.Vae randomVae(AutoencoderKlConfig config) {
    return new DiffusersFolder.Vae(config, cast(RandomWeights.of(config, options.seed)));
  }

  private static void torch(
      Map<String, TensorData> tensors, String section, Path file, Progress progress) {
    TorchWriter writer = new TorchWriter(section);
    tensors.forEach(writer::add);
    writer.writeTo(file, progress);
  }

  private Map<String, TensorData> cast(Map<String, TensorData> tensors) {
    return CastTensor.all(tensors, options.dtype);
  }
}
