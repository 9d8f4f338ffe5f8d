package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Normalised and turned queries and keys against float64. */
@RunsHere
class RotaryTest {
  private static final float EPS = 1e-5f;

  /**
   * A matrix of 3 samples with queries, keys and values, of which the last two samples are done.
   */
  private record Case(int tokens, int heads, int kvHeads, int headDim, boolean normed) {
    int width() {
      return heads * headDim;
    }

    int kvWidth() {
      return kvHeads * headDim;
    }

    int stride() {
      return width() + 2 * kvWidth();
    }

    float[] input() {
      return Matrices.normal(tokens + headDim, 3 * tokens * stride(), 0.5, 2);
    }

    Rotary.Norm norm(int width) {
      return normed
          ? new Rotary.Norm(Matrices.normal(1, width), Matrices.normal(2, width), EPS)
          : null;
    }

    float[] run(int threads) {
      float[] x = input();
      Rotary rotary = new Rotary(tokens, headDim, 10000);
      try (Workers workers = new Workers(threads)) {
        rotary.apply(
            workers,
            x,
            stride(),
            new Rows(new int[] {1, 2, 0}, 2, tokens),
            new Rotary.Part(0, heads, norm(width())),
            new Rotary.Part(width(), kvHeads, norm(kvWidth())));
      }
      return x;
    }

    /** Puts one part of a row as it should become in its place. */
    void turn(double[] x, int at, int width, int token, double[] into) {
      double[][] turned = expected(Arrays.copyOfRange(x, at, at + width), token);
      System.arraycopy(turned[0], 0, into, at, width);
    }

    double[][] expected(float[] x, int at, int width, int token) {
      return expected(Derivatives.widened(Arrays.copyOfRange(x, at, at + width)), token);
    }

    /** One part of a row as it should become, each value followed by what errors scale with. */
    private double[][] expected(double[] z, int token) {
      int width = z.length;
      if (normed) {
        double mean = Arrays.stream(z).average().orElseThrow();
        double variance =
            Arrays.stream(z).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
        Rotary.Norm norm = norm(width);
        Arrays.setAll(
            z, i -> (z[i] - mean) / Math.sqrt(variance + EPS) * norm.weight()[i] + norm.bias()[i]);
      }
      double[][] turned = new double[2][width];
      for (int i = 0; i < width; i++) {
        double angle = token * Math.pow(10000, -(double) (i % headDim / 2 * 2) / headDim);
        double other = i % 2 == 0 ? -z[i + 1] : z[i - 1];
        turned[0][i] = z[i] * Math.cos(angle) + other * Math.sin(angle);
        turned[1][i] = Math.abs(z[i]) + Math.abs(other) + (normed ? 3 : 0);
      }
      return turned;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, 2, false",
    "5, 2, 1, 8, true",
    "33, 4, 2, 24, true",
    "7, 3, 3, 72, false",
    "9, 4, 4, 96, true",
    "3, 6, 2, 128, true",
    "4, 1, 1, 34, true"
  })
  void agreesWithFloat64(int tokens, int heads, int kvHeads, int headDim, boolean normed) {
    Case c = new Case(tokens, heads, kvHeads, headDim, normed);
    float[] x = c.input();
    float[] y = c.run(2);
    int untouched = tokens * c.stride();
    Bits.assertSame(Arrays.copyOf(x, untouched), Arrays.copyOf(y, untouched), "sample 0");
    for (int row = tokens; row < 3 * tokens; row++) {
      int at = row * c.stride();
      check(c.expected(x, at, c.width(), row % tokens), y, at);
      check(c.expected(x, at + c.width(), c.kvWidth(), row % tokens), y, at + c.width());
      int values = at + c.width() + c.kvWidth();
      Bits.assertSame(
          Arrays.copyOfRange(x, values, values + c.kvWidth()),
          Arrays.copyOfRange(y, values, values + c.kvWidth()),
          "values");
    }
  }

  private static void check(double[][] expected, float[] y, int at) {
    double relative = Matrices.relative(expected[0].length);
    for (int i = 0; i < expected[0].length; i++) {
      assertEquals(expected[0][i], y[at + i], relative * expected[1][i], "feature " + i);
    }
  }

  @Test
  void anyNumberOfThreadsGivesTheSameBits() {
    Case c = new Case(11, 4, 2, 24, true);
    for (int threads = 2; threads <= 5; threads++) {
      Bits.assertSame(c.run(1), c.run(threads), threads + " threads");
    }
  }

  @Test
  void sizesOutOfRangeAreRefused() {
    assertThrows(LazyDitException.class, () -> new Rotary(0, 8, 10000));
    assertThrows(LazyDitException.class, () -> new Rotary(1, 7, 10000));
    assertThrows(LazyDitException.class, () -> new Rotary(1, 0, 10000));
  }

  @ParameterizedTest
  @CsvSource({"3, 2, 1, 4, true", "2, 3, 3, 6, false", "4, 2, 2, 18, true"})
  void theWayBack(int tokens, int heads, int kvHeads, int headDim, boolean normed) {
    Case c = new Case(tokens, heads, kvHeads, headDim, normed);
    float[] x = c.input();
    float[] dy = Matrices.normal(7, x.length);
    int rows = 3 * tokens;
    Rotary rotary = new Rotary(tokens, headDim, 10000);
    Rotary.Part[] parts = {
      new Rotary.Part(0, heads, c.norm(c.width())),
      new Rotary.Part(c.width(), kvHeads, c.norm(c.kvWidth()))
    };
    float[] found = dy.clone();
    try (Workers workers = new Workers(2)) {
      rotary.gradient(workers, x, found, rows, c.stride(), parts);
    }
    double[] expected =
        Derivatives.of(
            x,
            p -> {
              double[] y = p.clone();
              for (int row = 0; row < rows; row++) {
                int at = row * c.stride();
                c.turn(p, at, c.width(), row % tokens, y);
                c.turn(p, at + c.width(), c.kvWidth(), row % tokens, y);
              }
              return Derivatives.dot(y, dy);
            });
    Derivatives.assertGradient(expected, found, "dx");
  }
}
