package lazydit.engine;

import static lazydit.engine.Derivatives.assertGradient;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import lazydit.engine.kernels.Kernels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every way back against central differences of its forward formula in float64. */
@RunsHere
class GradientTest {
  private static final float EPS = 1e-6f;
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  /** The same bits with one thread and with three. */
  private static float[] onAnyThreads(Function<Workers, float[]> work) {
    try (Workers one = new Workers(1);
        Workers three = new Workers(3)) {
      float[] expected = work.apply(one);
      Bits.assertSame(expected, work.apply(three), "three threads");
      return expected;
    }
  }

  // Linear layers.

  private static double[] product(double[] x, double[] w, double[] b, int in, int out) {
    int rows = x.length / in;
    double[] y = new double[rows * out];
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < out; o++) {
        double sum = b == null ? 0 : b[o];
        for (int i = 0; i < in; i++) {
          sum += x[r * in + i] * w[o * in + i];
        }
        y[r * out + o] = sum;
      }
    }
    return y;
  }

  private static Parameters layer(int out, int in) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("before", new long[] {3});
    shapes.put("w", new long[] {out, in});
    shapes.put("b", new long[] {out});
    Parameters parameters = Parameters.of(shapes);
    float[] values = Matrices.normal(out, parameters.size());
    System.arraycopy(values, 0, parameters.values(), 0, values.length);
    return parameters;
  }

  private static LinearGradient gradient(Parameters parameters, int out, int in) {
    int w = parameters.get("w").offset();
    int b = parameters.get("b").offset();
    int[] weightAt = new int[out];
    int[] biasAt = new int[out];
    Arrays.setAll(weightAt, o -> w + o * in);
    Arrays.setAll(biasAt, o -> b + o);
    Linear layer = Linear.pack(out, in, (row, into, at) -> {}, new float[out]);
    LinearGradient gradient = LinearGradient.trainable(layer, parameters, weightAt, biasAt);
    gradient.repack(WORKERS);
    return gradient;
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "3, 5, 2", "7, 33, 17", "5, 9, 40", "14, 31, 33"})
  void linear(int rows, int in, int out) {
    Parameters parameters = layer(out, in);
    float[] x = Matrices.normal(1, rows * in);
    float[] dy = Matrices.normal(2, rows * out);
    float[] w = Arrays.copyOfRange(parameters.values(), 3, 3 + out * in);
    float[] b = Arrays.copyOfRange(parameters.values(), 3 + out * in, parameters.size());
    LinearGradient gradient = gradient(parameters, out, in);
    float[] dx =
        onAnyThreads(
            workers -> {
              float[] result = new float[x.length];
              gradient.input(workers, new Scratch(workers), dy, rows, result);
              return result;
            });
    float[] dw =
        onAnyThreads(
            workers -> {
              parameters.clearGradients();
              gradient.weights(workers, new Scratch(workers), x, dy, rows);
              return parameters.gradients().clone();
            });
    double[] wx = Derivatives.widened(x);
    double[] ww = Derivatives.widened(w);
    double[] wb = Derivatives.widened(b);
    assertGradient(
        Derivatives.of(x, v -> Derivatives.dot(product(v, ww, wb, in, out), dy)), dx, "dx");
    assertGradient(
        Derivatives.of(w, v -> Derivatives.dot(product(wx, v, wb, in, out), dy)),
        Arrays.copyOfRange(dw, 3, 3 + out * in),
        "dw");
    assertGradient(
        Derivatives.of(b, v -> Derivatives.dot(product(wx, ww, v, in, out), dy)),
        Arrays.copyOfRange(dw, 3 + out * in, dw.length),
        "db");
    assertArrayEquals(new float[3], Arrays.copyOf(dw, 3), "what lies before is left alone");
  }

  /** Sums longer than a tile's, of many rows, both ways round, against sums in float64. */
  @ParameterizedTest
  @CsvSource({"2500, 37, 70", "1300, 65, 20"})
  void longSums(int rows, int in, int out) {
    Parameters parameters = layer(out, in);
    float[] x = Matrices.normal(1, rows * in);
    float[] dy = Matrices.normal(2, rows * out);
    LinearGradient gradient = gradient(parameters, out, in);
    float[] twice =
        onAnyThreads(
            workers -> {
              parameters.clearGradients();
              gradient.weights(workers, new Scratch(workers), x, dy, rows);
              gradient.weights(workers, new Scratch(workers), x, dy, rows);
              return parameters.gradients().clone();
            });
    double tolerance = 2 * rows * Matrices.relative(rows);
    for (int o = 0; o < out; o++) {
      double bias = 0;
      for (int r = 0; r < rows; r++) {
        bias += dy[r * out + o];
      }
      assertEquals(2 * bias, twice[3 + out * in + o], tolerance, "db " + o);
      for (int i = 0; i < in; i++) {
        double sum = 0;
        for (int r = 0; r < rows; r++) {
          sum += (double) dy[r * out + o] * x[r * in + i];
        }
        assertEquals(2 * sum, twice[3 + o * in + i], tolerance, "dw %d %d".formatted(o, i));
      }
    }
  }

  @Test
  void repackedWeightsAreApplied() {
    Parameters parameters = layer(19, 7);
    LinearGradient gradient = gradient(parameters, 19, 7);
    Arrays.fill(parameters.values(), 2);
    gradient.repack(WORKERS);
    float[] dx = new float[7];
    float[] dy = new float[19];
    Arrays.fill(dy, 1);
    gradient.input(WORKERS, new Scratch(WORKERS), dy, 1, dx);
    for (float value : dx) {
      assertEquals(38, value);
    }
  }

  // Elements and rows.

  private static final double LINEAR = 2 * Math.sqrt(2 / Math.PI);

  private static double gelu(double x) {
    return x / (1 + Math.exp(-LINEAR * (x + 0.044715 * x * x * x)));
  }

  private static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  private static double[] map(double[] x, DoubleUnaryOperator f) {
    return Arrays.stream(x).map(f).toArray();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 31, 2500})
  void activations(int n) {
    float[] x = Matrices.normal(n, n, 0, 3);
    float[] dy = Matrices.normal(n + 1, n);
    float[] dx =
        onAnyThreads(
            workers -> {
              float[] slopes = x.clone();
              Activations.geluAndSlope(workers, slopes, new float[n], n);
              float[] result = dy.clone();
              Activations.multiply(workers, slopes, result, n);
              return result;
            });
    float[] ds = dy.clone();
    Activations.siluGradient(x, ds, ds);
    for (int i = 0; i < n; i++) {
      float at = x[i];
      double step = 1e-5;
      double slope = (gelu(at + step) - gelu(at - step)) / (2 * step);
      assertEquals(dy[i] * slope, dx[i], 2e-6 * Math.abs(dy[i]), "gelu' of " + at);
      slope = (silu(at + step) - silu(at - step)) / (2 * step);
      assertEquals(dy[i] * slope, ds[i], 2e-6 * Math.abs(dy[i]), "silu' of " + at);
    }
  }

  @Test
  void slopesFarFromZero() {
    float[] x = {-1e18f, -300, -20, 20, 300, 1e18f, Float.NaN};
    float[] expected = {0, 0, 0, 1, 1, 1, Float.NaN};
    float[] ones = new float[x.length];
    Arrays.fill(ones, 1);
    float[] slopes = new float[x.length];
    System.arraycopy(x, 0, slopes, 0, x.length);
    Activations.geluAndSlope(WORKERS, slopes, new float[x.length], x.length);
    assertArrayEquals(expected, slopes, 1e-30f, "gelu");
    Activations.siluGradient(x, ones, slopes);
    assertArrayEquals(expected, slopes, 1e-6f, "silu");
  }

  @Test
  void geluBesideItsSlopeIsGelu() {
    float[] x = Matrices.normal(1, 3008, 0, 3);
    float[] whole = new float[3008];
    Activations.gelu(x, whole);
    Bits.assertSame(
        whole,
        onAnyThreads(
            workers -> {
              float[] y = new float[3008];
              Activations.geluAndSlope(workers, x.clone(), y, 3008);
              return y;
            }),
        "gelu");
  }

  private static double[] modulated(double[] x, double[] vectors, int width, int each) {
    double[] y = new double[x.length];
    for (int at = 0; at < x.length; at += width) {
      double mean = 0;
      for (int i = 0; i < width; i++) {
        mean += x[at + i] / width;
      }
      double variance = 0;
      for (int i = 0; i < width; i++) {
        variance += (x[at + i] - mean) * (x[at + i] - mean) / width;
      }
      int shift = at / width / each * 2 * width;
      for (int i = 0; i < width; i++) {
        double z = (x[at + i] - mean) / Math.sqrt(variance + EPS);
        y[at + i] = z * (1 + vectors[shift + width + i]) + vectors[shift + i];
      }
    }
    return y;
  }

  private static PerGroup vectors(float[] values, int groups, int width, int each) {
    int[] offsets = new int[groups];
    Arrays.setAll(offsets, g -> g * 2 * width);
    return new PerGroup(values, offsets, 0, each);
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 5", "3, 2, 33", "2, 3, 16", "2, 2, 47"})
  void modulatedRmsNorm(int groups, int each, int width) {
    int rows = groups * each;
    float[] x = Matrices.normal(1, rows * width, 0.5, 2);
    float[] v = Matrices.normal(2, groups * 2 * width);
    float[] weight = Matrices.normal(5, width, 1, 0.5);
    float[] dy = Matrices.normal(3, rows * width);
    float[] before = Matrices.normal(4, rows * width);
    float[] dx =
        onAnyThreads(
            workers -> {
              float[] result = before.clone();
              PerGroup scale = vectors(v, groups, width, each).plus(width);
              RmsNorm.modulateGradient(workers, x, rows, EPS, weight, scale, dy, result);
              return result;
            });
    double[] expected =
        Derivatives.of(
            x,
            p -> {
              double[] y = new double[p.length];
              for (int r = 0; r < rows; r++) {
                double squares = 0;
                for (int i = 0; i < width; i++) {
                  squares += p[r * width + i] * p[r * width + i];
                }
                double factor = 1 / Math.sqrt(squares / width + EPS);
                for (int i = 0; i < width; i++) {
                  double scale = 1 + v[(r / each * 2 + 1) * width + i];
                  y[r * width + i] = p[r * width + i] * factor * weight[i] * scale;
                }
              }
              return Derivatives.dot(y, dy);
            });
    for (int i = 0; i < dx.length; i++) {
      expected[i] += before[i];
    }
    assertGradient(expected, dx, "dx");
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 5", "2, 33", "5, 48"})
  void swiGlu(int rows, int width) {
    float[] pairs = Matrices.normal(1, rows * 2 * width, 0, 2);
    float[] dh = Matrices.normal(2, rows * width);
    float[] found =
        onAnyThreads(
            workers -> {
              float[] result = pairs.clone();
              Activations.swiGluGradient(workers, result, dh, rows, width);
              return result;
            });
    double[] expected =
        Derivatives.of(
            pairs,
            p -> {
              double[] h = new double[rows * width];
              for (int i = 0; i < h.length; i++) {
                double gate = p[i / width * 2 * width + i % width];
                double value = p[i / width * 2 * width + width + i % width];
                h[i] = gate / (1 + Math.exp(-gate)) * value;
              }
              return Derivatives.dot(h, dh);
            });
    assertGradient(expected, found, "dpairs");
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 5", "3, 2, 33", "2, 3, 16", "2, 2, 47"})
  void modulatedNorm(int groups, int each, int width) {
    int rows = groups * each;
    float[] x = Matrices.normal(1, rows * width, 3, 1);
    float[] v = Matrices.normal(2, groups * 2 * width);
    float[] dy = Matrices.normal(3, rows * width);
    float[] before = Matrices.normal(4, rows * width);
    float[][] dv = new float[1][];
    float[] dx =
        onAnyThreads(
            workers -> {
              float[] result = before.clone();
              dv[0] = new float[v.length];
              PerGroup scale = vectors(v, groups, width, each).plus(width);
              PerGroup d = vectors(dv[0], groups, width, each);
              LayerNormGradient.modulate(
                  workers, x, rows, width, EPS, scale, dy, result, d, d.plus(width));
              return result;
            });
    double[] wx = Derivatives.widened(x);
    double[] wv = Derivatives.widened(v);
    double[] expected = Derivatives.of(x, p -> Derivatives.dot(modulated(p, wv, width, each), dy));
    for (int i = 0; i < dx.length; i++) {
      expected[i] += before[i];
    }
    assertGradient(expected, dx, "dx");
    assertGradient(
        Derivatives.of(v, p -> Derivatives.dot(modulated(wx, p, width, each), dy)), dv[0], "dv");
    float[] alone = before.clone();
    PerGroup scale = vectors(v, groups, width, each).plus(width);
    LayerNormGradient.modulate(WORKERS, x, rows, width, EPS, scale, dy, alone, null, null);
    Bits.assertSame(dx, alone, "without the gradients of shift and scale");
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 5", "3, 2, 33"})
  void gatedAdd(int groups, int each, int width) {
    int rows = groups * each;
    float[] y = Matrices.normal(1, rows * width);
    float[] gate = Matrices.normal(2, groups * 2 * width);
    float[] dx = Matrices.normal(3, rows * width);
    float[][] dGate = new float[1][];
    float[] dy =
        onAnyThreads(
            workers -> {
              float[] result = new float[y.length];
              dGate[0] = new float[gate.length];
              PerGroup g = vectors(gate, groups, width, each);
              PerGroup d = vectors(dGate[0], groups, width, each);
              Residual.gatedAddGradient(workers, g, y, rows, width, dx, result, d);
              return result;
            });
    for (int i = 0; i < dy.length; i++) {
      int at = i / width / each * 2 * width + i % width;
      assertEquals(gate[at] * dx[i], dy[i], "dy");
    }
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < width; i++) {
        double sum = 0;
        for (int r = g * each; r < (g + 1) * each; r++) {
          sum += (double) dx[r * width + i] * y[r * width + i];
        }
        assertEquals(sum, dGate[0][g * 2 * width + i], 1e-5, "dGate");
      }
    }
  }

  /** A linear operation's way back is its transpose: both give the same product. */
  @ParameterizedTest
  @CsvSource({"1, 3, 6, 2", "2, 1, 8, 4"})
  void patches(int batch, int channels, int size, int patch) {
    int n = batch * channels * size * size;
    float[] images = Matrices.normal(1, n);
    float[] tokens = Matrices.normal(2, n);
    float[] there = new float[n];
    float[] back = new float[n];
    Patches.gather(WORKERS, images, batch, channels, size, patch, there);
    Patches.gatherGradient(WORKERS, there, batch, channels, size, patch, back);
    assertArrayEquals(images, back);
    Patches.scatter(WORKERS, tokens, batch, channels, size, patch, there);
    Patches.scatterGradient(WORKERS, there, batch, channels, size, patch, back);
    assertArrayEquals(tokens, back);
  }

  // Attention.

  /** softmax(q k^T / sqrt(d)) v as it reads. */
  private static double[] attention(double[] qkv, int tokens, int heads, int kvHeads, int d) {
    int stride = (heads + 2 * kvHeads) * d;
    int batch = qkv.length / stride / tokens;
    double[] out = new double[batch * tokens * heads * d];
    for (int b = 0; b < batch; b++) {
      for (int h = 0; h < heads; h++) {
        int k = (heads + h / (heads / kvHeads)) * d;
        for (int i = 0; i < tokens; i++) {
          double[] p = new double[tokens];
          double sum = 0;
          for (int j = 0; j < tokens; j++) {
            double dot = 0;
            for (int f = 0; f < d; f++) {
              dot +=
                  qkv[(b * tokens + i) * stride + h * d + f]
                      * qkv[(b * tokens + j) * stride + k + f];
            }
            p[j] = Math.exp(dot / Math.sqrt(d));
            sum += p[j];
          }
          for (int j = 0; j < tokens; j++) {
            for (int f = 0; f < d; f++) {
              out[((b * tokens + i) * heads + h) * d + f] +=
                  p[j] / sum * qkv[(b * tokens + j) * stride + k + kvHeads * d + f];
            }
          }
        }
      }
    }
    return out;
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, 1, 1",
    "2, 5, 2, 2, 3",
    "1, 33, 2, 2, 8",
    "2, 9, 4, 2, 17",
    "1, 7, 3, 1, 40",
    "1, 35, 1, 1, 5"
  })
  void attention(int batch, int tokens, int heads, int kvHeads, int d) {
    int stride = (heads + 2 * kvHeads) * d;
    float[] qkv = Matrices.normal(1, batch * tokens * stride);
    float[] dOut = Matrices.normal(2, batch * tokens * heads * d);
    AttentionGradient gradient = new AttentionGradient(tokens, heads, kvHeads, d);
    float[] dQkv =
        onAnyThreads(
            workers -> {
              float[] result = new float[qkv.length];
              // Memory that others have used: nothing of it may count.
              Scratch scratch = new Scratch(workers);
              gradient.apply(workers, scratch, Matrices.normal(3, qkv.length), batch, dOut, result);
              gradient.apply(workers, scratch, qkv, batch, dOut, result);
              return result;
            });
    assertGradient(
        Derivatives.of(qkv, v -> Derivatives.dot(attention(v, tokens, heads, kvHeads, d), dOut)),
        dQkv,
        "dQkv");
  }

  /** Sums over keys longer than a tile's, against the scalar formula through the transpose. */
  @Test
  void attentionOverManyTokens() {
    int tokens = Kernels.active().lower().maxDepth() + 5;
    float[] qkv = Matrices.normal(1, tokens * 6);
    float[] dOut = Matrices.normal(2, tokens * 2);
    float[] dQkv = new float[qkv.length];
    new AttentionGradient(tokens, 1, 1, 2).apply(WORKERS, new Scratch(WORKERS), qkv, 1, dOut, dQkv);
    double[] wide = Derivatives.widened(qkv);
    for (int at :
        new int[] {0, 1, 2, 5, 6 * (tokens - 1), 6 * (tokens - 1) + 3, 6 * (tokens / 2) + 4}) {
      double step = 1e-4;
      double old = wide[at];
      wide[at] = old + step;
      double above = Derivatives.dot(attention(wide, tokens, 1, 1, 2), dOut);
      wide[at] = old - step;
      double below = Derivatives.dot(attention(wide, tokens, 1, 1, 2), dOut);
      wide[at] = old;
      assertEquals((above - below) / (2 * step), dQkv[at], 2e-5, "at " + at);
    }
  }
}
