package lazydit.dit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lazydit.engine.Linear;
import lazydit.engine.LinearGradient;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;

/**
 * What a network needs beside its forward pass to go back through it: for every layer its gradient,
 * and, if it learns, the parameters that all of them are made of.
 */
final class Gradients {
  private final Map<Linear, LinearGradient> layers = new IdentityHashMap<>();

  /** Arrays that the network reads as they are, and the parameters that they mirror. */
  private final Map<String, float[]> arrays;

  /** Null when the network is frozen. */
  private final Parameters parameters;

  private Gradients(Map<String, float[]> arrays, Parameters parameters) {
    this.arrays = arrays;
    this.parameters = parameters;
  }

  /** The way back through a layer of the network. */
  LinearGradient of(Linear layer) {
    return layers.get(layer);
  }

  /** Whether anything but the input of the network has a gradient. */
  boolean learns() {
    return parameters != null;
  }

  Parameters parameters() {
    return parameters;
  }

  /** Brings what the network computes with up to date with the parameters. */
  void repack(Workers workers) {
    layers.values().forEach(layer -> layer.repack(workers));
    arrays.forEach(
        (name, array) -> {
          int offset = parameters.get(name).offset();
          System.arraycopy(parameters.values(), offset, array, 0, array.length);
        });
  }

  /** Sees what {@link Weights} reads, in order to go back through it later. */
  static final class Recorder {
    private record Layer(Linear linear, List<String> weights, List<String> biases) {}

    private final Map<String, long[]> shapes = new LinkedHashMap<>();
    private final Map<String, float[]> arrays = new LinkedHashMap<>();
    private final List<Layer> layers = new ArrayList<>();

    void tensor(String name, long[] shape) {
      shapes.put(name, shape);
    }

    /** A tensor that the network keeps as it is. */
    void array(String name, float[] values) {
      arrays.put(name, values);
    }

    /** A layer whose weight is these tensors below each other; its biases likewise. */
    void layer(Linear linear, List<String> weights, List<String> biases) {
      layers.add(new Layer(linear, weights, biases));
    }

    /** For a network that stays as it is. */
    Gradients frozen(WeightSource source) {
      Gradients gradients = new Gradients(Map.of(), null);
      for (Layer layer : layers) {
        int in = layer.linear.in();
        Linear.RowReader rows =
            (row, into, at) -> {
              int left = row;
              int part = 0;
              while (left >= rows(layer.weights.get(part))) {
                left -= rows(layer.weights.get(part++));
              }
              source.read(layer.weights.get(part), (long) left * in, into, at, in);
            };
        gradients.layers.put(layer.linear, LinearGradient.frozen(layer.linear, rows));
      }
      return gradients;
    }

    private int rows(String name) {
      return (int) shapes.get(name)[0];
    }

    /** For a network that learns. */
    Gradients learning(WeightSource source) {
      Parameters parameters = Parameters.of(shapes);
      for (Parameters.Parameter p : parameters.list()) {
        source.read(p.name(), 0, parameters.values(), p.offset(), p.size());
      }
      Gradients gradients = new Gradients(arrays, parameters);
      for (Layer layer : layers) {
        int[] weightAt = rowsOf(parameters, layer.weights);
        int[] biasAt = layer.biases.isEmpty() ? null : rowsOf(parameters, layer.biases);
        gradients.layers.put(
            layer.linear, LinearGradient.trainable(layer.linear, parameters, weightAt, biasAt));
      }
      return gradients;
    }

    /** Where the rows of some tensors begin, one tensor after the other. */
    private static int[] rowsOf(Parameters parameters, List<String> names) {
      int[] all = {};
      for (String name : names) {
        Parameters.Parameter p = parameters.get(name);
        int rows = (int) p.shape()[0];
        int width = p.size() / rows;
        int done = all.length;
        all = Arrays.copyOf(all, done + rows);
        for (int i = 0; i < rows; i++) {
          all[done + i] = p.offset() + i * width;
        }
      }
      return all;
    }
  }
}
