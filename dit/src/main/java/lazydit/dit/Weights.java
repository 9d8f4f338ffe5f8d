package lazydit.dit;

import java.util.Arrays;
import lazydit.engine.LazyDitException;
import lazydit.engine.Linear;

/** Reads tensors of known shapes out of a checkpoint. */
final class Weights {
  private final WeightSource source;

  Weights(WeightSource source) {
    this.source = source;
  }

  /** A layer {@code name.weight} {@code [out, in]} with {@code name.bias} {@code [out]}. */
  Linear linear(String name, int out, int in) {
    return linear(name, out, in, out, in);
  }

  /** The same for a weight of another shape with {@code in} values a row, such as a convolution. */
  Linear linear(String name, int out, int in, long... weightShape) {
    String weight = name + ".weight";
    check(weight, weightShape);
    return Linear.pack(out, in, rows(weight, in), floats(name + ".bias", out));
  }

  /** One of the matrices that a layer is made of, {@code [rows, in]}. */
  record Part(String name, int rows) {}

  /** A layer without bias whose weight is these matrices below each other. */
  Linear stacked(int in, Part... parts) {
    int out = 0;
    for (Part part : parts) {
      check(part.name, part.rows, in);
      out += part.rows;
    }
    return Linear.pack(
        out,
        in,
        (row, into, at) -> {
          int left = row;
          int part = 0;
          while (left >= parts[part].rows) {
            left -= parts[part++].rows;
          }
          source.read(parts[part].name, (long) left * in, into, at, in);
        },
        null);
  }

  /** A layer of two matrices {@code [out, in]} for SwiGLU. */
  Linear pairs(String gate, String value, int out, int in) {
    check(gate, out, in);
    check(value, out, in);
    return Linear.packPairs(out, in, rows(gate, in), rows(value, in));
  }

  private Linear.RowReader rows(String name, int in) {
    return (row, into, at) -> source.read(name, (long) row * in, into, at, in);
  }

  /** A whole tensor. */
  float[] floats(String name, long... shape) {
    check(name, shape);
    int size = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
    float[] values = new float[size];
    source.read(name, 0, values, 0, size);
    return values;
  }

  private void check(String name, long... expected) {
    if (!source.contains(name)) {
      throw new LazyDitException(
          "%s has no tensor %s; expected one of shape %s."
              .formatted(source.describe(), name, Arrays.toString(expected)));
    }
    long[] found = source.shape(name);
    if (!Arrays.equals(found, expected)) {
      throw new LazyDitException(
          "%s: tensor %s has shape %s, expected %s."
              .formatted(
                  source.describe(), name, Arrays.toString(found), Arrays.toString(expected)));
    }
  }
}
