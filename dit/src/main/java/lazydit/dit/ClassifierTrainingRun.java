package lazydit.dit;

import lazydit.engine.Activations;
import lazydit.engine.ChannelsLast;
import lazydit.engine.Convolution;
import lazydit.engine.CrossEntropy;
import lazydit.engine.Epilogue;
import lazydit.engine.LazyDitException;
import lazydit.engine.Linear;
import lazydit.engine.LinearGradient;
import lazydit.engine.MaxPooling;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
import lazydit.engine.Windows;
import lazydit.engine.Workers;

/**
 * Passes of a classifier that learns, forth and back. The same bits for any number of threads.
 *
 * <p>Owned by one thread at a time.
 */
public final class ClassifierTrainingRun {
  private final TrainableClassifier network;
  private final ClassifierConfig config;
  private final int batch;
  private final Workers workers;
  private final Scratch scratch;
  private final Stage first;
  private final Stage second;
  private final Layer hidden;
  private final Layer last;
  private final float[] pixels;
  private final float[] planes;

  ClassifierTrainingRun(TrainableClassifier network, int batch, Workers workers) {
    this.network = network;
    this.batch = batch;
    this.workers = workers;
    config = network.config();
    scratch = new Scratch(workers);
    int side = config.side();
    first = new Stage(network.layers().get(0), side, config.channels());
    second = new Stage(network.layers().get(1), side / 2, config.width1());
    hidden = new Layer(network.layers().get(2), batch);
    last = new Layer(network.layers().get(3), batch);
    pixels = new float[Math.multiplyExact(batch, config.inputLength())];
    planes = new float[second.pooled.length];
  }

  /** A linear layer, its result and the gradient of that. */
  private final class Layer {
    final Linear linear;
    final LinearGradient back;
    final int rows;
    final float[] y;
    final float[] dy;

    Layer(Linear linear, int rows) {
      this.linear = linear;
      this.rows = rows;
      back = network.gradient(linear);
      y = new float[Math.multiplyExact(rows, linear.out())];
      dy = new float[y.length];
    }

    void forward(float[] x) {
      linear.apply(workers, scratch, x, Rows.all(rows), new Epilogue.Store(y));
    }

    /** Adds to its weights' gradients; dx may be null. */
    void backward(float[] x, float[] dx) {
      back.weights(workers, scratch, x, dy, rows);
      if (dx != null) {
        back.input(workers, scratch, dy, rows, dx);
      }
    }
  }

  /** A convolution, pooling and relu, in this order the cheapest, channels last. */
  private final class Stage {
    final Windows windows;
    final Layer layer;
    final MaxPooling pooling;
    final float[] matrix;
    final float[] pooled;
    final float[] dPooled;

    Stage(Linear linear, int side, int channels) {
      windows = new Windows(batch, side, side, channels, Convolution.Window.SAME);
      layer = new Layer(linear, windows.rows());
      pooling = new MaxPooling(side, side, linear.out());
      matrix = new float[windows.rows() * windows.columns()];
      pooled = new float[layer.y.length / 4];
      dPooled = new float[pooled.length];
    }

    void forward(float[] x) {
      windows.gather(workers, x, matrix);
      layer.forward(matrix);
      pooling.apply(workers, layer.y, batch, pooled);
      Activations.relu(workers, pooled, pooled.length);
    }

    /** From the gradient of what is pooled; dx may be null. */
    void backward(float[] dx) {
      Activations.reluGradient(workers, pooled, dPooled, dPooled.length);
      pooling.gradient(workers, layer.y, batch, dPooled, layer.dy);
      // The matrix has served: its place is good for its gradient.
      layer.backward(matrix, dx == null ? null : matrix);
      if (dx != null) {
        windows.scatter(workers, matrix, dx);
      }
    }
  }

  /** {@return how many values of a picture come before the features: what dropout is about} */
  public int dropoutLength() {
    return planes.length / batch;
  }

  /**
   * Runs the network forth and back and adds to the gradients of the mean loss.
   *
   * @param images {@code [B, C, H, W]}, -1 to 1; only to be read
   * @param labels {@code [B]}
   * @param dropout factors of what {@link #dropoutLength} counts, {@code [B, length]}: 0 where it
   *     is left out; only to be read
   * @return the loss of each picture, {@code [B]}
   * @throws LazyDitException when a length does not fit the run
   */
  public float[] pass(float[] images, int[] labels, float[] dropout) {
    if (images.length != pixels.length
        || labels.length != batch
        || dropout.length != planes.length) {
      throw new LazyDitException(
          "A pass takes %d pictures in %d values and %d factors, not %d in %d and %d."
              .formatted(
                  batch,
                  pixels.length,
                  planes.length,
                  labels.length,
                  images.length,
                  dropout.length));
    }
    forward(images, dropout);
    float[] losses = CrossEntropy.evaluate(last.y, labels, 1.0 / batch, last.dy);
    backward(dropout);
    network.parameters().touchAll();
    return losses;
  }

  private int area() {
    return config.side() / 4 * (config.side() / 4);
  }

  private void forward(float[] images, float[] dropout) {
    int side = config.side();
    ChannelsLast.fromPlanes(images, 0, batch, config.channels(), side * side, pixels);
    first.forward(pixels);
    second.forward(first.pooled);
    ChannelsLast.toPlanes(second.pooled, batch, config.width2(), area(), planes, 0);
    multiply(planes, dropout);
    hidden.forward(planes);
    Activations.relu(workers, hidden.y, hidden.y.length);
    last.forward(hidden.y);
  }

  private void backward(float[] dropout) {
    last.backward(hidden.y, hidden.dy);
    Activations.reluGradient(workers, hidden.y, hidden.dy, hidden.dy.length);
    // The weights' gradients come first, so planes may then hold their own.
    hidden.backward(planes, planes);
    multiply(planes, dropout);
    ChannelsLast.fromPlanes(planes, 0, batch, config.width2(), area(), second.dPooled);
    second.backward(first.dPooled);
    first.backward(null);
  }

  private static void multiply(float[] x, float[] factors) {
    for (int i = 0; i < x.length; i++) {
      x[i] *= factors[i];
    }
  }
}
