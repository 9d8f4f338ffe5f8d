package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import lazydit.engine.Convolution.Window;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a small convolutional classifier is made of, forth and back. */
class ClassifierGradientTest {
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  static Stream<Window> windows() {
    return Stream.of(Window.SAME, Window.HALF, new Window(1, 1, 0, 0), new Window(5, 3, 4, 2));
  }

  @ParameterizedTest
  @MethodSource("windows")
  void windowsAndALayerAreAConvolution(Window window) {
    int batch = 3;
    int height = 7;
    int width = 6;
    int in = 4;
    int out = 5;
    Windows windows = new Windows(batch, height, width, in, window);
    float[] x = Matrices.normal(1, batch * height * width * in, 0, 1);
    float[] weight = Matrices.normal(2, out * windows.columns(), 0, 1);
    float[] bias = Matrices.normal(3, out, 0, 1);
    Linear.RowReader rows =
        (row, into, at) ->
            System.arraycopy(weight, row * windows.columns(), into, at, windows.columns());
    float[] expected = new float[windows.rows() * out];
    Convolution.pack(out, in, window, rows, bias)
        .apply(WORKERS, new Scratch(WORKERS), x, batch, height, width, expected);
    float[] matrix = new float[windows.rows() * windows.columns()];
    windows.gather(WORKERS, x, matrix);
    float[] found = new float[expected.length];
    Linear.pack(out, windows.columns(), rows, bias)
        .apply(
            WORKERS,
            new Scratch(WORKERS),
            matrix,
            Rows.all(windows.rows()),
            new Epilogue.Store(found));
    assertArrayEquals(expected, found, 2e-5f);
  }

  /** {@code <gather(x), r> = <x, scatter(r)>}: that is what the way back means. */
  @ParameterizedTest
  @MethodSource("windows")
  void scatterIsTheWayBackOfGather(Window window) {
    Windows windows = new Windows(2, 5, 8, 3, window);
    float[] x = Matrices.normal(1, 2 * 5 * 8 * 3, 0, 1);
    float[] r = Matrices.normal(2, windows.rows() * windows.columns(), 0, 1);
    float[] matrix = new float[r.length];
    windows.gather(WORKERS, x, matrix);
    float[] dx = new float[x.length];
    windows.scatter(WORKERS, r, dx);
    double expected = Derivatives.dot(Derivatives.widened(matrix), r);
    assertEquals(expected, Derivatives.dot(Derivatives.widened(x), dx), 1e-5 * r.length);
  }

  @Test
  void pooling() {
    int batch = 2;
    MaxPooling pooling = new MaxPooling(5, 6, 3);
    float[] x = Matrices.normal(1, batch * 5 * 6 * 3, 0, 1);
    float[] y = new float[batch * 2 * 3 * 3];
    pooling.apply(WORKERS, x, batch, y);
    float[] dy = Matrices.normal(2, y.length, 0, 1);
    double[] expected = Derivatives.of(x, at -> Derivatives.dot(pooled(at, batch), dy));
    assertArrayEquals(pooled(Derivatives.widened(x), batch), Derivatives.widened(y));
    float[] dx = new float[x.length];
    pooling.gradient(WORKERS, x, batch, dy, dx);
    Derivatives.assertGradient(expected, dx, "dx");
    assertThrows(LazyDitException.class, () -> new MaxPooling(1, 6, 3));
    assertThrows(LazyDitException.class, () -> pooling.apply(WORKERS, new float[179], batch, y));
    assertThrows(LazyDitException.class, () -> pooling.apply(WORKERS, x, batch, new float[35]));
  }

  @Test
  void reluLeavesNothingNegative() {
    float[] x = {-1, 2, -0f, 0, -3};
    Activations.relu(WORKERS, x, 4);
    assertArrayEquals(new float[] {0, 2, 0, 0, -3}, x);
  }

  @Test
  void poolingKeepsTheLargestOfEachSquareAndChannel() {
    // Two images of 3 x 5 pixels and 2 channels: the last row and column count for nothing.
    float[] x = new float[2 * 3 * 5 * 2];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i * 37 % 61) - 30;
    }
    float[] expected = new float[2 * 1 * 2 * 2];
    for (int b = 0; b < 2; b++) {
      for (int column = 0; column < 2; column++) {
        for (int c = 0; c < 2; c++) {
          float most = 0;
          for (int dy = 0; dy < 2; dy++) {
            for (int dx = 0; dx < 2; dx++) {
              most = Math.max(most, x[((b * 3 + dy) * 5 + 2 * column + dx) * 2 + c]);
            }
          }
          expected[(b * 2 + column) * 2 + c] = most;
        }
      }
    }
    for (int threads = 1; threads <= 3; threads++) {
      try (Workers workers = new Workers(threads)) {
        float[] y = new float[expected.length];
        new MaxPooling(3, 5, 2).apply(workers, x, 2, y);
        Activations.relu(workers, y, y.length);
        assertArrayEquals(expected, y);
      }
    }
  }

  @Test
  void poolingHidesNoNaN() {
    for (int i = 0; i < 4; i++) {
      float[] x = {1, 2, 3, 4};
      x[i] = Float.NaN;
      float[] y = new float[1];
      new MaxPooling(2, 2, 1).apply(WORKERS, x, 1, y);
      assertTrue(Float.isNaN(y[0]), "at " + i);
    }
  }

  private static double[] pooled(double[] x, int batch) {
    double[] y = new double[batch * 2 * 3 * 3];
    int i = 0;
    for (int b = 0; b < batch; b++) {
      for (int row = 0; row < 4; row += 2) {
        for (int column = 0; column < 6; column += 2) {
          for (int c = 0; c < 3; c++) {
            y[i] = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < 4; k++) {
              int pixel = (b * 5 + row + k / 2) * 6 + column + k % 2;
              y[i] = Math.max(y[i], x[pixel * 3 + c]);
            }
            i++;
          }
        }
      }
    }
    return y;
  }

  @Test
  void crossEntropy() {
    float[] logits = Matrices.normal(1, 4 * 7, 0, 3);
    int[] labels = {0, 6, 3, 3};
    float[] gradient = new float[logits.length];
    float[] losses = CrossEntropy.evaluate(logits, labels, 0.25, gradient);
    double mean = 0;
    for (float loss : losses) {
      mean += 0.25 * loss;
    }
    assertEquals(entropy(Derivatives.widened(logits), labels), mean, 1e-6);
    double[] expected = Derivatives.of(logits, at -> entropy(at, labels));
    Derivatives.assertGradient(expected, gradient, "dLogits");
  }

  private static double entropy(double[] logits, int[] labels) {
    double mean = 0;
    for (int row = 0; row < labels.length; row++) {
      double sum = 0;
      for (int k = 0; k < 7; k++) {
        sum += Math.exp(logits[row * 7 + k]);
      }
      mean -= Math.log(Math.exp(logits[row * 7 + labels[row]]) / sum) / labels.length;
    }
    return mean;
  }

  @Test
  void relu() {
    float[] y = {-2, 0, 3, -0f, 1};
    Activations.relu(WORKERS, y, y.length);
    assertArrayEquals(new float[] {0, 0, 3, 0, 1}, y);
    float[] dy = {5, 6, 7, 8, 9};
    Activations.reluGradient(WORKERS, y, dy, dy.length);
    assertArrayEquals(new float[] {0, 0, 7, 0, 9}, dy);
  }

  @Test
  void windowsThatDoNotFitAreRefused() {
    Window window = new Window(5, 1, 0, 0);
    assertThrows(LazyDitException.class, () -> new Windows(1, 4, 9, 1, window));
    assertThrows(LazyDitException.class, () -> new Windows(1 << 20, 64, 64, 64, window));
  }
}
