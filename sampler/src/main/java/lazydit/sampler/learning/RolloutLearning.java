package lazydit.sampler.learning;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import lazydit.dit.Branch;
import lazydit.dit.CachePolicy;
import lazydit.dit.TrainableDit;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.sampler.Guidance;
import lazydit.weights.Checkpoint;
import lazydit.weights.CheckpointException;
import lazydit.weights.Json;
import lazydit.weights.LazyGateFile;
import lazydit.weights.SafetensorsWriter;
import lazydit.weights.TrainingFile;

/**
 * Learns lazy gates from the model's own roll-outs, for wanted lazy ratios; no data is needed.
 *
 * <p>What counts is the finished picture: its squared difference to the one that many more steps
 * would draw from the same noise. Decisions are hard, and caches hold what sampling will hold in
 * them. A round draws pictures with the decisions so far and goes back from random directions of
 * their pixels through all steps ({@link Rollout}), which tells to first order what any change of
 * any decision would do to every picture, in squares with all interactions ({@link Effects}). In
 * that model better decisions that meet the budget are searched ({@link BudgetSearch}); the
 * laziness is raised little by little, and at each wanted ratio decisions are exchanged, as long as
 * pictures that are really drawn get better. At the end gate vectors are fitted to the decisions
 * ({@link GateFit}).
 *
 * <p>Owned by one thread at a time. The same bits for any number of threads, and after {@link
 * #restore}.
 */
public final class RolloutLearning implements Learning {
  /** How much lazier, in lazy ratio, a round makes the decisions at most. */
  private static final double STRIDE = 0.12;

  /** The share of all decisions that a round exchanges at most, to begin with. */
  private static final double EXCHANGED = 0.08;

  /** An output may serve this share of all steps after the one that computed it. */
  private static final double OLDEST = 0.3;

  /** Pictures that the gate vectors are fitted to. */
  private static final int FITTED = 48;

  /**
   * A wanted operating point.
   *
   * @param attn the lazy ratio of attention
   * @param mlp the lazy ratio of the MLP
   */
  public record Target(double attn, double mlp) {}

  /**
   * How to learn.
   *
   * @param steps S, steps of sampling
   * @param targets the wanted lazy ratios
   * @param guidance with which the pictures are drawn
   * @param truthSteps steps of the pictures to come close to
   * @param pictures how many are drawn in a round
   * @param probes random directions in which each picture is looked at in a round
   * @param refinements rounds at each target
   * @param batch pictures of a pass
   * @param seed any number
   */
  public record Settings(
      int steps,
      List<Target> targets,
      Guidance guidance,
      int truthSteps,
      int pictures,
      int probes,
      int refinements,
      int batch,
      long seed) {
    /**
     * Checks the numbers.
     *
     * @throws LazyDitException when one is out of range
     */
    public Settings {
      targets = List.copyOf(targets);
      if (steps < 2 || truthSteps < 2 || steps > 1000 || truthSteps > 1000) {
        throw new LazyDitException(
            "Gates are learned for 2 to 1000 steps, not for %d towards %d."
                .formatted(steps, truthSteps));
      }
      if (batch < 1 || pictures < batch || pictures % batch != 0 || probes < 1 || refinements < 1) {
        throw new LazyDitException(
            "Gates cannot be learned from %d pictures in batches of %d with %d probes in %d rounds."
                .formatted(pictures, batch, probes, refinements));
      }
      double most = (steps - 1.0) / steps;
      for (Target target : targets) {
        if (!(target.attn >= 0 && target.attn <= most && target.mlp >= 0 && target.mlp <= most)) {
          throw new LazyDitException(
              "Of %d steps a share of 0 to %.3f can be reused, not %s and %s."
                  .formatted(steps, most, target.attn, target.mlp));
        }
      }
      if (targets.isEmpty()) {
        throw new LazyDitException("There is no lazy ratio to learn gates for.");
      }
    }
  }

  /**
   * What a round has come to.
   *
   * @param round which one, from 1
   * @param rounds how many there are
   * @param attn the lazy ratio of attention
   * @param mlp the lazy ratio of the MLP
   * @param expected the error that the effects let expect of the candidate
   * @param found the error of pictures really drawn with it
   * @param error the error of the decisions that are kept
   */
  public record Round(
      int round,
      int rounds,
      double attn,
      double mlp,
      double expected,
      double found,
      double error) {}

  /** A round to come: at which ratios, and whether decisions are at a target then. */
  private record Stage(double attn, double mlp, int target) {}

  private final TransformerConfig config;
  private final Settings settings;
  private final Workers workers;
  private final Rollout rollout;
  private final List<Stage> stages;
  private final float[] truth;
  private final List<Target> targets;
  private final Decisions[] reached;
  private Decisions decisions;
  private double error;
  private int round;
  private int allowed;

  /**
   * A learning at its beginning: draws the pictures to come close to.
   *
   * @param model the frozen network
   * @param settings how
   * @param workers who works
   * @param cancelled asked before every step whether to stop
   * @throws java.util.concurrent.CancellationException when it was cancelled
   */
  public RolloutLearning(
      TrainableDit model, Settings settings, Workers workers, BooleanSupplier cancelled) {
    this.settings = settings;
    this.workers = workers;
    config = model.dit().config();
    rollout =
        new Rollout(
            model,
            settings.steps,
            settings.guidance,
            settings.seed,
            settings.batch,
            workers,
            cancelled);
    Rollout slow =
        new Rollout(
            model,
            settings.truthSteps,
            settings.guidance,
            settings.seed,
            settings.batch,
            workers,
            cancelled);
    targets =
        settings.targets.stream().sorted(Comparator.comparingDouble(t -> t.attn + t.mlp)).toList();
    stages = stages();
    reached = new Decisions[targets.size()];
    truth = slow.draw(0, settings.pictures, pictures -> CachePolicy.none()).pictures();
    decisions = rollout.nothingReused();
    allowed = mostExchanged();
  }

  private int mostExchanged() {
    return (int) Math.max(2, EXCHANGED * rollout.nothingReused().places());
  }

  private List<Stage> stages() {
    List<Stage> list = new ArrayList<>();
    double attn = 0;
    double mlp = 0;
    for (int t = 0; t < targets.size(); t++) {
      Target target = targets.get(t);
      double way = Math.max(Math.abs(target.attn - attn), Math.abs(target.mlp - mlp));
      int growth = Math.max(1, (int) Math.ceil(way / STRIDE - 1e-9));
      for (int i = 1; i <= growth + settings.refinements; i++) {
        double share = Math.min(1, i / (double) growth);
        list.add(
            new Stage(attn + share * (target.attn - attn), mlp + share * (target.mlp - mlp), t));
      }
      attn = target.attn;
      mlp = target.mlp;
    }
    return List.copyOf(list);
  }

  @Override
  public int allRounds() {
    return stages.size();
  }

  /** {@return the wanted lazy ratios, least lazy first} */
  public List<Target> targets() {
    return targets;
  }

  @Override
  public int rounds() {
    return round;
  }

  /**
   * Makes a round.
   *
   * @return what it has come to
   * @throws java.util.concurrent.CancellationException when it was cancelled; then everything is as
   *     it was before
   */
  public Round next() {
    Stage stage = stages.get(round);
    int wantedAttn = reuses(stage.attn);
    int wantedMlp = reuses(stage.mlp);
    boolean moves =
        decisions.count(Branch.ATTN) != wantedAttn || decisions.count(Branch.MLP) != wantedMlp;
    int most = moves ? mostExchanged() : allowed;
    int oldest = (int) Math.max(1, Math.round(OLDEST * settings.steps));
    int draw = 1 + round * settings.probes;
    Effects effects = rollout.effects(decisions, oldest, truth, settings.probes, draw);
    BudgetSearch.Found found =
        new BudgetSearch(effects).run(decisions, wantedAttn, wantedMlp, most);
    double real = found.decisions().equals(decisions) ? error : error(found.decisions());
    if (moves || real < error) {
      decisions = found.decisions();
      error = real;
      allowed = most;
    } else {
      allowed = Math.max(2, allowed / 2);
    }
    reached[stage.target] = decisions;
    round++;
    return new Round(
        round,
        stages.size(),
        decisions.ratio(Branch.ATTN),
        decisions.ratio(Branch.MLP),
        found.error(),
        real,
        error);
  }

  private int reuses(double ratio) {
    return (int) Math.round(ratio * decisions.places() / Branch.values().length);
  }

  private double error(Decisions candidate) {
    int count = truth.length / config.inputLength();
    return Rollout.difference(rollout.draw(0, count, candidate::policy).pictures(), truth);
  }

  // ---- the gates

  /**
   * Fits gate vectors to the decisions, when all rounds are over.
   *
   * @param fingerprint names the model
   * @return gates of thresholds 0.5 for each of {@link #targets}
   */
  @Override
  public List<LazyGateFile> gates(String fingerprint) {
    List<LazyGateFile> points = new ArrayList<>();
    for (int t = 0; t < targets.size(); t++) {
      float[][][] inputs = rollout.inputs(reached[t], fitted());
      LazyGateFile gates =
          new LazyGateFile(
              "learned gates",
              settings.steps,
              config.depth(),
              config.hiddenSize(),
              GateFit.fit(workers, rollout, reached[t], inputs, Branch.ATTN),
              GateFit.fit(workers, rollout, reached[t], inputs, Branch.MLP),
              OptionalDouble.of(0.5),
              OptionalDouble.of(0.5),
              Optional.of(rollout.timesteps()),
              Optional.of(fingerprint));
      points.add(gates);
    }
    return points;
  }

  private int fitted() {
    int batches = Math.max(1, Math.min(FITTED, settings.pictures) / settings.batch);
    return batches * settings.batch;
  }

  // ---- saving

  private static final String ROLLOUT = "rollout";
  private static final String STATE = "state";
  private static final String DECISIONS = "decisions";

  @Override
  public void save(Path path, String fingerprint) {
    int places = decisions.places();
    byte[] all = new byte[(targets.size() + 1) * places];
    for (int t = 0; t <= targets.size(); t++) {
      Decisions each = t == targets.size() ? decisions : reached[t];
      if (each != null) {
        System.arraycopy(each.toBytes(), 0, all, t * places, places);
      }
    }
    new SafetensorsWriter()
        .metadata(SavedLearning.texts(ROLLOUT, fingerprint, settings))
        .metadata(STATE, Json.write(List.of(round, allowed, Double.doubleToLongBits(error))))
        .add(DECISIONS, all, targets.size() + 1, places)
        .writeTo(path);
  }

  /**
   * Finds out early, before there is a learning, whether a saved one can go on.
   *
   * @param path the file
   * @param fingerprint names the model
   * @param settings how to learn
   * @throws CheckpointException when it cannot be read, or is of another recipe, another model or
   *     other settings
   */
  public static void requireSame(Path path, String fingerprint, Settings settings) {
    SavedLearning.require(path, TrainingFile.texts(path), ROLLOUT, fingerprint, settings);
  }

  @Override
  public void restore(Path path, String fingerprint) {
    try (Checkpoint file = Checkpoint.open(path, "")) {
      Map<String, String> texts = file.metadata();
      SavedLearning.require(path, texts, ROLLOUT, fingerprint, settings);
      byte[] all = file.tensor(DECISIONS).toBytes();
      int places = decisions.places();
      boolean good =
          Json.parse(String.valueOf(texts.get(STATE)), file.describe()) instanceof List<?> list
              && list.size() == 3
              && list.stream().allMatch(Long.class::isInstance)
              && (Long) list.get(0) >= 0
              && (Long) list.get(0) <= stages.size()
              && all.length == (targets.size() + 1) * places;
      if (!good) {
        throw new CheckpointException(file.describe(), "is damaged: its state is not a learning's");
      }
      List<?> state = (List<?>) Json.parse(texts.get(STATE), file.describe());
      round = ((Long) state.get(0)).intValue();
      allowed = Math.clamp((Long) state.get(1), 2, places);
      error = Double.longBitsToDouble((Long) state.get(2));
      decisions = part(all, targets.size());
      for (int t = 0; t < targets.size(); t++) {
        reached[t] = part(all, t);
      }
    }
  }

  private Decisions part(byte[] all, int index) {
    int places = decisions.places();
    byte[] own = Arrays.copyOfRange(all, index * places, (index + 1) * places);
    return Decisions.of(settings.steps, config.depth(), decisions.halves(), own);
  }
}
