package lazydit.dit;

import java.util.List;
import java.util.Map;
import lazydit.engine.Convolution;
import lazydit.engine.LazyDitException;
import lazydit.engine.Linear;
import lazydit.engine.LinearGradient;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;

/**
 * A {@link Classifier} that learns. Its convolutions are linear layers over windows, whose ways
 * back the engine has.
 *
 * <p>Between two repackings it may be used by many runs; repacking needs it alone.
 */
public final class TrainableClassifier {
  private final ClassifierConfig config;
  private final Gradients gradients;
  private final Linear conv1;
  private final Linear conv2;
  private final Linear fc1;
  private final Linear fc2;

  /**
   * A classifier at its beginning.
   *
   * @param config the sizes
   * @param source the values to begin with, such as {@link InitialWeights}
   * @throws LazyDitException when a tensor is missing or has another shape
   */
  public TrainableClassifier(ClassifierConfig config, WeightSource source) {
    this.config = config;
    Gradients.Recorder recorder = new Gradients.Recorder();
    Weights weights = new Weights(source, recorder);
    conv1 = convolution(weights, "conv1", config.width1(), config.channels());
    conv2 = convolution(weights, "conv2", config.width2(), config.width1());
    int pooled = config.side() / 4;
    fc1 = weights.linear("fc1", config.features(), config.width2() * pooled * pooled);
    fc2 = weights.linear("fc2", config.classes(), config.features());
    gradients = recorder.learning(source);
  }

  private static Linear convolution(Weights weights, String name, int out, int in) {
    int size = Convolution.Window.SAME.size();
    return weights.linear(name, out, in * size * size, out, in, size, size);
  }

  /** {@return the sizes} */
  public ClassifierConfig config() {
    return config;
  }

  /** {@return what learns, under the checkpoint's names} */
  public Parameters parameters() {
    return gradients.parameters();
  }

  /**
   * Packs the parameters as they are now.
   *
   * @param workers who works
   */
  public void repack(Workers workers) {
    gradients.repack(workers);
  }

  /** {@return its tensors in a checkpoint's form, for a {@link Classifier}; read when that is} */
  public WeightSource weights() {
    return new ParameterSource(
        "the trained classifier", parameters(), parameters().values(), Map.of());
  }

  /**
   * Starts a run of training passes.
   *
   * @param batch B, pictures of a pass
   * @param workers who works
   * @return the run, owned by the caller
   */
  public ClassifierTrainingRun newRun(int batch, Workers workers) {
    return new ClassifierTrainingRun(this, batch, workers);
  }

  /** The layers in their order. */
  List<Linear> layers() {
    return List.of(conv1, conv2, fc1, fc2);
  }

  LinearGradient gradient(Linear layer) {
    return gradients.of(layer);
  }
}
