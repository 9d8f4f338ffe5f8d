package lazydit.sampler.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import lazydit.dit.TrainableDit;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.sampler.Guidance;
import lazydit.sampler.Pipeline;
import lazydit.sampler.data.DataSet;
import lazydit.sampler.data.DataSets;
import lazydit.sampler.data.FashionMnist;
import lazydit.sampler.data.Split;
import lazydit.sampler.learning.GateCheck;
import lazydit.sampler.learning.OfficialLearning;
import lazydit.sampler.learning.RolloutLearning;
import lazydit.sampler.learning.RolloutLearning.Target;
import lazydit.weights.AtomicFile;
import lazydit.weights.CheckpointException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/** {@code lazydit learn}: from a model to its lazy gates. */
@Command(
    name = "learn",
    description = {
      "Learns lazy gates for a model and a number of steps.",
      "",
      "The recipe rollout needs no data: it draws pictures with the model, finds out what each"
          + " reuse does to them, and chooses those that the wanted lazy ratio costs least. The"
          + " recipe official is that of LazyDiT's authors, from a data set; its penalty decides"
          + " the ratio, and every second step at most is reused."
    },
    footer = {
      "",
      "Examples:",
      "  lazydit learn --out gates.safetensors",
      "  lazydit learn --model dit.pt --steps 50 --target-ratio 0.5 --out gates-50.safetensors",
      "  lazydit learn --recipe official --penalty 1e-3 --out official.safetensors",
      "  lazydit sample --gates gates.safetensors --lazy-ratio 0.5 --compare"
    })
final class LearnCommand implements Callable<Integer> {
  private static final int FEWEST_STEPS = 2;
  private static final int MOST_STEPS = 1000;
  private static final int MOST_PICTURES = 100_000;
  private static final int MOST_ROUNDS = 1000;
  private static final int ROLLOUT_BATCH = 8;
  private static final int OFFICIAL_BATCH = 16;

  private static final List<String> ROLLOUTS_OWN =
      List.of(
          "--target-ratio", "--attn-ratio", "--mlp-ratio", "--pictures", "--probes", "--rounds");
  private static final List<String> OFFICIALS_OWN =
      List.of("--data", "--penalty", "--iterations", "--lr");

  /** How to learn. */
  enum Recipe {
    ROLLOUT,
    OFFICIAL
  }

  private final Session session;

  @Mixin private ModelOptions options;

  @Option(
      names = "--recipe",
      paramLabel = "rollout|official",
      defaultValue = "rollout",
      description = "How to learn. Default: ${DEFAULT-VALUE}.")
  private Recipe recipe;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "20",
      description = "Steps of sampling that the gates are for. Default: ${DEFAULT-VALUE}.")
  private int steps;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      defaultValue = "gates.safetensors",
      description =
          "The gate file to write. Until it is there, FILE.learning holds what --resume needs."
              + " Default: ${DEFAULT-VALUE}.")
  private Path out;

  @Option(
      names = "--target-ratio",
      paramLabel = "X",
      split = ",",
      description =
          "Rollout: lazy ratios, each an operating point of the file. Default: 0.3,0.5,0.7.")
  private List<Double> targets = List.of(0.3, 0.5, 0.7);

  @Option(
      names = "--attn-ratio",
      paramLabel = "X",
      split = ",",
      description = "Rollout: ratios for attention. Default: those of --target-ratio.")
  private List<Double> attnTargets = List.of();

  @Option(
      names = "--mlp-ratio",
      paramLabel = "X",
      split = ",",
      description = "Rollout: ratios for the MLP. Default: those of --target-ratio.")
  private List<Double> mlpTargets = List.of();

  @Option(
      names = "--cfg",
      paramLabel = "X",
      defaultValue = "1.5",
      description =
          "Scale of guidance that the gates are for, with official only checked with; 1 is none."
              + " Default: ${DEFAULT-VALUE}.")
  private double cfg;

  @Option(
      names = "--truth",
      paramLabel = "STEPS",
      defaultValue = "250",
      description =
          "Steps of DDIM whose pictures are the ones to come close to. Default: ${DEFAULT-VALUE}.")
  private int truth;

  @Option(
      names = "--pictures",
      paramLabel = "N",
      defaultValue = "48",
      description = "Rollout: pictures of a round. Default: ${DEFAULT-VALUE}.")
  private int pictures;

  @Option(
      names = "--probes",
      paramLabel = "N",
      defaultValue = "4",
      description =
          "Rollout: random directions in which each picture is looked at in a round. Default:"
              + " ${DEFAULT-VALUE}.")
  private int probes;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "4",
      description = "Rollout: rounds at each wanted ratio. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description =
          "Official: the data set, see lazydit data. Default: where Debian's package puts"
              + " Fashion-MNIST.")
  private Path data = FashionMnist.DEBIAN;

  @Option(
      names = "--penalty",
      paramLabel = "X",
      split = ",",
      description =
          "Official: the weight of the scores in the loss, one or two for attention and MLP; more"
              + " is lazier. Default: 1e-3.")
  private List<Double> penalties = List.of(1e-3);

  @Option(
      names = "--iterations",
      paramLabel = "N",
      defaultValue = "500",
      description = "Official: how often the gates step. Default: ${DEFAULT-VALUE}.")
  private int iterations;

  @Option(
      names = "--lr",
      paramLabel = "X",
      defaultValue = "1e-4",
      description = "Official: the learning rate. Default: ${DEFAULT-VALUE}.")
  private double rate;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      description =
          "Pictures of a pass. Default: rollout 8, of which --pictures is a multiple; official 16.")
  private Integer batch;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Start of the random numbers. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(names = "--resume", description = "Go on where an interrupted learning was, to the bit.")
  private boolean resume;

  @Option(
      names = "--force",
      description = "Replace FILE; begin anew where there is an interrupted learning.")
  private boolean force;

  @Option(
      names = "--json",
      description = "Print a line of JSON for each round, and for the result.")
  private boolean json;

  LearnCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    check();
    requireOut();
    Path state = out.resolveSibling(out.getFileName() + ".learning");
    AtomicFile.requireWritable(state);
    requireChoice(state);
    try (Pipeline pipeline = options.load();
        Workers workers = new Workers(pipeline.threads())) {
      String fingerprint = pipeline.fingerprint();
      boolean latent = pipeline.config().inChannels() == 4;
      Guidance guidance =
          new Guidance(cfg, latent ? Guidance.Channels.FIRST_3 : Guidance.Channels.ALL);
      int size = batchSize();
      if (resume) {
        requireSame(state, fingerprint, guidance, size);
      }
      TrainableDit model = pipeline.frozen();
      GateCheck check =
          new GateCheck(model, guidance, truth, size, seed, workers, session::cancelled);
      LearnRun run = new LearnRun(session, out, state, fingerprint, resume, json, check);
      if (recipe == Recipe.ROLLOUT) {
        RolloutLearning.Settings settings = rollout(guidance, size);
        session.say("drawing %d pictures of %d steps to learn from.".formatted(pictures, truth));
        return run.run(
            new LearnRun.Rollouts(
                new RolloutLearning(model, settings, workers, session::cancelled), settings));
      }
      OfficialLearning.Settings settings = official(size);
      try (DataSet set = DataSets.open(data, Split.TRAIN)) {
        return run.run(
            new LearnRun.Official(new OfficialLearning(model, settings, set, workers), settings));
      }
    }
  }

  private void requireSame(Path state, String fingerprint, Guidance guidance, int size) {
    if (recipe == Recipe.ROLLOUT) {
      RolloutLearning.requireSame(state, fingerprint, rollout(guidance, size));
    } else {
      OfficialLearning.requireSame(state, fingerprint, official(size));
    }
  }

  private int batchSize() {
    return batch != null ? batch : recipe == Recipe.ROLLOUT ? ROLLOUT_BATCH : OFFICIAL_BATCH;
  }

  private void check() {
    options.checkModel();
    options.require(
        !resume || !force, "--resume goes on and --force begins anew: give one of them.");
    options.requireRange("--steps", steps, FEWEST_STEPS, MOST_STEPS);
    options.requireRange("--truth", truth, FEWEST_STEPS, MOST_STEPS);
    options.requireRange("--batch-size", batch, MOST_PICTURES);
    options.require(Double.isFinite(cfg), "--cfg must be a finite number, but is " + cfg + ".");
    if (recipe == Recipe.ROLLOUT) {
      checkRollout();
    } else {
      checkOfficial();
    }
  }

  private void checkRollout() {
    requireNone(OFFICIALS_OWN, Recipe.OFFICIAL);
    options.requireRange("--pictures", pictures, MOST_PICTURES);
    options.requireRange("--probes", probes, MOST_ROUNDS);
    options.requireRange("--rounds", rounds, MOST_ROUNDS);
    options.require(
        pictures % batchSize() == 0,
        "--pictures must be a multiple of --batch-size, %d, but is %d."
            .formatted(batchSize(), pictures));
    checkRatios();
    options.usage(() -> rollout(new Guidance(cfg, Guidance.Channels.ALL), batchSize()));
  }

  private void checkOfficial() {
    requireNone(ROLLOUTS_OWN, Recipe.ROLLOUT);
    options.requireRange("--iterations", iterations, Integer.MAX_VALUE);
    options.require(rate > 0 && rate < 1, "--lr must be above 0 and below 1, but is " + rate + ".");
    checkPenalties();
    options.usage(() -> official(batchSize()));
  }

  private void checkPenalties() {
    options.require(
        penalties.size() <= 2, "--penalty takes one number, or two for attention and MLP.");
    for (double penalty : penalties) {
      options.require(
          penalty >= 0 && Double.isFinite(penalty),
          "--penalty must be a finite number of at least 0, but is " + penalty + ".");
    }
  }

  private void checkRatios() {
    if (attnTargets.isEmpty() || mlpTargets.isEmpty()) {
      requireRatios("--target-ratio", targets);
    }
    requireRatios("--attn-ratio", attnTargets);
    requireRatios("--mlp-ratio", mlpTargets);
  }

  /** The first step has nothing to reuse. */
  private void requireRatios(String option, List<Double> ratios) {
    double most = (steps - 1.0) / steps;
    for (double ratio : ratios) {
      options.require(
          ratio >= 0 && ratio <= most,
          String.format(
              Locale.ROOT,
              "%s must be 0 to %.3f with %d steps, but is %s.",
              option,
              most,
              steps,
              ratio));
    }
  }

  private void requireNone(List<String> names, Recipe owner) {
    ParseResult given = options.commandLine().getParseResult();
    for (String name : names) {
      options.require(
          !given.hasMatchedOption(name),
          "%s belongs to --recipe %s; leave it out here."
              .formatted(name, owner.name().toLowerCase(Locale.ROOT)));
    }
  }

  private void requireOut() {
    AtomicFile.requireWritable(out);
    if (Files.exists(out) && !Files.isRegularFile(out)) {
      throw new CheckpointException(
          out.toString(), "is no ordinary file: what --resume needs cannot be kept beside it");
    }
    // Whoever resumes had the choice when the learning began.
    FileWork.requireFree(out, force || resume);
  }

  private void requireChoice(Path state) {
    boolean there = Files.exists(state);
    if (there && !resume && !force) {
      throw new LazyDitException(
          "There is an interrupted learning, %s: --resume goes on with it, --force begins anew."
              .formatted(state));
    }
    if (!there && resume) {
      throw new LazyDitException("There is no learning %s to go on with.".formatted(state));
    }
  }

  private RolloutLearning.Settings rollout(Guidance guidance, int size) {
    return new RolloutLearning.Settings(
        steps, targets(), guidance, truth, pictures, probes, rounds, size, seed);
  }

  private List<Target> targets() {
    List<Double> attn = attnTargets.isEmpty() ? targets : attnTargets;
    List<Double> mlp = mlpTargets.isEmpty() ? targets : mlpTargets;
    if (attn.size() != mlp.size()) {
      throw new LazyDitException(
          "There are %d ratios for attention, but %d for the MLP; give as many of both."
              .formatted(attn.size(), mlp.size()));
    }
    List<Target> result = new ArrayList<>();
    for (int i = 0; i < attn.size(); i++) {
      result.add(new Target(attn.get(i), mlp.get(i)));
    }
    return result;
  }

  private OfficialLearning.Settings official(int size) {
    return new OfficialLearning.Settings(
        steps, iterations, size, rate, penalties.getFirst(), penalties.getLast(), seed);
  }
}
