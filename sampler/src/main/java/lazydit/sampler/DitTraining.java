package lazydit.sampler;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import lazydit.dit.TrainableDit;
import lazydit.dit.TrainingRun;
import lazydit.dit.TransformerConfig;
import lazydit.dit.WeightSource;
import lazydit.engine.AdamW;
import lazydit.engine.GradientNorm;
import lazydit.engine.LazyDitException;
import lazydit.engine.LearningRate;
import lazydit.engine.MovingAverage;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;
import lazydit.weights.CheckpointException;
import lazydit.weights.TrainingFile;

/**
 * The training of a DiT, step by step: loss and gradients of a batch, in micro-batches that bound
 * the memory, then clipping, AdamW and the moving average. Images, labels, steps and noise are the
 * caller's to draw; drawn as functions of {@link #steps}, a training that was saved goes on with
 * the bits of one that was never interrupted.
 *
 * <p>Owned by one thread at a time. The same bits for any number of threads.
 */
public final class DitTraining {
  private static final String STEP = "step";

  /**
   * How to train.
   *
   * @param microBatch samples of a pass; divides the batch
   * @param rate the learning rate
   * @param weightDecay of AdamW, usually 0
   * @param maxNorm the longest gradient, longer ones are shortened; infinite for no limit
   * @param averageDecay how much of the moving average stays in a step, usually 0.9999. The first
   *     steps keep less, {@code (1 + step) / (10 + step)}: it soon forgets the beginning
   */
  public record Settings(
      int microBatch, LearningRate rate, double weightDecay, double maxNorm, double averageDecay) {
    /**
     * Checks the numbers.
     *
     * @throws LazyDitException when one is out of range
     */
    public Settings {
      if (microBatch < 1 || !(maxNorm > 0) || !(averageDecay >= 0 && averageDecay <= 1)) {
        throw new LazyDitException(
            "A training cannot have micro-batches of %d, gradients up to %s and an average of %s."
                .formatted(microBatch, maxNorm, averageDecay));
      }
    }
  }

  /**
   * What a step has given.
   *
   * @param loss the mean loss of the batch, before the step
   * @param mse its squared error
   * @param vb its variational bound
   * @param gradientNorm the length of the gradient, before it was shortened
   * @param rate the learning rate
   */
  public record Step(double loss, double mse, double vb, double gradientNorm, double rate) {}

  private final TrainableDit model;
  private final DiffusionLoss loss;
  private final Settings settings;
  private final Workers workers;
  private final Parameters parameters;
  private final AdamW optimiser;
  private final MovingAverage average;
  private final TrainingRun run;
  private final float[] noisy;
  private final float[] output;
  private final float[] dOutput;
  private long steps;

  /**
   * A training at its beginning.
   *
   * @param model what learns
   * @param loss its loss; of the process with all steps, or a respaced one
   * @param settings how
   * @param workers who works
   * @throws LazyDitException when the loss is for samples of another size
   */
  public DitTraining(TrainableDit model, DiffusionLoss loss, Settings settings, Workers workers) {
    this.model = model;
    this.loss = loss;
    this.settings = settings;
    this.workers = workers;
    TransformerConfig config = model.dit().config();
    GaussianDiffusion diffusion = loss.diffusion();
    if (diffusion.sampleSize() != config.inputLength()
        || diffusion.outputSize() != config.outputLength()) {
      throw new LazyDitException(
          "The loss is for samples of %d values and outputs of %d, but the network has %d and %d."
              .formatted(
                  diffusion.sampleSize(),
                  diffusion.outputSize(),
                  config.inputLength(),
                  config.outputLength()));
    }
    parameters = model.parameters();
    optimiser = new AdamW(parameters, 0.9, 0.999, 1e-8, settings.weightDecay());
    average = new MovingAverage(parameters);
    run = model.newRun(settings.microBatch(), workers);
    noisy = new float[settings.microBatch() * config.inputLength()];
    output = new float[settings.microBatch() * config.outputLength()];
    dOutput = new float[output.length];
  }

  /**
   * Makes one step.
   *
   * @param images clean samples, {@code [N, C, H, W]}; N is a multiple of the micro-batch
   * @param labels {@code [N]}, the null class where a label is dropped
   * @param indices the step of the process for each, {@code [N]}
   * @param noise standard normal values, {@code [N, C, H, W]}
   * @return what it gave
   * @throws LazyDitException when a length does not fit or the loss is no number; in the latter
   *     case the parameters are as they were
   */
  public Step step(float[] images, int[] labels, int[] indices, float[] noise) {
    int length = loss.diffusion().sampleSize();
    int batch = labels.length;
    if (batch < 1
        || batch % settings.microBatch() != 0
        || indices.length != batch
        || images.length != (long) batch * length
        || noise.length != images.length) {
      throw new LazyDitException(
          "A batch of %d labels in micro-batches of %d has %d steps, %d pixels and %d of noise."
              .formatted(
                  batch, settings.microBatch(), indices.length, images.length, noise.length));
    }
    parameters.clearGradients();
    double[] sums = new double[3];
    for (int first = 0; first < batch; first += settings.microBatch()) {
      int end = first + settings.microBatch();
      pass(
          Arrays.copyOfRange(images, first * length, end * length),
          Arrays.copyOfRange(labels, first, end),
          Arrays.copyOfRange(indices, first, end),
          Arrays.copyOfRange(noise, first * length, end * length),
          batch,
          sums);
    }
    double norm = GradientNorm.clip(workers, parameters, settings.maxNorm());
    if (!Double.isFinite(sums[0]) || !Double.isFinite(norm)) {
      throw new LazyDitException(
          "The loss of step %d is %s and its gradient %s long: the learning rate may be too high."
              .formatted(steps, sums[0] / batch, norm));
    }
    double rate = settings.rate().at(steps);
    optimiser.step(workers, rate);
    double begun = (1.0 + steps) / (10.0 + steps);
    average.update(workers, parameters, Math.min(settings.averageDecay(), begun));
    model.repack(workers);
    steps++;
    return new Step(sums[0] / batch, sums[1] / batch, sums[2] / batch, norm, rate);
  }

  /** Adds the gradients of a micro-batch, and its losses to the sums. */
  private void pass(
      float[] images, int[] labels, int[] indices, float[] noise, int batch, double[] sums) {
    GaussianDiffusion diffusion = loss.diffusion();
    float[] timesteps = new float[indices.length];
    for (int row = 0; row < indices.length; row++) {
      diffusion.qSample(indices[row], row, images, noise, noisy);
      timesteps[row] = diffusion.schedule().timestep(indices[row]);
    }
    run.forward(noisy, timesteps, labels, output);
    DiffusionLoss.Terms terms =
        loss.evaluate(workers, images, noise, noisy, indices, output, 1.0 / batch, dOutput);
    run.backward(dOutput);
    for (int row = 0; row < indices.length; row++) {
      sums[0] += terms.loss()[row];
      sums[1] += terms.mse()[row];
      sums[2] += terms.vb()[row];
    }
  }

  /** {@return how many steps were made} */
  public long steps() {
    return steps;
  }

  /** {@return the network as it is now, in a checkpoint's form; read when the source is} */
  public WeightSource weights() {
    return model.weights(parameters.values());
  }

  /**
   * {@return the moving average, in a checkpoint's form: to sample with; read when the source is}
   */
  public WeightSource average() {
    return model.weights(average.values());
  }

  /**
   * Saves everything, so that {@link #restore} can go on. Replaces a file in one stroke.
   *
   * @param path the file
   * @param texts what the caller needs to go on; none named {@code step}
   * @throws CheckpointException when it cannot be written; then nothing is left behind
   */
  public void save(Path path, Map<String, String> texts) {
    Map<String, String> all = new HashMap<>(texts);
    all.put(STEP, Long.toString(steps));
    TrainingFile.write(path, parameters, optimiser, Optional.of(average), all);
  }

  /**
   * Goes on where a saved training was.
   *
   * @param path the file
   * @return the caller's texts
   * @throws CheckpointException when it cannot be read, or is of another network; then nothing is
   *     changed
   */
  public Map<String, String> restore(Path path) {
    Map<String, String> texts = new HashMap<>(TrainingFile.texts(path));
    long at = parse(path, texts.remove(STEP));
    TrainingFile.read(path, parameters, optimiser, Optional.of(average));
    steps = at;
    model.repack(workers);
    return texts;
  }

  private static long parse(Path path, String text) {
    if (text == null || !text.matches("\\d{1,18}")) {
      throw new CheckpointException(path.toString(), "is not the file of a training: no step");
    }
    return Long.parseLong(text);
  }
}
