package lazydit.sampler.cli;

import java.nio.file.Path;
import lazydit.dit.DitConfig;
import lazydit.engine.LearningRate;
import lazydit.sampler.data.DataSet;
import lazydit.sampler.training.DitPlan;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The options that make the plan of a training. What is not given is null. */
final class PlanOptions {
  private static final int HIDDEN = 128;
  private static final int DEPTH = 6;
  private static final int HEADS = 4;
  private static final int PATCH = 4;
  private static final int MLP = 4;
  private static final int BATCH = 64;
  private static final double EPOCHS = 40;
  private static final double MOST_EPOCHS = 1e9;
  private static final double RATE = 1e-3;
  private static final double LAST_RATE = 1e-5;
  private static final long WARM_UP = 500;
  private static final double CLIP = 1;
  private static final double AVERAGE = 0.9995;
  private static final double DROPOUT = 0.1;

  @Spec(Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--preset",
      paramLabel = "NAME",
      description = "A published architecture: DiT-S, -B, -L or -XL with /2, /4 or /8.")
  private String preset;

  @Option(
      names = "--hidden",
      paramLabel = "N",
      description = "Features of a token. Default: " + HIDDEN + ".")
  private Integer hidden;

  @Option(names = "--depth", paramLabel = "N", description = "Blocks. Default: " + DEPTH + ".")
  private Integer depth;

  @Option(
      names = "--heads",
      paramLabel = "N",
      description = "Attention heads. Default: " + HEADS + ".")
  private Integer heads;

  @Option(
      names = "--patch",
      paramLabel = "N",
      description = "Side of a patch. Default: " + PATCH + ".")
  private Integer patch;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      description = "Pictures of a step. Default: " + BATCH + ".")
  private Integer batch;

  @Option(
      names = "--micro-batch",
      paramLabel = "N",
      description =
          "Pictures computed together, which bounds the memory; divides the batch. Default: the"
              + " whole batch.")
  private Integer microBatch;

  @Option(names = "--steps", paramLabel = "N", description = "Steps in all.")
  private Long steps;

  @Option(
      names = "--epochs",
      paramLabel = "X",
      description = "The same as times to see each picture. Default: 40.")
  private Double epochs;

  @Option(
      names = "--lr",
      paramLabel = "X",
      description = "Learning rate at its peak. Default: " + RATE + ".")
  private Double rate;

  @Option(
      names = "--last-lr",
      paramLabel = "X",
      description = "Learning rate at the end of its fall along a cosine. Default: 1e-5.")
  private Double lastRate;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      description = "Steps in which the learning rate rises. Default: " + WARM_UP + ".")
  private Long warmUp;

  @Option(
      names = "--weight-decay",
      paramLabel = "X",
      description = "Weight decay of AdamW. Default: 0.")
  private Double weightDecay;

  @Option(
      names = "--clip",
      paramLabel = "X",
      description = "Length to which longer gradients are shortened. Default: 1.")
  private Double clip;

  @Option(
      names = "--ema",
      paramLabel = "X",
      description =
          "Share of the moving average of the weights that stays in a step. Default: "
              + AVERAGE
              + ".")
  private Double average;

  @Option(
      names = "--label-dropout",
      paramLabel = "X",
      description = "Share of the pictures that are shown without label. Default: " + DROPOUT + ".")
  private Double dropout;

  @Option(
      names = "--flip",
      negatable = true,
      description = "Show half of the pictures mirrored. Default: do not.")
  private Boolean flip;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Decides all that is random. Default: 0.")
  private Long seed;

  private static <T> T or(T given, T otherwise) {
    return given == null ? otherwise : given;
  }

  private ParameterException misunderstood(String message) {
    return new ParameterException(command.commandLine(), message);
  }

  void check() {
    if (steps != null && epochs != null) {
      throw misunderstood("--steps and --epochs say the same: give one of them.");
    }
    if (preset != null && (hidden != null || depth != null || heads != null || patch != null)) {
      throw misunderstood("--preset says what --hidden, --depth, --heads and --patch say.");
    }
    require(steps == null || steps >= 1, "--steps must be at least 1, but is " + steps + ".");
    require(
        epochs == null || epochs > 0 && epochs <= MOST_EPOCHS,
        "--epochs must be above 0 and at most 1e9, but is " + epochs + ".");
    require(
        batch == null || batch >= 1 && batch <= DitPlan.MOST_PICTURES,
        "--batch-size must be 1 to %d, but is %d.".formatted(DitPlan.MOST_PICTURES, batch));
    require(
        microBatch == null || microBatch >= 1,
        "--micro-batch must be at least 1, but is " + microBatch + ".");
    requireAmount("--lr", rate);
    requireAmount("--last-lr", lastRate);
    require(warmUp == null || warmUp >= 0, "--warm-up must be at least 0, but is " + warmUp + ".");
    requireAmount("--weight-decay", weightDecay);
    require(
        clip == null || clip > 0 && Double.isFinite(clip),
        "--clip must be a finite number above 0, but is " + clip + ".");
    requireShare("--ema", average);
    requireShare("--label-dropout", dropout);
  }

  private void require(boolean condition, String message) {
    if (!condition) {
      throw misunderstood(message);
    }
  }

  private void requireAmount(String option, Double value) {
    require(
        value == null || value >= 0 && Double.isFinite(value),
        "%s must be a finite number of at least 0, but is %s.".formatted(option, value));
  }

  private void requireShare(String option, Double value) {
    require(
        value == null || value >= 0 && value <= 1,
        "%s must be 0 to 1, but is %s.".formatted(option, value));
  }

  /** The plan of a new training. */
  DitPlan plan(DataSet data) {
    int pictures = or(batch, BATCH);
    long all = Math.round(EPOCHS * perEpoch(data, pictures));
    DitPlan usual =
        new DitPlan(
            network(data),
            0,
            pictures,
            pictures,
            new LearningRate(RATE, LAST_RATE, Math.min(WARM_UP, all), all),
            0,
            CLIP,
            AVERAGE,
            DROPOUT,
            false);
    return change(usual, data);
  }

  private static double perEpoch(DataSet data, int batch) {
    return Math.max(1, data.count() / Math.max(1, batch));
  }

  private long steps(int pictures, DataSet data, long otherwise) {
    if (epochs != null) {
      return Math.max(1, Math.round(epochs * perEpoch(data, pictures)));
    }
    return or(steps, otherwise);
  }

  private DitConfig network(DataSet data) {
    int channels = data.channels();
    int classes = data.classes().count();
    if (preset != null) {
      return DitConfig.preset(preset, data.height(), channels, classes, true);
    }
    int width = or(hidden, HIDDEN);
    return new DitConfig(
        data.height(),
        or(patch, PATCH),
        channels,
        width,
        or(depth, DEPTH),
        or(heads, HEADS),
        (int) Math.min((long) MLP * width, Integer.MAX_VALUE),
        classes,
        true);
  }

  /** A plan in which everything that is given replaces what was. */
  DitPlan change(DitPlan plan, DataSet data) {
    int pictures = or(batch, plan.batch());
    LearningRate was = plan.rate();
    double peak = or(rate, was.peak());
    long all = steps(pictures, data, was.steps());
    requireFits(pictures, data);
    require(
        lastRate == null || lastRate <= peak,
        "--last-lr must be 0 to %s, the peak of the learning rate, but is %s."
            .formatted(peak, lastRate));
    require(
        warmUp == null || warmUp <= all,
        "--warm-up must be 0 to %d, the steps in all, but is %d.".formatted(all, warmUp));
    return new DitPlan(
        plan.network(),
        or(seed, plan.seed()),
        pictures,
        or(microBatch, plan.microBatch()),
        new LearningRate(
            peak,
            or(lastRate, Math.min(was.floor(), peak)),
            or(warmUp, Math.min(was.warmUp(), all)),
            all),
        or(weightDecay, plan.weightDecay()),
        or(clip, plan.clip()),
        or(average, plan.averageDecay()),
        or(dropout, plan.labelDropout()),
        or(flip, plan.flip()));
  }

  private void requireFits(int pictures, DataSet data) {
    require(
        pictures <= data.count(),
        "--batch-size must be 1 to %d, the pictures of %s, but is %d."
            .formatted(data.count(), data.name(), pictures));
    require(
        microBatch == null || pictures % microBatch == 0,
        "--micro-batch must divide the batch of %d pictures, but is %d."
            .formatted(pictures, microBatch));
  }

  /** Refuses an end that a training is past already. */
  void checkEnd(Path training, long done, long end) {
    if (done > end && (steps != null || epochs != null)) {
      String given =
          steps != null ? "--steps is " + end : "--epochs %s is %d".formatted(epochs, end);
      throw misunderstood("%s has %d steps already, but %s.".formatted(training, done, given));
    }
  }

  /** Refuses what cannot change on the way. */
  void checkResumed() {
    if (preset != null || hidden != null || depth != null || heads != null || patch != null) {
      throw misunderstood("A network keeps its architecture: leave that out with --resume.");
    }
    if (seed != null || batch != null) {
      throw misunderstood("A training keeps its seed and batch: leave them out with --resume.");
    }
  }
}
