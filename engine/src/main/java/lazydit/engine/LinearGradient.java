package lazydit.engine;

import java.util.Arrays;
import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.RowKernels;

/**
 * The way back through a {@link Linear} layer, y = x W<sup>T</sup> + b:
 *
 * <pre>
 * dX = dY W          the same tiles over W packed the other way
 * dW += dY^T X       {@link TransposedProduct}
 * db += column sums of dY
 * </pre>
 *
 * <p>A trainable layer's weights are those of {@link Parameters}; the packed copies, this one and
 * the layer's own, follow by {@link #repack}. A frozen layer has dX alone.
 */
public final class LinearGradient {
  /** Rows whose values are added before they meet the sum of all, which then rounds less. */
  private static final int BLOCK = 64;

  private final Linear layer;
  private final Linear transposed;

  /** The halves of a layer of pairs beside each other, or null. */
  private final Linear halves;

  private final Parameters parameters;
  private final int[] weightAt;
  private final int[] biasAt;

  private LinearGradient(
      Linear layer, float[] values, Parameters parameters, int[] weightAt, int[] biasAt) {
    this.layer = layer;
    transposed = Linear.pack(layer.in(), weightAt.length, columns(values, weightAt), null);
    halves =
        layer.paired()
            ? Linear.pack(weightAt.length, layer.in(), rows(values, weightAt, layer.in()), null)
            : null;
    this.parameters = parameters;
    this.weightAt = weightAt;
    this.biasAt = biasAt;
  }

  /**
   * The way back through a layer whose weights stay as they are.
   *
   * @param layer the layer
   * @param weight its weights, {@code [out, in]}; of a layer of pairs {@code [2 out, in]}, the
   *     gate's first
   * @return its gradient
   */
  public static LinearGradient frozen(Linear layer, Linear.RowReader weight) {
    float[] rows = new float[Math.multiplyExact(width(layer), layer.in())];
    for (int o = 0; o < width(layer); o++) {
      weight.read(o, rows, o * layer.in());
    }
    int[] at = new int[width(layer)];
    Arrays.setAll(at, o -> o * layer.in());
    return new LinearGradient(layer, rows, null, at, null);
  }

  /**
   * The way back through a layer that learns.
   *
   * @param layer the layer
   * @param parameters where its weights and biases lie
   * @param weightAt where the weights of each output feature begin; of a layer of pairs of each
   *     feature of the gate, then of the value
   * @param biasAt where the bias of each output feature lies, or null for a layer without
   * @return its gradient
   */
  public static LinearGradient trainable(
      Linear layer, Parameters parameters, int[] weightAt, int[] biasAt) {
    return new LinearGradient(layer, parameters.values(), parameters, weightAt, biasAt);
  }

  private static Linear.RowReader rows(float[] values, int[] weightAt, int in) {
    return (row, into, at) -> System.arraycopy(values, weightAt[row], into, at, in);
  }

  private static Linear.RowReader columns(float[] values, int[] weightAt) {
    return (column, into, at) -> {
      for (int o = 0; o < weightAt.length; o++) {
        into[at + o] = values[weightAt[o] + column];
      }
    };
  }

  private static int width(Linear layer) {
    return layer.paired() ? 2 * layer.out() : layer.out();
  }

  /** {@return how many values a row of dY has: out, and twice that for a layer of pairs} */
  public int width() {
    return weightAt.length;
  }

  /**
   * Packs the parameters anew, for the layer and for the way back.
   *
   * @param workers who works
   * @throws IllegalStateException when the layer is frozen
   */
  public void repack(Workers workers) {
    if (parameters == null) {
      throw new IllegalStateException("A frozen layer keeps its weights.");
    }
    float[] values = parameters.values();
    float[] bias = null;
    if (biasAt != null) {
      bias = new float[biasAt.length];
      for (int o = 0; o < bias.length; o++) {
        bias[o] = values[biasAt[o]];
      }
    }
    int in = layer.in();
    layer.repack(workers, rows(values, weightAt, in), bias);
    if (halves != null) {
      halves.repack(workers, rows(values, weightAt, in), null);
    }
    transposed.repack(workers, columns(values, weightAt), null);
  }

  /**
   * What a layer of pairs, which has no bias, makes its result of: the gates, then the values.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param x {@code [rows, in]}; only to be read
   * @param rows how many rows
   * @param pairs receives {@code [rows, 2 out]}
   * @throws IllegalStateException when the layer is of another kind
   */
  public void pairs(Workers workers, Scratch scratch, float[] x, int rows, float[] pairs) {
    if (halves == null) {
      throw new IllegalStateException("The layer is not one of pairs.");
    }
    halves.apply(workers, scratch, x, Rows.all(rows), new Epilogue.Store(pairs));
  }

  /**
   * dX = dY W.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param dy {@code [rows, width()]}; only to be read
   * @param rows how many rows
   * @param dx receives {@code [rows, in]}
   */
  public void input(Workers workers, Scratch scratch, float[] dy, int rows, float[] dx) {
    transposed.apply(workers, scratch, dy, Rows.all(rows), new Epilogue.Store(dx));
  }

  /**
   * dW += dY<sup>T</sup> X and db += column sums of dY; nothing for a frozen layer.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param x what the layer was applied to, {@code [rows, in]}; only to be read
   * @param dy {@code [rows, width()]}; only to be read
   * @param rows how many rows
   */
  public void weights(Workers workers, Scratch scratch, float[] x, float[] dy, int rows) {
    if (parameters == null) {
      return;
    }
    int in = layer.in();
    int out = width();
    float[] gradients = parameters.gradients();
    if (out <= in) {
      new TransposedProduct(scratch, dy, out, x, in).add(workers, rows, gradients, weightAt, false);
    } else {
      new TransposedProduct(scratch, x, in, dy, out).add(workers, rows, gradients, weightAt, true);
    }
    if (biasAt != null) {
      biases(workers, scratch, dy, rows, gradients);
    }
  }

  /** Threads share the rows: parts of rows as narrow as a few lanes would cost whole ones. */
  private void biases(Workers workers, Scratch scratch, float[] dy, int rows, float[] gradients) {
    RowKernels kernels = Kernels.active().rows();
    int out = width();
    int blocks = (rows + BLOCK - 1) / BLOCK;
    float[] sums = scratch.rows(Math.multiplyExact(blocks + 1, out));
    workers.forEach(
        blocks,
        (worker, from, to) -> {
          Arrays.fill(sums, from * out, to * out, 0);
          for (int r = from * BLOCK; r < Math.min(to * BLOCK, rows); r++) {
            kernels.add(dy, r * out, sums, r / BLOCK * out, out);
          }
        });
    Arrays.fill(sums, blocks * out, (blocks + 1) * out, 0);
    for (int block = 0; block < blocks; block++) {
      kernels.add(sums, block * out, sums, blocks * out, out);
    }
    for (int o = 0; o < out; o++) {
      gradients[biasAt[o]] += sums[blocks * out + o];
    }
  }
}
