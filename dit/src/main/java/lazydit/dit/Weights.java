package lazydit.dit;

import java.util.Arrays;
import java.util.List;
import lazydit.engine.Convolution;
import lazydit.engine.GroupNorm;
import lazydit.engine.LazyDitException;
import lazydit.engine.Linear;
import lazydit.engine.UpsampledConvolution;
import lazydit.engine.WeightType;

/** Reads tensors of known shapes out of a checkpoint. */
final class Weights {
  private final WeightSource source;

  /** Sees what is read, or null. */
  private final Gradients.Recorder recorder;

  /** How linear layers keep theirs; as 8-bit integers those of blocks alone. */
  private final WeightType type;

  Weights(WeightSource source) {
    this(source, WeightType.FLOAT32, null);
  }

  Weights(WeightSource source, WeightType type) {
    this(source, type, null);
  }

  Weights(WeightSource source, Gradients.Recorder recorder) {
    this(source, WeightType.FLOAT32, recorder);
  }

  private Weights(WeightSource source, WeightType type, Gradients.Recorder recorder) {
    this.source = source;
    this.type = type;
    this.recorder = recorder;
  }

  WeightType type() {
    return type;
  }

  /** Whether there is such a tensor. */
  boolean contains(String name) {
    return source.contains(name);
  }

  /** A layer {@code name.weight} {@code [out, in]} with {@code name.bias} {@code [out]}. */
  Linear linear(String name, int out, int in) {
    return linear(name, out, in, out, in);
  }

  /** The same for a weight of another shape with {@code in} values a row, such as a convolution. */
  Linear linear(String name, int out, int in, long... weightShape) {
    String weight = name + ".weight";
    check(weight, weightShape);
    record(weight, weightShape);
    String bias = name + ".bias";
    record(bias, out);
    Linear layer =
        Linear.pack(typeOf(weight), out, in, rows(in, new Part(weight, out)), floats(bias, out));
    return recorded(layer, List.of(weight), List.of(bias));
  }

  private void record(String name, long... shape) {
    if (recorder != null) {
      recorder.tensor(name, shape);
    }
  }

  private Linear recorded(Linear layer, List<String> weights, List<String> biases) {
    if (recorder != null) {
      recorder.layer(layer, weights, biases);
    }
    return layer;
  }

  /** A whole tensor that the network keeps, and that may learn. */
  float[] table(String name, long... shape) {
    float[] values = floats(name, shape);
    record(name, shape);
    if (recorder != null) {
      recorder.array(name, values);
    }
    return values;
  }

  /** One of the matrices that a layer is made of, {@code [rows, in]}. */
  record Part(String name, int rows) {}

  /** A layer without bias whose weight is these matrices below each other. */
  Linear stacked(int in, Part... parts) {
    int out = 0;
    for (Part part : parts) {
      check(part.name, part.rows, in);
      record(part.name, part.rows, in);
      out += part.rows;
    }
    Linear layer = Linear.pack(typeOf(parts[0].name), out, in, rows(in, parts), null);
    return recorded(layer, Arrays.stream(parts).map(Part::name).toList(), List.of());
  }

  /** A layer of two matrices {@code [out, in]} for SwiGLU. */
  Linear pairs(String gate, String value, int out, int in) {
    check(gate, out, in);
    check(value, out, in);
    record(gate, out, in);
    record(value, out, in);
    Linear layer =
        Linear.packPairs(
            typeOf(gate), out, in, rows(in, new Part(gate, out)), rows(in, new Part(value, out)));
    return recorded(layer, List.of(gate, value), List.of());
  }

  private WeightType typeOf(String weight) {
    return type == WeightType.INT8 && !Block.owns(weight) ? WeightType.FLOAT32 : type;
  }

  private Linear.RowReader rows(int in, Part... parts) {
    return new PartRows(in, parts);
  }

  /** Reads matrices that lie below each other. */
  private final class PartRows implements Linear.RowReader {
    private final int in;
    private final Part[] parts;

    PartRows(int in, Part... parts) {
      this.in = in;
      this.parts = parts;
    }

    @Override
    public void read(int row, float[] into, int at) {
      String name = name(row);
      source.read(name, (long) rowOfPart(row) * in, into, at, in);
      if (typeOf(name) == WeightType.INT8 && scale(row) == 0) {
        requireFinite(name, into, at, in);
      }
    }

    @Override
    public float scale(int row) {
      return source.scale(name(row), rowOfPart(row));
    }

    private String name(int row) {
      int part = 0;
      for (int left = row; left >= parts[part].rows; part++) {
        left -= parts[part].rows;
      }
      return parts[part].name;
    }

    private int rowOfPart(int row) {
      int left = row;
      for (int part = 0; left >= parts[part].rows; part++) {
        left -= parts[part].rows;
      }
      return left;
    }
  }

  private void requireFinite(String name, float[] values, int at, int count) {
    for (int i = at; i < at + count; i++) {
      if (!Float.isFinite(values[i])) {
        throw new LazyDitException(
            "%s: tensor %s holds %s, which int8 has no form for."
                .formatted(source.describe(), source.nameOf(name), values[i]));
      }
    }
  }

  /** Several layers of the same input {@code [out, in]} as one, {@code [names * out, in]}. */
  Linear stacked(List<String> names, int out, int in) {
    float[] bias = new float[names.size() * out];
    for (int i = 0; i < names.size(); i++) {
      check(names.get(i) + ".weight", out, in);
      System.arraycopy(floats(names.get(i) + ".bias", out), 0, bias, i * out, out);
    }
    return Linear.pack(
        bias.length,
        in,
        (row, into, at) ->
            source.read(names.get(row / out) + ".weight", (long) row % out * in, into, at, in),
        bias);
  }

  /** A convolution {@code name.weight} {@code [out, in, k, k]} with {@code name.bias}. */
  Convolution convolution(String name, int out, int in, Convolution.Window window) {
    int k = window.size();
    check(name + ".weight", out, in, k, k);
    return Convolution.pack(
        out,
        in,
        window,
        rows(in * k * k, new Part(name + ".weight", out)),
        floats(name + ".bias", out));
  }

  /** A 3 x 3 convolution of a doubled image. */
  UpsampledConvolution upsampled(String name, int out, int in) {
    check(name + ".weight", out, in, 3, 3);
    return UpsampledConvolution.pack(
        out, in, rows(in * 9, new Part(name + ".weight", out)), floats(name + ".bias", out));
  }

  /** A group norm with {@code name.weight} and {@code name.bias}, {@code [channels]}. */
  GroupNorm groupNorm(String name, int groups, int channels, float eps) {
    return new GroupNorm(
        groups, floats(name + ".weight", channels), floats(name + ".bias", channels), eps);
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
              .formatted(source.describe(), source.nameOf(name), Arrays.toString(expected)));
    }
    long[] found = source.shape(name);
    if (!Arrays.equals(found, expected)) {
      throw new LazyDitException(
          "%s: tensor %s has shape %s, expected %s."
              .formatted(
                  source.describe(),
                  source.nameOf(name),
                  Arrays.toString(found),
                  Arrays.toString(expected)));
    }
  }
}
