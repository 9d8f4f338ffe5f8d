package lazydit.dit;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

  /**
   * How many blocks there are, counted by a tensor that each has. Tensors of a block behind those
   * that are counted are those of a network that has lost some: it is not taken for a lower one.
   */
  int count(String prefix, String suffix) {
    int count = 0;
    while (weights.contains(prefix + count + suffix)) {
      count++;
    }
    Optional<String> beyond = beyond(prefix, count);
    if (count == 0 || beyond.isPresent()) {
      throw new LazyDitException(
          "%s has no tensor %s%d%s%s."
              .formatted(
                  weights.describe(),
                  prefix,
                  count,
                  suffix,
                  beyond.map(name -> ", but it has " + name).orElse("")));
    }
    return count;
  }

  private Optional<String> beyond(String prefix, int count) {
    Pattern pattern = Pattern.compile(Pattern.quote(prefix) + "(\\d{1,9})\\..+");
    return weights.names().stream()
        .filter(
            name -> {
              Matcher block = pattern.matcher(name);
              return block.matches() && Integer.parseInt(block.group(1)) >= count;
            })
        .findFirst();
  }
}
