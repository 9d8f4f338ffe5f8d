package lazydit.dit;

import lazydit.engine.Convolution;
import lazydit.engine.LazyDitException;
import lazydit.engine.Linear;
import lazydit.engine.Workers;

/**
 * A small convolutional network that tells what is on a picture. Its features are what samples are
 * judged by, as Inception's are on photographs:
 *
 * <pre>
 *   3 x 3 convolution, relu, 2 x 2 max pool     conv1
 *   3 x 3 convolution, relu, 2 x 2 max pool     conv2
 *   linear, relu: the features                  fc1, of [C, H, W]
 *   linear: the logits                          fc2
 * </pre>
 *
 * <p>Immutable and safe for concurrent use; memory for pictures on the way lies in a {@link
 * ClassifierRun}.
 */
public final class Classifier {
  private final ClassifierConfig config;
  private final Convolution conv1;
  private final Convolution conv2;
  private final Linear fc1;
  private final Linear fc2;

  /**
   * Reads and packs the weights; their shapes tell the sizes.
   *
   * @param source the checkpoint, with {@code conv1}, {@code conv2}, {@code fc1} and {@code fc2},
   *     each {@code weight} and {@code bias}
   * @throws LazyDitException when a tensor is missing or has another shape
   */
  public Classifier(WeightSource source) {
    this(ClassifierConfig.derive(source), new Weights(source));
  }

  Classifier(ClassifierConfig config, Weights weights) {
    this.config = config;
    conv1 =
        weights.convolution("conv1", config.width1(), config.channels(), Convolution.Window.SAME);
    conv2 = weights.convolution("conv2", config.width2(), config.width1(), Convolution.Window.SAME);
    int pooled = config.side() / 4;
    fc1 = weights.linear("fc1", config.features(), config.width2() * pooled * pooled);
    fc2 = weights.linear("fc2", config.classes(), config.features());
  }

  /** {@return the sizes} */
  public ClassifierConfig config() {
    return config;
  }

  /**
   * Starts a run.
   *
   * @param batch B, the most pictures of a pass, at least 1
   * @param workers who works; may be shared with other runs
   * @return a run, owned by the caller
   */
  public ClassifierRun newRun(int batch, Workers workers) {
    return new ClassifierRun(this, batch, workers);
  }

  Convolution conv1() {
    return conv1;
  }

  Convolution conv2() {
    return conv2;
  }

  Linear fc1() {
    return fc1;
  }

  Linear fc2() {
    return fc2;
  }
}
