package lazydit.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.DitConfig;

/**
 * A model as Hugging Face diffusers keeps it: the folder of a {@code DiTPipeline} or of an {@code
 * AutoencoderKL}, with the configs from which diffusers, and this project, build it again.
 */
final class DiffusersFolder {
  private static final String WEIGHTS = "diffusion_pytorch_model.safetensors";
  private static final String VERSION = "0.29.2";

  private DiffusersFolder() {}

  /**
   * A VAE to be written.
   *
   * @param tensors under diffusers' names
   */
  record Vae(AutoencoderKlConfig config, Map<String, TensorData> tensors) {}

  /**
   * A transformer to be written, and what belongs into its pipeline.
   *
   * @param tensors under diffusers' names
   * @param classNames by label; empty when not known
   * @param scheduler a scheduler's config to copy; empty for that of the published models
   */
  record Pipeline(
      DitConfig config,
      Map<String, TensorData> tensors,
      List<String> classNames,
      Optional<Vae> vae,
      Optional<Path> scheduler) {}

  static void write(Path target, Pipeline pipeline, Progress progress) {
    requireUsualMlp(pipeline.config);
    AtomicFolder.write(
        target,
        folder -> {
          long transformer = bytes(pipeline.tensors);
          long total = transformer + pipeline.vae.map(vae -> bytes(vae.tensors)).orElse(0L);
          write(folder.resolve("model_index.json"), index(pipeline));
          scheduler(pipeline, folder.resolve("scheduler"));
          part(
              folder.resolve("transformer"),
              config(pipeline.config),
              pipeline.tensors,
              (done, all) -> progress.onProgress(done, total));
          pipeline.vae.ifPresent(
              vae ->
                  part(
                      folder.resolve("vae"),
                      config(vae.config),
                      vae.tensors,
                      (done, all) -> progress.onProgress(transformer + done, total)));
        });
  }

  static void write(Path target, Vae vae, Progress progress) {
    AtomicFolder.write(target, folder -> fill(folder, config(vae.config), vae.tensors, progress));
  }

  private static void requireUsualMlp(DitConfig config) {
    if (config.mlpHidden() != 4 * config.hiddenSize()) {
      throw new CheckpointException(
          "a diffusers folder",
          "cannot hold a feed-forward network of %d features: diffusers makes it 4 times the hidden size %d"
              .formatted(config.mlpHidden(), config.hiddenSize()));
    }
  }

  private static long bytes(Map<String, TensorData> tensors) {
    return tensors.values().stream().mapToLong(TensorData::byteSize).sum();
  }

  private static void part(
      Path folder, Map<String, Object> config, Map<String, TensorData> tensors, Progress progress) {
    create(folder);
    fill(folder, config, tensors, progress);
  }

  private static void fill(
      Path folder, Map<String, Object> config, Map<String, TensorData> tensors, Progress progress) {
    write(folder.resolve("config.json"), config);
    SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
    tensors.forEach(writer::add);
    writer.writeTo(folder.resolve(WEIGHTS), progress);
  }

  private static void scheduler(Pipeline pipeline, Path folder) {
    create(folder);
    Map<String, Object> config = pipeline.scheduler.map(Json::read).orElseGet(() -> scheduler());
    write(folder.resolve("scheduler_config.json"), config);
  }

  private static void create(Path folder) {
    try {
      Files.createDirectory(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path file, Map<String, Object> json) {
    byte[] text = (Json.writeIndented(json) + "\n").getBytes(StandardCharsets.UTF_8);
    try {
      Files.write(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- configs

  private static Map<String, Object> begin(String className) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("_class_name", className);
    config.put("_diffusers_version", VERSION);
    return config;
  }

  private static Map<String, Object> index(Pipeline pipeline) {
    Map<String, Object> index = begin("DiTPipeline");
    if (!pipeline.classNames.isEmpty()) {
      Map<String, Object> labels = new LinkedHashMap<>();
      for (int i = 0; i < pipeline.classNames.size(); i++) {
        labels.put(Integer.toString(i), pipeline.classNames.get(i));
      }
      index.put("id2label", labels);
    }
    String scheduler =
        pipeline.scheduler.map(Json::read).orElseGet(() -> scheduler()).get("_class_name")
                instanceof String name
            ? name
            : "DDIMScheduler";
    index.put("scheduler", List.of("diffusers", scheduler));
    index.put("transformer", List.of("diffusers", "DiTTransformer2DModel"));
    // Two nulls are diffusers' way to say that a part is not there.
    index.put(
        "vae",
        pipeline.vae.isPresent()
            ? List.of("diffusers", "AutoencoderKL")
            : Collections.nCopies(2, null));
    return index;
  }

  private static Map<String, Object> scheduler() {
    Map<String, Object> config = begin("DDIMScheduler");
    config.put("beta_end", 0.02);
    config.put("beta_schedule", "linear");
    config.put("beta_start", 0.0001);
    config.put("clip_sample", false);
    config.put("num_train_timesteps", 1000);
    config.put("prediction_type", "epsilon");
    config.put("set_alpha_to_one", true);
    config.put("steps_offset", 0);
    config.put("trained_betas", null);
    return config;
  }

  private static Map<String, Object> config(DitConfig dit) {
    Map<String, Object> config = begin("DiTTransformer2DModel");
    config.put("activation_fn", "gelu-approximate");
    config.put("attention_bias", true);
    config.put("attention_head_dim", dit.headDim());
    config.put("dropout", 0.0);
    config.put("in_channels", dit.inChannels());
    config.put("norm_elementwise_affine", false);
    config.put("norm_eps", 1e-5);
    config.put("norm_num_groups", 32);
    config.put("norm_type", "ada_norm_zero");
    config.put("num_attention_heads", dit.numHeads());
    config.put("num_embeds_ada_norm", dit.numClasses());
    config.put("num_layers", dit.depth());
    config.put("out_channels", dit.outChannels());
    config.put("patch_size", dit.patchSize());
    config.put("sample_size", dit.inputSize());
    config.put("upcast_attention", false);
    return config;
  }

  private static Map<String, Object> config(AutoencoderKlConfig vae) {
    Map<String, Object> config = begin("AutoencoderKL");
    config.put("act_fn", "silu");
    config.put("block_out_channels", vae.blockOutChannels());
    config.put("down_block_types", Collections.nCopies(vae.levels(), "DownEncoderBlock2D"));
    config.put("force_upcast", true);
    config.put("in_channels", vae.inChannels());
    config.put("latent_channels", vae.latentChannels());
    config.put("layers_per_block", vae.layersPerBlock());
    config.put("norm_num_groups", vae.normGroups());
    config.put("out_channels", vae.outChannels());
    config.put("sample_size", 256);
    config.put("scaling_factor", vae.scalingFactor());
    config.put("up_block_types", Collections.nCopies(vae.levels(), "UpDecoderBlock2D"));
    config.put("use_post_quant_conv", vae.quantConv());
    config.put("use_quant_conv", vae.quantConv());
    return config;
  }
}
