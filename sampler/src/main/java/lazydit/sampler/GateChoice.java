package lazydit.sampler;

import java.nio.file.Path;
import lazydit.dit.CachePolicy;
import lazydit.weights.LazyGateFile;

/** Which lazy gates a run uses, or what else decides where outputs are reused. */
public sealed interface GateChoice {
  /** Those that come with the model for the run's number of steps, or none where there are none. */
  GateChoice DEFAULT = new OfModel();

  /** None: every module is computed at every step. */
  GateChoice NONE = new None();

  /**
   * {@return the choice of certain gates}
   *
   * @param gates they have to fit the model and the steps of the run
   */
  static GateChoice of(LazyGateFile gates) {
    return new Given(gates);
  }

  /**
   * {@return the choice of the gates in a file}
   *
   * @param file a gate file of either form
   * @throws lazydit.weights.CheckpointException when it is not a readable gate file
   */
  static GateChoice load(Path file) {
    return of(LazyGateFile.read(file));
  }

  /**
   * {@return the choice of another policy than learned gates}
   *
   * @param name what to call it
   * @param policy it has to fit the model and the steps of the run
   */
  static GateChoice policy(String name, CachePolicy policy) {
    return new Policy(name, policy);
  }

  /** The model's own gates, see {@link #DEFAULT}. */
  record OfModel() implements GateChoice {}

  /** No gates, see {@link #NONE}. */
  record None() implements GateChoice {}

  /**
   * Certain gates, see {@link #of}.
   *
   * @param gates the gates
   */
  record Given(LazyGateFile gates) implements GateChoice {}

  /**
   * Another policy than learned gates, see {@link #policy}.
   *
   * @param name what to call it
   * @param policy decides where outputs are reused
   */
  record Policy(String name, CachePolicy policy) implements GateChoice {}
}
