package lazydit.sampler.learning;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import lazydit.dit.Branch;
import lazydit.dit.TrainableDit;
import lazydit.dit.TrainableGates;
import lazydit.dit.TransformerConfig;
import lazydit.engine.AdamW;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.sampler.GaussianDiffusion;
import lazydit.sampler.LazyLearning;
import lazydit.sampler.NoiseSchedule;
import lazydit.sampler.PhiloxNoise;
import lazydit.sampler.data.Batches;
import lazydit.sampler.data.DataSet;
import lazydit.weights.CheckpointException;
import lazydit.weights.LazyGateFile;
import lazydit.weights.TrainingFile;

/**
 * Learns lazy gates as the authors of LazyDiT do (arXiv 2412.12444, section 3.3, and their code):
 * at a step 2k + 1 drawn at random noisy pictures of the data set fill the caches, and one DDIM
 * step later the gates of step 2k learn from {@link LazyLearning}'s loss by AdamW. Gates of odd
 * index stay zero and always compute, so that at most half is reused.
 *
 * <p>Iteration i draws as a function of the seed and i, so a learning that was saved goes on to the
 * bit.
 *
 * <p>Owned by one thread at a time.
 */
public final class OfficialLearning implements Learning {
  private static final int TRAINING_STEPS = 1000;
  private static final double DROPPED = 0.1;
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  /**
   * How to learn.
   *
   * @param steps S, steps of sampling
   * @param iterations how often AdamW steps; the authors' 500
   * @param batch pictures of an iteration
   * @param rate the learning rate; the authors' 1e-4
   * @param attnPenalty rho_attn, what a score of attention costs
   * @param mlpPenalty rho_mlp, what a score of the MLP costs
   * @param seed any number
   */
  public record Settings(
      int steps,
      int iterations,
      int batch,
      double rate,
      double attnPenalty,
      double mlpPenalty,
      long seed) {
    /**
     * Checks the numbers.
     *
     * @throws LazyDitException when one is out of range
     */
    public Settings {
      if (steps < 2 || steps > TRAINING_STEPS || iterations < 1 || batch < 1) {
        throw new LazyDitException(
            "Gates cannot be learned for %d steps in %d iterations of %d pictures."
                .formatted(steps, iterations, batch));
      }
      if (!(rate > 0 && rate < 1 && attnPenalty >= 0 && mlpPenalty >= 0)) {
        throw new LazyDitException(
            "Gates cannot be learned at a rate of %s with penalties of %s and %s."
                .formatted(rate, attnPenalty, mlpPenalty));
      }
    }
  }

  /**
   * What an iteration has given.
   *
   * @param iteration which one, from 1
   * @param step whose gates learned
   * @param loss the loss before
   * @param attn the mean score of attention there
   * @param mlp the mean score of the MLP there
   */
  public record Iteration(int iteration, int step, double loss, double attn, double mlp) {}

  private final TransformerConfig config;
  private final Settings settings;
  private final Workers workers;
  private final NoiseSchedule schedule;
  private final TrainableGates gates;
  private final LazyLearning learning;
  private final AdamW optimiser;
  private final Batches batches;
  private final float[] images;
  private final float[] noise;
  private final int[] labels;
  private int done;

  /**
   * A learning at its beginning.
   *
   * @param model the frozen network
   * @param settings how
   * @param data what it draws; not to be closed before this is no longer used
   * @param workers who works
   * @throws LazyDitException when the data set does not fit the network
   */
  public OfficialLearning(TrainableDit model, Settings settings, DataSet data, Workers workers) {
    this.settings = settings;
    this.workers = workers;
    config = model.dit().config();
    if (data.channels() != config.inChannels()
        || data.height() != config.inputSize()
        || data.width() != config.inputSize()
        || data.classes().count() > config.numClasses()) {
      throw new LazyDitException(
          "The pictures of %s are %d x %d x %d of %d classes, but the model draws %d x %d x %d of %d."
              .formatted(
                  data.name(),
                  data.channels(),
                  data.height(),
                  data.width(),
                  data.classes().count(),
                  config.inChannels(),
                  config.inputSize(),
                  config.inputSize(),
                  config.numClasses()));
    }
    schedule = NoiseSchedule.linear(TRAINING_STEPS).respace(Integer.toString(settings.steps));
    GaussianDiffusion diffusion =
        GaussianDiffusion.dit(schedule, config.learnSigma(), config.inputLength());
    gates = new TrainableGates(settings.steps, config.depth(), config.hiddenSize());
    learning = new LazyLearning(model, gates, diffusion, settings.batch, workers);
    optimiser = new AdamW(gates.parameters(), 0.9, 0.999, 1e-8, 0);
    batches = new Batches(data, settings.batch, settings.seed);
    images = new float[settings.batch * config.inputLength()];
    noise = new float[images.length];
    labels = new int[settings.batch];
  }

  @Override
  public int rounds() {
    return done;
  }

  @Override
  public int allRounds() {
    return settings.iterations;
  }

  /** {@return what the iteration made now has given} */
  public Iteration next() {
    SplittableRandom random = new SplittableRandom(settings.seed + GOLDEN * (done + 1L));
    int index = 2 * random.nextInt(settings.steps / 2) + 1;
    batches.read(done, images, labels);
    for (int i = 0; i < labels.length; i++) {
      if (random.nextDouble() < DROPPED) {
        labels[i] = config.nullClass();
      }
    }
    new PhiloxNoise(settings.seed, (long) done * settings.batch, config.inputLength())
        .draw(0, noise);
    learning.forward(images, noise, labels, index);
    double loss = learning.loss(settings.attnPenalty, settings.mlpPenalty);
    gates.parameters().clearGradients();
    learning.backward(settings.attnPenalty, settings.mlpPenalty);
    if (!Double.isFinite(loss)) {
      throw new LazyDitException(
          "The loss of iteration %d is %s: the learning rate may be too high."
              .formatted(done + 1, loss));
    }
    optimiser.step(workers, settings.rate);
    done++;
    return new Iteration(
        done,
        index - 1,
        loss,
        learning.computed(Branch.ATTN) / config.depth(),
        learning.computed(Branch.MLP) / config.depth());
  }

  /**
   * The gates as they are now.
   *
   * @param fingerprint names the model
   * @return the one operating point, to be used with thresholds of 0.5
   */
  @Override
  public List<LazyGateFile> gates(String fingerprint) {
    return List.of(
        new LazyGateFile(
            "learned gates",
            settings.steps,
            config.depth(),
            config.hiddenSize(),
            vectors(Branch.ATTN),
            vectors(Branch.MLP),
            OptionalDouble.of(0.5),
            OptionalDouble.of(0.5),
            Optional.of(schedule.timestepMap()),
            Optional.of(fingerprint)));
  }

  private float[] vectors(Branch branch) {
    int hidden = config.hiddenSize();
    float[] vectors = new float[settings.steps * config.depth() * hidden];
    for (int i = 0; i < settings.steps * config.depth(); i++) {
      int from = gates.offset(i / config.depth(), i % config.depth(), branch);
      System.arraycopy(gates.parameters().values(), from, vectors, i * hidden, hidden);
    }
    return vectors;
  }

  // ---- saving

  private static final String OFFICIAL = "official";
  private static final String DONE = "iterations";

  @Override
  public void save(Path path, String fingerprint) {
    Map<String, String> texts = new HashMap<>(SavedLearning.texts(OFFICIAL, fingerprint, settings));
    texts.put(DONE, Integer.toString(done));
    TrainingFile.write(path, gates.parameters(), optimiser, Optional.empty(), texts);
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
    SavedLearning.require(path, TrainingFile.texts(path), OFFICIAL, fingerprint, settings);
  }

  @Override
  public void restore(Path path, String fingerprint) {
    Map<String, String> texts = TrainingFile.texts(path);
    SavedLearning.require(path, texts, OFFICIAL, fingerprint, settings);
    String iterations = String.valueOf(texts.get(DONE));
    if (!iterations.matches("\\d{1,9}")) {
      throw new CheckpointException(path.toString(), "is damaged: it does not say how far it came");
    }
    TrainingFile.read(path, gates.parameters(), optimiser, Optional.empty());
    done = Integer.parseInt(iterations);
  }
}
