package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Softmax against float64, rows of every kind one after the other. */
@RunsHere
class SoftmaxTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 16, 33, 257, 1001})
  void rowsAgreeWithFloat64(int width) {
    int rows = 8;
    float[] x = Matrices.normal(width, rows * width);
    for (int i = 0; i < width; i++) {
      x[i] = 3;
      x[width + i] *= 1e4f;
      x[2 * width + i] += 1e4f;
      x[3 * width + i] -= 1e4f;
      x[4 * width + i] = i % 2 == 1 ? Float.NEGATIVE_INFINITY : x[4 * width + i];
      x[5 * width + i] = i == width - 1 ? 1e4f : -1e4f;
      x[6 * width + i] = i == 0 ? 0 : -80 - i % 30;
    }
    float[] y = new float[rows * width];
    Softmax.rows(x, rows, width, y);
    for (int r = 0; r < rows; r++) {
      double max = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < width; i++) {
        max = Math.max(max, x[r * width + i]);
      }
      double sum = 0;
      for (int i = 0; i < width; i++) {
        sum += Math.exp(x[r * width + i] - max);
      }
      double total = 0;
      for (int i = 0; i < width; i++) {
        // The difference to the maximum is rounded once, and exp is as steep as it is large.
        double difference = x[r * width + i] - max;
        double expected = Math.exp(difference) / sum;
        double steepness = Double.isInfinite(difference) ? 0 : Math.abs(difference);
        double relative = (8 + steepness + 2 * Math.sqrt(width)) * Matrices.ROUNDOFF;
        double tolerance = relative * expected + 2 * Float.MIN_VALUE;
        assertEquals(expected, y[r * width + i], tolerance, "row %d, %d".formatted(r, i));
        total += y[r * width + i];
      }
      assertEquals(1, total, 2 * Matrices.relative(width), "sum of row " + r);
    }
  }
}
