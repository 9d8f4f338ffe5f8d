package lazydit.dit;

import java.util.Map;
import lazydit.engine.LazyDitException;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;

/**
 * A {@link Dit} together with its ways back. The network itself is the one that samples: {@link
 * DitRun} takes a batch through its blocks, and where a {@link TrainingRun} stands behind it, the
 * blocks leave on a tape what their gradients need. Each layer's gradient is by hand, in the engine
 * beside the layer.
 *
 * <p>Parameters lie in one plain array, in the order in which the network reads its checkpoint.
 * After an optimiser's step {@link #repack} brings the packed weights up to date. A frozen network
 * has none; gradients pass through it to the lazy gates.
 *
 * <p>Between two repackings the network may be used by many runs; repacking needs it alone.
 */
public final class TrainableDit {
  private final Dit dit;
  private final Gradients gradients;

  private TrainableDit(Dit dit, Gradients gradients) {
    this.dit = dit;
    this.gradients = gradients;
  }

  /**
   * A network all of whose layers learn; its table of positions stays.
   *
   * @param config the architecture
   * @param source the values to begin with
   * @return the network
   * @throws LazyDitException when a tensor is missing or has another shape
   */
  public static TrainableDit learning(DitConfig config, WeightSource source) {
    Gradients.Recorder recorder = new Gradients.Recorder();
    Dit dit = new Dit(config, new Weights(source, recorder), DitSemantics.FACEBOOK);
    return new TrainableDit(dit, recorder.learning(source));
  }

  /**
   * A network that stays as it is while its gates learn.
   *
   * @param config the architecture
   * @param source the weights
   * @return the network
   * @throws LazyDitException when a tensor is missing or has another shape
   */
  public static TrainableDit frozen(TransformerConfig config, WeightSource source) {
    Gradients.Recorder recorder = new Gradients.Recorder();
    Dit dit = new Dit(config, new Weights(source, recorder), DitSemantics.FACEBOOK);
    return new TrainableDit(dit, recorder.frozen(source));
  }

  /** {@return the network, for sampling with its weights as they are packed now} */
  public Dit dit() {
    return dit;
  }

  /**
   * {@return what learns, under the checkpoint's names}
   *
   * @throws IllegalStateException when the network is frozen
   */
  public Parameters parameters() {
    if (!gradients.learns()) {
      throw new IllegalStateException("A frozen network has no parameters.");
    }
    return gradients.parameters();
  }

  /**
   * Packs the parameters as they are now.
   *
   * @param workers who works
   * @throws IllegalStateException when the network is frozen
   */
  public void repack(Workers workers) {
    parameters();
    gradients.repack(workers);
  }

  /**
   * The network's tensors in a checkpoint's form, the table of positions included.
   *
   * @param values of the parameters, in their layout: their own or a {@link
   *     lazydit.engine.MovingAverage}; read when the source is
   * @return a source that reads them
   * @throws IllegalStateException when the network is frozen
   */
  public WeightSource weights(float[] values) {
    return new ParameterSource("the trained network", parameters(), values, fixed());
  }

  private Map<String, ParameterSource.Fixed> fixed() {
    TransformerConfig config = dit.config();
    return dit.positions() == null
        ? Map.of()
        : Map.of(
            "pos_embed",
            new ParameterSource.Fixed(dit.positions(), 1, config.tokens(), config.hiddenSize()));
  }

  /**
   * Starts a run of training passes.
   *
   * @param batch B, samples of a pass
   * @param workers who works
   * @return the run, owned by the caller
   * @throws IllegalStateException when the network is frozen
   */
  public TrainingRun newRun(int batch, Workers workers) {
    parameters();
    return new TrainingRun(dit, gradients, batch, workers);
  }

  /**
   * Starts a run of passes that train gates.
   *
   * @param gates the gates
   * @param batch B, samples of a pass
   * @param workers who works
   * @return the run, owned by the caller
   * @throws LazyDitException when the gates are for another network
   */
  public GateTrainingRun newRun(TrainableGates gates, int batch, Workers workers) {
    gates.requireFit(dit.config());
    return new GateTrainingRun(dit, gradients, gates, batch, workers);
  }
}
