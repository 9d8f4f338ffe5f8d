package lazydit.sampler.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.sampler.LoadOptions;
import lazydit.sampler.Pipeline;
import lazydit.sampler.data.DataSet;
import lazydit.sampler.data.Split;
import lazydit.sampler.training.DitCourse;
import lazydit.sampler.training.DitPlan;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** {@code lazydit train}: from a data set to a model. */
@Command(
    name = "train",
    description = {
      "Trains a DiT on a data set, from nothing, as its authors do.",
      "",
      "The folder gets training.safetensors, with which --resume goes on where it was, to the bit,"
          + " after Ctrl-C or anything else; model.safetensors, for lazydit sample --model;"
          + " pictures that the model draws, samples-STEP.png; and the course of the loss,"
          + " loss.svg."
    },
    footer = {
      "",
      "Examples:",
      "  lazydit train --out clothes",
      "  lazydit train --out clothes --resume",
      "  lazydit train --data latents --preset DiT-B/2 --batch-size 256 --micro-batch 32"
          + " --steps 400000 --lr 1e-4 --ema 0.9999 --vae sd-vae-ft-ema --out dit"
    })
final class TrainCommand implements Callable<Integer> {
  private static final int MOST_THREADS = 1024;

  /** What the plan in the folder does not hold, beside the data and the VAE. */
  private static final List<String> KEPT =
      List.of("--save-every", "--samples-every", "--log-every", "--threads");

  private final Session session;

  @Spec private CommandSpec command;

  @Mixin private PlanOptions plan;

  @Mixin private DataOption data;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      required = true,
      description = "The folder of the training.")
  private Path out;

  @Option(
      names = "--resume",
      description =
          "Go on with the training in the folder. Options that are given again change it from then"
              + " on, such as --epochs.")
  private boolean resume;

  @Option(names = "--force", description = "Begin anew where there is a training in the folder.")
  private boolean force;

  @Option(
      names = "--save-every",
      paramLabel = "N",
      defaultValue = "500",
      description = "Steps from one saving to the next. Default: ${DEFAULT-VALUE}.")
  private int saveEvery;

  @Option(
      names = "--samples-every",
      paramLabel = "N",
      defaultValue = "2500",
      description = "Steps from one sheet of pictures to the next. Default: ${DEFAULT-VALUE}.")
  private int samplesEvery;

  @Option(
      names = "--log-every",
      paramLabel = "N",
      defaultValue = "100",
      description = "Steps whose mean loss is logged. Default: ${DEFAULT-VALUE}.")
  private int logEvery;

  @Option(
      names = "--vae",
      paramLabel = "FILE",
      description = "VAE that decodes the latents of the sheets. Default: for latents no sheets.")
  private Path vae;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that compute. Default: one for each processor.")
  private Integer threads;

  @Option(names = "--json", description = "Print a line of JSON for each mean that is logged.")
  private boolean json;

  TrainCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    check();
    int workers = threads == null ? Workers.defaultThreads() : threads;
    TrainingFolder folder = new TrainingFolder(out);
    requireChoice(folder);
    try (DataSet set = data.open(Split.TRAIN);
        Workers pool = new Workers(workers)) {
      if (vae != null) {
        Pipeline.requireVae(vae, set.channels());
      }
      if (resume) {
        return run(folder, pool, () -> resumed(folder, set, pool));
      }
      DitCourse begun = begun(set, pool);
      return run(folder, pool, () -> begun);
    }
  }

  /** What can be refused without the folder was, so that none is left behind. */
  private int run(TrainingFolder folder, Workers pool, Supplier<DitCourse> begin) {
    folder.create();
    try (TrainingFolder.Lock lock = folder.lock()) {
      // Again: another training may have begun meanwhile.
      requireChoice(folder);
      DitCourse course = begin.get();
      lock.sweep();
      LoadOptions load = LoadOptions.defaults().withThreads(pool.threads());
      TrainRun.Every every = new TrainRun.Every(saveEvery, samplesEvery, logEvery, json);
      return new TrainRun(
              session,
              course,
              folder,
              every,
              Optional.ofNullable(vae).map(load::withVae).orElse(load),
              toGoOn())
          .run();
    }
  }

  private void check() {
    plan.check();
    require(!resume || !force, "--resume goes on and --force begins anew: give one of them.");
    if (resume) {
      plan.checkResumed();
    }
    requireInterval("--save-every", saveEvery);
    requireInterval("--samples-every", samplesEvery);
    requireInterval("--log-every", logEvery);
    require(
        threads == null || threads >= 1 && threads <= MOST_THREADS,
        "--threads must be 1 to %d, but is %d.".formatted(MOST_THREADS, threads));
  }

  private void requireInterval(String option, int steps) {
    require(steps >= 1, "%s must be at least 1, but is %d.".formatted(option, steps));
  }

  private void require(boolean condition, String message) {
    if (!condition) {
      throw new ParameterException(command.commandLine(), message);
    }
  }

  private void requireChoice(TrainingFolder folder) {
    boolean there = Files.exists(folder.training());
    if (there && !resume && !force) {
      throw new LazyDitException(
          "There is a training in %s: --resume goes on with it, --force begins anew."
              .formatted(out));
    }
    if (!there && resume) {
      throw new LazyDitException("There is no training in %s to go on with.".formatted(out));
    }
  }

  /** {@return the line to type in order to go on in the same way} */
  private String toGoOn() {
    StringBuilder line = new StringBuilder("lazydit train");
    ModelOptions.option(line, "--out", out);
    data.option(line);
    ModelOptions.option(line, "--vae", vae);
    ParseResult given = command.commandLine().getParseResult();
    KEPT.forEach(name -> ModelOptions.option(line, name, given.matchedOptionValue(name, null)));
    return line.append(json ? " --json" : "").append(" --resume").toString();
  }

  private DitCourse resumed(TrainingFolder folder, DataSet set, Workers pool) {
    DitCourse course = DitCourse.resume(folder.training(), was -> plan.change(was, set), set, pool);
    plan.checkEnd(out, course.steps(), course.plan().steps());
    return course;
  }

  private DitCourse begun(DataSet set, Workers pool) {
    DitPlan made;
    try {
      made = plan.plan(set);
    } catch (LazyDitException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
    return new DitCourse(made, set, pool);
  }
}
