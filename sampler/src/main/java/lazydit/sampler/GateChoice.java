package lazydit.sampler;

import java.nio.file.Path;
import java.util.OptionalDouble;
import lazydit.dit.CachePolicy;
import lazydit.weights.LazyGateFile;
import lazydit.weights.LazyGateSet;

/** Which lazy gates a run uses, or what else decides where outputs are reused. */
public sealed interface GateChoice {
  /** Those that come with the model for the run's number of steps, or none where there are none. */
  GateChoice DEFAULT = new OfModel(OptionalDouble.empty());

  /** None: every module is computed at every step. */
  GateChoice NONE = new None();

  /**
   * {@return the choice of the model's own gates, as lazy as wanted}
   *
   * @param lazyRatio the share of outputs that are to be reused
   */
  static GateChoice ofModel(double lazyRatio) {
    return new OfModel(OptionalDouble.of(lazyRatio));
  }

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
   * @param file a gate file of any form; of several operating points the one nearest to 0.5
   * @throws lazydit.weights.CheckpointException when it is not a readable gate file
   */
  static GateChoice load(Path file) {
    return of(LazyGateFile.read(file));
  }

  /**
   * {@return the choice of the gates in a file, as lazy as wanted}
   *
   * @param file a gate file that says how lazy its gates are
   * @param lazyRatio the share of outputs that are to be reused: picks or mixes operating points
   * @throws lazydit.weights.CheckpointException when it is not a readable gate file, or has no such
   *     gates
   */
  static GateChoice load(Path file, double lazyRatio) {
    return of(LazyGateSet.read(file).at(lazyRatio));
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

  /**
   * The model's own gates, see {@link #DEFAULT}.
   *
   * @param lazyRatio the share of outputs that are to be reused; empty for what is usual
   */
  record OfModel(OptionalDouble lazyRatio) implements GateChoice {}

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
