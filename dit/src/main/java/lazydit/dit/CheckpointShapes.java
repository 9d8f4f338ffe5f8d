package lazydit.dit;

import lazydit.engine.LazyDitException;

/** Reads sizes off the tensors of a checkpoint. */
final class CheckpointShapes {
  /** Far above every published model; keeps products of sizes from a hostile file within an int. */
  static final int MAX_SIZE = 1 << 16;

  private final WeightSource weights;
  private final String network;

  /**
   * A checkpoint to read.
   *
   * @param network what it should be, for messages
   */
  CheckpointShapes(WeightSource weights, String network) {
    this.weights = weights;
    this.network = network;
  }

  /** The shape of a tensor that has to be there, with so many dimensions. */
  long[] of(String name, int dimensions) {
    if (!weights.contains(name)) {
      throw new LazyDitException(
          "%s has no tensor %s, so it is no %s checkpoint."
              .formatted(weights.describe(), name, network));
    }
    long[] shape = weights.shape(name);
    if (shape.length != dimensions) {
      throw new LazyDitException(
          "%s: %s has %d dimensions, expected %d."
              .formatted(weights.describe(), name, shape.length, dimensions));
    }
    return shape;
  }

  /** A size from a shape, when it is one that a network can have. */
  int checked(String what, long value) {
    if (value < 1 || value > MAX_SIZE) {
      throw new LazyDitException(
          "%s: the tensors' shapes give a %s of %d, expected 1 to %d."
              .formatted(weights.describe(), what, value, MAX_SIZE));
    }
    return (int) value;
  }

  /** How many blocks there are, counted by a tensor that each has. */
  int count(String prefix, String suffix) {
    int count = 0;
    while (weights.contains(prefix + count + suffix)) {
      count++;
    }
    if (count == 0) {
      throw new LazyDitException(
          "%s has no tensor %s0%s.".formatted(weights.describe(), prefix, suffix));
    }
    return count;
  }
}
