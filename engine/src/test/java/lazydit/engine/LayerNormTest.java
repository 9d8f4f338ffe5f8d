package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Layer normalisation against float64, above all on rows that lose their digits in float32. */
@RunsHere
class LayerNormTest {
  private static final float EPS = 1e-6f;
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  private record Row(String name, float[] x) {
    @Override
    public String toString() {
      return name + " [" + x.length + "]";
    }
  }

  static Stream<Row> rows() {
    return Stream.of(1, 2, 3, 7, 15, 16, 17, 31, 33, 127, 384, 577, 1152, 4609)
        .flatMap(
            n ->
                Stream.of(
                    new Row("normal", Matrices.normal(n, n)),
                    new Row("zeros", new float[n]),
                    new Row("constant", filled(n, 12345.678f)),
                    new Row("narrow, far from 0", Matrices.normal(n, n, 1e4, 0.01)),
                    new Row("narrow, further", Matrices.normal(n, n, -1e6, 1)),
                    new Row("tiny", Matrices.normal(n, n, 0, 1e-20)),
                    new Row("large", Matrices.normal(n, n, 1e10, 1e12)),
                    new Row("outlier first", withFirst(Matrices.normal(n, n), 1e4f)),
                    new Row("outlier first, rest equal", withFirst(filled(n, 0.3f), 1e4f)),
                    new Row("0 first, rest far", withFirst(Matrices.normal(n, n, 1e4, 1), 0)),
                    new Row("0 first, sum of squares overflows", withFirst(filled(n, 1e19f), 0)),
                    new Row("outlier last", withLast(Matrices.normal(n, n), -1e4f))));
  }

  private static float[] filled(int n, float value) {
    float[] x = new float[n];
    Arrays.fill(x, value);
    return x;
  }

  private static float[] withFirst(float[] x, float value) {
    x[0] = value;
    return x;
  }

  private static float[] withLast(float[] x, float value) {
    x[x.length - 1] = value;
    return x;
  }

  private static double[] normed(float[] x, int at, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += x[at + i];
    }
    double mean = sum / n;
    double squares = 0;
    for (int i = 0; i < n; i++) {
      squares += (x[at + i] - mean) * (x[at + i] - mean);
    }
    double[] y = new double[n];
    for (int i = 0; i < n; i++) {
      y[i] = (x[at + i] - mean) / Math.sqrt(squares / n + EPS);
    }
    return y;
  }

  private static double scale(double[] values) {
    double scale = 1;
    for (double value : values) {
      scale = Math.max(scale, Math.abs(value));
    }
    return scale;
  }

  @ParameterizedTest
  @MethodSource("rows")
  void normalises(Row row) {
    int n = row.x.length;
    double[] expected = normed(row.x, 0, n);
    float[] y = new float[n];
    LayerNorm.apply(row.x, 1, n, EPS, y);
    double tolerance = 2e-6 * scale(expected);
    for (int i = 0; i < n; i++) {
      assertEquals(expected[i], y[i], tolerance, "at " + i);
    }
  }

  @ParameterizedTest
  @MethodSource("rows")
  void modulates(Row row) {
    int n = row.x.length;
    float[] scale = Matrices.normal(1, n);
    float[] shift = Matrices.normal(2, n);
    double[] expected = normed(row.x, 0, n);
    double tolerance = 2e-6 * scale(expected);
    float[] y = new float[n];
    int[] zero = new int[1];
    LayerNorm.modulate(
        WORKERS,
        row.x,
        1,
        n,
        EPS,
        new PerGroup(shift, zero, 0, 1),
        new PerGroup(scale, zero, 0, 1),
        y);
    for (int i = 0; i < n; i++) {
      double factor = 1 + (double) scale[i];
      assertEquals(
          expected[i] * factor + shift[i],
          y[i],
          tolerance * Math.max(1, Math.abs(factor)),
          "at " + i);
    }
  }

  /**
   * Every row meets its own group's vectors, and the probe sees what was written, in rows too whose
   * first feature lies far from all others.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 5, 33, 72})
  void groupsAndProbes(int width) {
    int each = 7;
    int groups = 3;
    int rows = groups * each;
    float[] x = Matrices.normal(1, rows * width);
    for (int r = 0; r < rows; r += 2) {
      x[r * width] += 3000;
    }
    float[] vectors = Matrices.normal(2, groups * 5 * width + 3);
    // Groups in another order than their vectors.
    PerGroup shift = new PerGroup(vectors, new int[] {10 * width, 0, 5 * width}, 3, each);
    PerGroup scale = shift.plus(width);
    float[] w = Matrices.normal(3, width + 4);
    float[] dots = new float[rows];
    float[] y = new float[rows * width];
    LayerNorm.Probe probe = new LayerNorm.Probe(w, 4, dots);
    LayerNorm.modulate(WORKERS, x, rows, width, EPS, shift, scale, y);
    LayerNorm.Moments moments = LayerNorm.Moments.of(rows);
    LayerNorm.moments(WORKERS, x, rows, width, EPS, moments, shift, scale, probe);
    LayerNorm.Moments alone = LayerNorm.Moments.of(rows);
    LayerNorm.moments(WORKERS, x, rows, width, EPS, alone, shift, scale, null);
    assertArrayEquals(alone.means(), moments.means());
    assertArrayEquals(alone.factors(), moments.factors());
    int[] starts = {10 * width + 3, 3, 5 * width + 3};
    for (int r = 0; r < rows; r++) {
      double[] normed = normed(x, r * width, width);
      double dot = 0;
      double magnitude = 0;
      for (int i = 0; i < width; i++) {
        int at = starts[r / each] + i;
        double expected = normed[i] * (1 + (double) vectors[at + width]) + vectors[at];
        assertEquals(expected, y[r * width + i], 1e-5, "row %d, %d".formatted(r, i));
        double term = (double) y[r * width + i] * w[4 + i];
        dot += term;
        magnitude += Math.abs(term);
      }
      assertEquals(dot, dots[r], Matrices.relative(width) * magnitude, "dot of row " + r);
    }
  }

  @Test
  void nanStaysInItsRow() {
    float[] x = Matrices.normal(1, 3 * 33);
    float[] clean = new float[3 * 33];
    LayerNorm.apply(x, 3, 33, EPS, clean);
    x[33 + 5] = Float.NaN;
    float[] y = new float[3 * 33];
    LayerNorm.apply(x, 3, 33, EPS, y);
    for (int i = 0; i < y.length; i++) {
      assertTrue(i / 33 == 1 ? Float.isNaN(y[i]) : y[i] == clean[i], "at " + i);
    }
  }
}
