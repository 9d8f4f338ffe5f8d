package lazydit.sampler.training;

import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import lazydit.dit.Classifier;
import lazydit.dit.ClassifierConfig;
import lazydit.dit.ClassifierTrainingRun;
import lazydit.dit.InitialWeights;
import lazydit.dit.TrainableClassifier;
import lazydit.dit.WeightSource;
import lazydit.engine.AdamW;
import lazydit.engine.LazyDitException;
import lazydit.engine.LearningRate;
import lazydit.engine.Workers;
import lazydit.sampler.ProgressListener;
import lazydit.sampler.data.Batches;
import lazydit.sampler.data.DataSet;
import lazydit.sampler.evaluate.Judge;
import lazydit.weights.SafetensorsWriter;

/**
 * The training of the classifier that pictures are judged by, epoch after epoch.
 *
 * <p>For one thread at a time. The same bits for any number of threads.
 */
public final class ClassifierCourse {
  private static final int WIDTH1 = 32;
  private static final int WIDTH2 = 64;
  private static final int FEATURES = 64;

  /**
   * How to train.
   *
   * @param seed of the first weights, of the order of the data and of what is left out
   * @param epochs how often each picture is seen
   * @param batch pictures of a step
   * @param rate the learning rate at its beginning; it falls to 0 along a cosine
   * @param weightDecay of AdamW
   * @param dropout share of the values before the features that are left out (Srivastava et al.
   *     2014), below 1
   */
  public record Plan(
      long seed, int epochs, int batch, double rate, double weightDecay, double dropout) {
    /**
     * Checks the numbers.
     *
     * @throws LazyDitException when one is out of range
     */
    public Plan {
      if (epochs < 1 || !(dropout >= 0 && dropout < 1)) {
        throw new LazyDitException(
            "A classifier cannot be trained in %d epochs with dropout %s."
                .formatted(epochs, dropout));
      }
    }
  }

  /**
   * What an epoch has given.
   *
   * @param epoch how many there have been
   * @param loss the mean loss over its steps
   * @param accuracy share of the test set that is classified rightly after it
   */
  public record Epoch(int epoch, double loss, double accuracy) {}

  private final Plan plan;
  private final DataSet test;
  private final Workers workers;
  private final Batches batches;
  private final TrainableClassifier network;
  private final ClassifierTrainingRun run;
  private final AdamW optimiser;
  private final LearningRate rate;
  private final float[] images;
  private final int[] labels;
  private final float[] dropout;
  private int epochs;
  private double accuracy;

  /**
   * A training at its beginning.
   *
   * @param plan how to train
   * @param train what to learn; not to be closed before this is no longer used
   * @param test what to be tested on; likewise
   * @param workers who works; likewise
   * @throws LazyDitException when the pictures are not square or of sides that are no multiple of 4
   */
  public ClassifierCourse(Plan plan, DataSet train, DataSet test, Workers workers) {
    this.plan = plan;
    this.test = test;
    this.workers = workers;
    if (train.height() != train.width()) {
      throw new LazyDitException(
          "The classifier takes square pictures, not those of %s, %d x %d."
              .formatted(train.name(), train.width(), train.height()));
    }
    ClassifierConfig config =
        new ClassifierConfig(
            train.channels(), train.height(), WIDTH1, WIDTH2, FEATURES, train.classes().count());
    batches = new Batches(train, plan.batch(), plan.seed());
    network = new TrainableClassifier(config, new InitialWeights(config, plan.seed()));
    run = network.newRun(plan.batch(), workers);
    optimiser = new AdamW(network.parameters(), 0.9, 0.999, 1e-8, plan.weightDecay());
    long steps = (long) plan.epochs() * batches.perEpoch();
    rate = new LearningRate(plan.rate(), 0, Math.min(steps, batches.perEpoch() / 2), steps);
    images = new float[plan.batch() * config.inputLength()];
    labels = new int[plan.batch()];
    dropout = new float[plan.batch() * run.dropoutLength()];
  }

  /** {@return whether all epochs are over} */
  public boolean done() {
    return epochs >= plan.epochs();
  }

  /**
   * Trains for one epoch and looks at the test set.
   *
   * @param progress told after every step, about the whole training
   * @param cancelled asked before every step whether to stop
   * @return what it has given
   * @throws LazyDitException when the loss is no longer a number
   * @throws CancellationException when {@code cancelled} says so
   */
  public Epoch epoch(ProgressListener progress, BooleanSupplier cancelled) {
    double sum = 0;
    long first = (long) epochs * batches.perEpoch();
    for (long step = first; step < first + batches.perEpoch(); step++) {
      if (cancelled.getAsBoolean()) {
        throw new CancellationException("Cancelled before step " + step + ".");
      }
      double loss = step(step);
      if (!Double.isFinite(loss)) {
        throw new LazyDitException(
            "The loss of step %d is %s: the learning rate may be too high.".formatted(step, loss));
      }
      sum += loss;
      progress.onProgress(step + 1, rate.steps());
    }
    accuracy = test(cancelled);
    return new Epoch(++epochs, sum / batches.perEpoch(), accuracy);
  }

  private double step(long step) {
    batches.read(step, images, labels);
    SplittableRandom random = new SplittableRandom(plan.seed() * 0x9E3779B97F4A7C15L + step);
    float kept = (float) (1 / (1 - plan.dropout()));
    for (int i = 0; i < dropout.length; i++) {
      dropout[i] = random.nextDouble() < plan.dropout() ? 0 : kept;
    }
    network.parameters().clearGradients();
    double sum = 0;
    for (float loss : run.pass(images, labels, dropout)) {
      sum += loss;
    }
    optimiser.step(workers, rate.at(step));
    network.repack(workers);
    return sum / labels.length;
  }

  private double test(BooleanSupplier cancelled) {
    int[] right = IntStream.range(0, test.count()).map(test::label).toArray();
    Judge judge = new Judge("the trained classifier", new Classifier(network.weights()), workers);
    return judge.look(test, ProgressListener.NONE, cancelled).accuracy(right);
  }

  /**
   * Writes the classifier, as {@link Judge#load} reads it.
   *
   * @param file the file, replaced in one stroke
   * @throws lazydit.weights.CheckpointException when it cannot be written
   */
  public void export(Path file) {
    WeightSource weights = network.weights();
    SafetensorsWriter writer =
        new SafetensorsWriter()
            .metadata("test_accuracy", String.format(Locale.ROOT, "%.4f", accuracy));
    weights.names().forEach(name -> writer.add(name, weights));
    writer.writeTo(file);
  }
}
