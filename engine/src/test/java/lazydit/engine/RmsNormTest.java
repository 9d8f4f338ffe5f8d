package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Root-mean-square normalisation against float64. */
@RunsHere
class RmsNormTest {
  private static final float EPS = 1e-5f;
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  private static double[] normed(float[] x, int at, float[] weight) {
    double squares = 0;
    for (int i = 0; i < weight.length; i++) {
      squares += (double) x[at + i] * x[at + i];
    }
    double[] y = new double[weight.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = x[at + i] / Math.sqrt(squares / y.length + EPS) * weight[i];
    }
    return y;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 15, 16, 17, 33, 127, 257, 384, 1153, 4609})
  void agreesWithFloat64(int width) {
    float[] weight = Matrices.normal(width, width);
    // Of ordinary size, below eps, far from 0, and large.
    double[][] kinds = {{0, 1}, {0, 1e-4}, {0, 1e-20}, {0, 0}, {1e4, 1e-2}, {0, 1e15}};
    for (double[] kind : kinds) {
      float[] x = Matrices.normal(1, width, kind[0], kind[1]);
      float[] y = Matrices.untouched(width);
      RmsNorm.apply(x, 1, EPS, weight, y);
      double[] expected = normed(x, 0, weight);
      for (int i = 0; i < width; i++) {
        double tolerance = Matrices.relative(width) * Math.abs(expected[i]) + Float.MIN_VALUE;
        assertEquals(expected[i], y[i], tolerance, kind[1] + " at " + i);
      }
      RmsNorm.apply(x, 1, EPS, weight, x);
      Bits.assertSame(y, x, "in place");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 9, 32, 73, 385})
  void modulationAgreesWithFloat64(int width) {
    int rows = 12;
    int each = 3;
    float[] x = Matrices.normal(2, rows * width);
    float[] weight = Matrices.normal(3, width);
    float[] vectors = Matrices.normal(4, 4 * 2 * width);
    int[] offsets = IntStream.range(0, 4).map(g -> g * 2 * width).toArray();
    PerGroup shift = new PerGroup(vectors, offsets, 0, each);
    float[] w = Matrices.normal(5, width + 2);
    float[] dots = new float[rows];
    float[] y = Matrices.untouched(rows * width);
    LayerNorm.Probe probe = new LayerNorm.Probe(w, 2, dots);
    RmsNorm.modulate(WORKERS, x, rows, EPS, weight, shift, shift.plus(width), y, probe);
    for (int row = 0; row < rows; row++) {
      double[] normed = normed(x, row * width, weight);
      double dot = 0;
      double magnitude = 0;
      for (int i = 0; i < width; i++) {
        int at = row / each * 2 * width + i;
        double expected = normed[i] * (1 + (double) vectors[at + width]) + vectors[at];
        double scale = Math.abs(normed[i] * (1 + vectors[at + width])) + Math.abs(vectors[at]);
        double tolerance = Matrices.relative(width) * (scale + Math.abs(normed[i]));
        assertEquals(expected, y[row * width + i], tolerance, row + ", " + i);
        dot += (double) y[row * width + i] * w[2 + i];
        magnitude += Math.abs((double) y[row * width + i] * w[2 + i]);
      }
      assertEquals(dot, dots[row], Matrices.relative(width) * magnitude, "dot of row " + row);
    }
  }

  @Test
  void anyNumberOfThreadsGivesTheSameBits() {
    float[] x = Matrices.normal(6, 31 * 77);
    float[] weight = Matrices.normal(7, 77);
    PerGroup vectors = new PerGroup(Matrices.normal(8, 77), new int[1], 0, 31);
    float[] expected = null;
    for (int threads = 1; threads <= 5; threads++) {
      float[] y = new float[x.length];
      try (Workers workers = new Workers(threads)) {
        RmsNorm.modulate(workers, x, 31, EPS, weight, vectors, vectors, y, null);
      }
      expected = expected == null ? y : expected;
      Bits.assertSame(expected, y, threads + " threads");
    }
  }
}
