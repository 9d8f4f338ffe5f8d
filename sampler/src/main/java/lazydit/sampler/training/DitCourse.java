package lazydit.sampler.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32;
import lazydit.dit.DitConfig;
import lazydit.dit.InitialWeights;
import lazydit.dit.TrainableDit;
import lazydit.dit.WeightSource;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.sampler.DiffusionLoss;
import lazydit.sampler.DitTraining;
import lazydit.sampler.GaussianDiffusion;
import lazydit.sampler.NoiseSchedule;
import lazydit.sampler.data.DataSet;
import lazydit.weights.CheckpointException;
import lazydit.weights.Json;
import lazydit.weights.SafetensorsWriter;
import lazydit.weights.TrainingFile;

/**
 * The training of a DiT on a data set, by a plan: step after step, saved at any time, taken up
 * again with the bits of one that was never interrupted, and in the end a model.
 *
 * <p>For one thread at a time.
 */
public final class DitCourse {
  private static final String PLAN = "plan";
  private static final String LOG = "log";
  private static final String DATA = "data";
  private static final int TIMESTEPS = 1000;

  /** What a number of a training takes in its file at least: itself and its two moments. */
  private static final int BYTES = 3 * Float.BYTES;

  private final DitPlan plan;
  private final DataSet data;
  private final Workers workers;
  private final NoisyBatches batches;
  private final DitTraining training;
  private LossLog log = new LossLog();

  /**
   * A training at its beginning.
   *
   * @param plan how to train
   * @param data what to learn; not to be closed before this is no longer used
   * @param workers who works; likewise
   * @throws LazyDitException when plan and data do not fit
   */
  public DitCourse(DitPlan plan, DataSet data, Workers workers) {
    this.plan = plan;
    this.data = data;
    this.workers = workers;
    DitConfig network = plan.network();
    requireFits(network, data);
    batches = new NoisyBatches(plan, data, TIMESTEPS);
    GaussianDiffusion diffusion =
        GaussianDiffusion.dit(
            NoiseSchedule.linear(TIMESTEPS), network.learnSigma(), network.inputLength());
    training =
        new DitTraining(
            TrainableDit.learning(network, new InitialWeights(network, plan.seed())),
            new DiffusionLoss(diffusion, DiffusionLoss.Kind.MSE),
            new DitTraining.Settings(
                plan.microBatch(),
                plan.rate(),
                plan.weightDecay(),
                plan.clip(),
                plan.averageDecay()),
            workers);
  }

  private static void requireFits(DitConfig network, DataSet data) {
    if (data.height() != network.inputSize()
        || data.width() != network.inputSize()
        || data.channels() != network.inChannels()
        || data.classes().count() != network.numClasses()) {
      throw new LazyDitException(
          "The network is for %d x %d x %d and %d classes, but %s has %d x %d x %d and %d."
              .formatted(
                  network.inChannels(),
                  network.inputSize(),
                  network.inputSize(),
                  network.numClasses(),
                  data.name(),
                  data.channels(),
                  data.height(),
                  data.width(),
                  data.classes().count()));
    }
  }

  /**
   * Takes up a training.
   *
   * @param file what {@link #save} wrote
   * @param change what is to be otherwise from now on, given the plan it had
   * @param data the same data; not to be closed before this is no longer used
   * @param workers who works; likewise
   * @return the training
   * @throws LazyDitException when the file cannot be read, or the data are others
   */
  public static DitCourse resume(
      Path file, UnaryOperator<DitPlan> change, DataSet data, Workers workers) {
    String name = file.toString();
    Map<String, String> texts = TrainingFile.texts(file);
    DitPlan plan = DitPlan.parse(text(texts, PLAN, name), name);
    requireHolds(file, plan.network());
    LossLog log = LossLog.parse(text(texts, LOG, name), name);
    if (!text(texts, DATA, name).equals(describe(data))) {
      throw new CheckpointException(
          name,
          "is a training on other data: it had %s, but %s has %s"
              .formatted(texts.get(DATA), data.name(), describe(data)));
    }
    DitCourse course = new DitCourse(change.apply(plan), data, workers);
    course.training.restore(file);
    course.log = log;
    return course;
  }

  private static String text(Map<String, String> texts, String key, String file) {
    return Optional.ofNullable(texts.get(key))
        .orElseThrow(
            () -> new CheckpointException(file, "is not the file of a training: no " + key));
  }

  /** Checks what a file claims before memory is taken for it. */
  private static void requireHolds(Path file, DitConfig network) {
    try {
      double least =
          (double) BYTES * (network.parameters() - (long) network.tokens() * network.hiddenSize());
      if (Files.size(file) < least) {
        throw new CheckpointException(
            file.toString(), "is too small for the training of " + network.describe());
      }
    } catch (IOException e) {
      throw new CheckpointException(file.toString(), "cannot be read", e);
    }
  }

  /** Tells data sets apart without reading all their pictures. */
  private static String describe(DataSet data) {
    CRC32 labels = new CRC32();
    for (int i = 0; i < data.count(); i++) {
      labels.update(data.label(i));
      labels.update(data.label(i) >>> 8);
    }
    return String.format(
        Locale.ROOT,
        "%d pictures of %d x %d x %d with labels %08x",
        data.count(),
        data.channels(),
        data.height(),
        data.width(),
        labels.getValue());
  }

  /** {@return how it trains} */
  public DitPlan plan() {
    return plan;
  }

  /** {@return how many steps were made} */
  public long steps() {
    return training.steps();
  }

  /** {@return whether all steps were made} */
  public boolean done() {
    return steps() >= plan.steps();
  }

  /** {@return how often the data were seen, parts of an epoch included} */
  public double epochs() {
    return (double) steps() / batches.perEpoch();
  }

  /** {@return how the loss has come down} */
  public LossLog log() {
    return log;
  }

  /**
   * Makes one step.
   *
   * @param interval after how many steps their means are logged
   * @return the means, when it is time for them
   * @throws LazyDitException when the loss is no longer a number
   */
  public Optional<LossLog.Point> step(int interval) {
    long start = System.nanoTime();
    batches.read(workers, steps());
    DitTraining.Step step =
        training.step(batches.images, batches.labels, batches.indices, batches.noise);
    log.add(step, (System.nanoTime() - start) * 1e-9);
    return steps() % interval == 0 || done()
        ? Optional.of(log.close(steps(), step.rate()))
        : Optional.empty();
  }

  /**
   * Saves everything that {@link #resume} needs, replacing the file in one stroke.
   *
   * @param file the file
   * @throws CheckpointException when it cannot be written; then nothing is left behind
   */
  public void save(Path file) {
    Map<String, String> texts = new HashMap<>();
    texts.put(PLAN, plan.json());
    texts.put(LOG, log.json());
    texts.put(DATA, describe(data));
    training.save(file, texts);
  }

  /**
   * Writes the model, the moving average of the weights, as {@link lazydit.sampler.Pipeline#load}
   * reads it.
   *
   * @param file the file, replaced in one stroke
   * @throws CheckpointException when it cannot be written; then nothing is left behind
   */
  public void export(Path file) {
    WeightSource average = training.average();
    SafetensorsWriter writer =
        new SafetensorsWriter()
            .metadata("num_heads", Integer.toString(plan.network().numHeads()))
            .metadata("trained_steps", Long.toString(steps()));
    if (!data.classes().names().isEmpty()) {
      writer.metadata("class_names", Json.write(data.classes().names()));
    }
    average.names().forEach(name -> writer.add(name, average));
    writer.writeTo(file);
  }
}
