package lazydit.sampler.cli;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.sampler.LoadOptions;
import lazydit.sampler.Pipeline;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The options that say which model to load, and what beside it. */
class ModelOptions {
  private static final int MOST_THREADS = 1024;

  @Spec(Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--model",
      paramLabel = "FILE",
      description =
          "Weights of a DiT or Large-DiT: safetensors, torch.save, or the folder of a diffusers"
              + " pipeline or Large-DiT. Default: the built-in model.")
  private Path model;

  @Option(
      names = "--vae",
      paramLabel = "FILE",
      description =
          "VAE that decodes the model's latents: a file or a diffusers folder. Default: the folder"
              + " vae of a pipeline given as --model.")
  private Path vae;

  @Option(
      names = "--heads",
      paramLabel = "N",
      description =
          "Attention heads of the model. Default: what the file says, or the published model of"
              + " that size.")
  private Integer heads;

  @Option(
      names = "--semantics",
      paramLabel = "NAME",
      defaultValue = "facebook",
      description =
          "facebook, as DiT was trained, or diffusers, which differs in the timestep's frequencies,"
              + " a norm's epsilon, guided channels and spacing; whatever the names of the weights,"
              + " which are detected. Default: ${DEFAULT-VALUE}.")
  private Semantics semantics;

  @Option(
      names = "--labels",
      paramLabel = "FILE",
      description =
          "Names of the model's classes: one a line, or JSON from number to name. Default: what the"
              + " model brings, or ImageNet's for 1000 classes.")
  private Path labelFile;

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      description =
          "How to keep the network's weights in memory: f32, bf16 for half of it, or int8 for a"
              + " quarter, an integer for each weight of a block and a scale for each output"
              + " channel. Default: what the file has, int8 or bf16, else f32.")
  private WeightForm weights;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that compute. Default: one for each processor.")
  private Integer threads;

  /** Finds what is wrong with these options as far as can be known without the model. */
  final void checkModel() {
    requireRange("--heads", heads, MOST_THREADS);
    requireRange("--threads", threads, MOST_THREADS);
  }

  final CommandLine commandLine() {
    return command.commandLine();
  }

  final void requireRange(String option, Integer value, int most) {
    requireRange(option, value, 1, most);
  }

  final void requireRange(String option, Integer value, int least, int most) {
    require(
        value == null || value >= least && value <= most,
        "%s must be %d to %d, but is %d.".formatted(option, least, most, value));
  }

  final void require(boolean condition, String message) {
    if (!condition) {
      throw new ParameterException(command.commandLine(), message);
    }
  }

  /** What the user asked for is impossible: a matter of usage. */
  final <T> T usage(Supplier<T> action) {
    try {
      return action.get();
    } catch (LazyDitException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
  }

  final Pipeline load() {
    int workers = threads == null ? Workers.defaultThreads() : threads;
    OptionalInt stated = heads == null ? OptionalInt.empty() : OptionalInt.of(heads);
    require(
        model != null || semantics == Semantics.FACEBOOK,
        "--semantics belongs to --model; leave it out here.");
    require(model != null || heads == null, "--heads belongs to --model; leave it out here.");
    require(model != null || vae == null, "--vae belongs to --model; leave it out here.");
    require(model != null || weights == null, "--weights belongs to --model; leave it out here.");
    require(model != null || labelFile == null, "--labels belongs to --model; leave it out here.");
    return model == null
        ? Pipeline.builtin(workers)
        : Pipeline.load(
            model,
            new LoadOptions(
                workers,
                stated,
                semantics.value(),
                Optional.ofNullable(vae),
                Optional.ofNullable(labelFile),
                Optional.ofNullable(weights).map(WeightForm::type)));
  }

  /** Adds the same choices to a line to type; files without their folders. */
  final void modelOptions(StringBuilder line) {
    option(line, "--model", model == null ? null : model.getFileName());
    option(line, "--vae", vae == null ? null : vae.getFileName());
    option(line, "--heads", heads);
    option(line, "--weights", weights);
    boolean usual = semantics == Semantics.FACEBOOK;
    option(line, "--labels", labelFile == null ? null : labelFile.getFileName());
    option(line, "--semantics", usual ? null : semantics.option());
  }

  static void option(StringBuilder line, String name, Object value) {
    if (value != null) {
      String text = value.toString();
      line.append(' ').append(name).append(' ');
      line.append(text.contains(" ") ? "'" + text + "'" : text);
    }
  }
}
