package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.Stream;
import lazydit.engine.Convolution.Window;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Convolutions against their definition in float64, at sizes that leave remainders of all kinds.
 */
@RunsHere
class ConvolutionTest {
  /** A convolution, its input, and what they should give. */
  record Case(int batch, int height, int width, int in, int out, Window window) {
    float[] x() {
      return Matrices.normal(1, batch * height * width * in);
    }

    float[] weight() {
      return Matrices.normal(2, out * in * window.size() * window.size());
    }

    float[] bias() {
      return Matrices.normal(3, out);
    }

    Linear.RowReader rows() {
      int length = in * window.size() * window.size();
      float[] w = weight();
      return (row, into, at) -> System.arraycopy(w, row * length, into, at, length);
    }

    Convolution pack() {
      return Convolution.pack(out, in, window, rows(), bias());
    }

    int outputs() {
      return batch * window.count(height) * window.count(width) * out;
    }
  }

  static Stream<Case> cases() {
    Window same = Window.SAME;
    Window half = Window.HALF;
    return Stream.of(
        new Case(1, 1, 1, 1, 1, same),
        new Case(1, 1, 1, 3, 5, same),
        new Case(1, 5, 1, 3, 5, same),
        new Case(1, 1, 6, 2, 33, same),
        new Case(2, 7, 5, 5, 31, same),
        new Case(1, 9, 11, 3, 32, same),
        new Case(3, 4, 3, 65, 7, same),
        new Case(1, 6, 7, 128, 33, same),
        new Case(1, 5, 4, 129, 65, same),
        new Case(1, 3, 5, 260, 40, same),
        new Case(2, 3, 2, 512, 9, same),
        new Case(1, 40, 40, 64, 3, same),
        // By Winograd's algorithm: one tile, odd sides, several panels and blocks.
        new Case(1, 1, 1, 64, 64, same),
        new Case(1, 2, 2, 64, 64, same),
        new Case(2, 5, 3, 96, 64, same),
        new Case(1, 7, 12, 128, 160, same),
        new Case(1, 4, 4, 512, 64, same),
        new Case(1, 37, 41, 64, 96, same),
        new Case(2, 8, 8, 4, 8, half),
        new Case(1, 7, 9, 5, 3, half),
        new Case(1, 2, 2, 130, 34, half),
        new Case(1, 13, 6, 67, 33, half),
        new Case(1, 7, 9, 5, 3, new Window(3, 2, 1, 1)),
        new Case(2, 5, 7, 6, 10, new Window(1, 1, 0, 0)),
        new Case(1, 6, 5, 7, 4, new Window(2, 1, 1, 0)),
        new Case(1, 9, 8, 3, 4, new Window(5, 3, 2, 4)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithFloat64(Case c) {
    check(c, 1);
    check(c, 2);
  }

  private static void check(Case c, int threads) {
    float[] before = Matrices.normal(4, c.outputs());
    float[] y = Matrices.untouched(c.outputs());
    float[] sum = before.clone();
    try (Workers workers = new Workers(threads)) {
      Scratch scratch = new Scratch(workers);
      Convolution layer = c.pack();
      layer.apply(workers, scratch, c.x(), c.batch, c.height, c.width, y);
      layer.addTo(workers, scratch, c.x(), c.batch, c.height, c.width, sum);
    }
    double[][] expected = convolve(c, c.x(), c.height, c.width);
    for (int i = 0; i < y.length; i++) {
      assertEquals(expected[0][i], y[i], expected[1][i], "at " + i);
      assertEquals(before[i] + y[i], sum[i], "added at " + i);
    }
  }

  /** By definition, over a channels-last input: values, and how far off they may be. */
  private static double[][] convolve(Case c, float[] x, int height, int width) {
    int k = c.window.size();
    int rows = c.window.count(height);
    int columns = c.window.count(width);
    float[] weight = c.weight();
    float[] bias = c.bias();
    double[][] result = new double[2][c.batch * rows * columns * c.out];
    for (int i = 0; i < result[0].length; i++) {
      int o = i % c.out;
      int column = i / c.out % columns;
      int row = i / c.out / columns % rows;
      int image = i / c.out / columns / rows;
      double sum = bias[o];
      double magnitude = Math.abs(sum);
      for (int ky = 0; ky < k; ky++) {
        for (int kx = 0; kx < k; kx++) {
          int y = row * c.window.stride() + ky - c.window.before();
          int z = column * c.window.stride() + kx - c.window.before();
          if (y >= 0 && y < height && z >= 0 && z < width) {
            for (int ch = 0; ch < c.in; ch++) {
              double pixel = x[((image * height + y) * width + z) * c.in + ch];
              double term = pixel * weight[((o * c.in + ch) * k + ky) * k + kx];
              sum += term;
              magnitude += Math.abs(term);
            }
          }
        }
      }
      result[0][i] = sum;
      result[1][i] = Matrices.relative(c.in * k * k) * magnitude;
    }
    return result;
  }

  static Stream<Case> upsampled() {
    return Stream.of(
        new Case(1, 1, 1, 1, 1, Window.SAME),
        new Case(1, 1, 4, 3, 5, Window.SAME),
        new Case(2, 3, 4, 5, 33, Window.SAME),
        new Case(1, 5, 3, 130, 31, Window.SAME),
        new Case(1, 2, 3, 300, 7, Window.SAME),
        new Case(1, 17, 13, 32, 65, Window.SAME));
  }

  @ParameterizedTest
  @MethodSource("upsampled")
  void upsampledIsNearestDoublingAndConvolution(Case c) {
    float[] y = Matrices.untouched(4 * c.outputs());
    try (Workers workers = new Workers(2)) {
      UpsampledConvolution.pack(c.out, c.in, c.rows(), c.bias())
          .apply(workers, new Scratch(workers), c.x(), c.batch, c.height, c.width, y);
    }
    double[][] expected = convolve(c, doubled(c), 2 * c.height, 2 * c.width);
    for (int i = 0; i < y.length; i++) {
      assertEquals(expected[0][i], y[i], expected[1][i], "at " + i);
    }
  }

  private static float[] doubled(Case c) {
    float[] x = c.x();
    float[] large = new float[4 * x.length];
    for (int i = 0; i < large.length; i++) {
      int pixel = i / c.in;
      int column = pixel % (2 * c.width) / 2;
      int row = pixel / (2 * c.width) % (2 * c.height) / 2;
      int image = pixel / (4 * c.width * c.height);
      large[i] = x[((image * c.height + row) * c.width + column) * c.in + i % c.in];
    }
    return large;
  }

  /** Whatever the sizes and the number of threads: the bits are those of one thread. */
  @Property(tries = 40)
  void anyNumberOfThreadsGivesTheSameBits(
      @ForAll @IntRange(min = 1, max = 20) int height,
      @ForAll @IntRange(min = 1, max = 20) int width,
      @ForAll @IntRange(min = 1, max = 140) int in,
      @ForAll @IntRange(min = 1, max = 70) int out,
      @ForAll @IntRange(min = 2, max = 5) int threads) {
    checkThreads(new Case(1, height, width, in, out, Window.SAME), threads);
  }

  @Property(tries = 15)
  void anyNumberOfThreadsGivesTheSameBitsByWinograd(
      @ForAll @IntRange(min = 1, max = 40) int height,
      @ForAll @IntRange(min = 1, max = 40) int width,
      @ForAll @IntRange(min = 2, max = 4) int ins,
      @ForAll @IntRange(min = 2, max = 3) int outs,
      @ForAll @IntRange(min = 2, max = 5) int threads) {
    checkThreads(new Case(1, height, width, 32 * ins, 32 * outs, Window.SAME), threads);
  }

  private static void checkThreads(Case c, int threads) {
    int height = c.height;
    int width = c.width;
    Convolution layer = c.pack();
    UpsampledConvolution up = UpsampledConvolution.pack(c.out, c.in, c.rows(), c.bias());
    float[][] y = new float[2][c.outputs()];
    float[][] large = new float[2][4 * c.outputs()];
    for (int i = 0; i < 2; i++) {
      try (Workers workers = new Workers(i == 0 ? 1 : threads)) {
        Scratch scratch = new Scratch(workers);
        layer.apply(workers, scratch, c.x(), 1, height, width, y[i]);
        up.apply(workers, scratch, c.x(), 1, height, width, large[i]);
      }
    }
    Bits.assertSame(y[0], y[1], "convolution");
    Bits.assertSame(large[0], large[1], "upsampled");
  }

  /** A result depends on its window alone: not on the batch, nor on scratch memory's past. */
  @Test
  void nanStaysUnderItsWindows() {
    Case c = new Case(2, 9, 9, 130, 9, Window.SAME);
    float[] x = c.x();
    float[] clean = new float[c.outputs()];
    float[] y = new float[c.outputs()];
    float[] again = new float[c.outputs()];
    try (Workers workers = new Workers(2)) {
      Scratch scratch = new Scratch(workers);
      c.pack().apply(workers, scratch, x, 2, 9, 9, clean);
      x[(4 * 9 + 4) * 130 + 7] = Float.NaN;
      c.pack().apply(workers, scratch, x, 2, 9, 9, y);
      c.pack().apply(workers, scratch, c.x(), 2, 9, 9, again);
    }
    for (int i = 0; i < y.length; i++) {
      int column = i / 9 % 9;
      int row = i / 81;
      boolean hit = Math.abs(row - 4) <= 1 && Math.abs(column - 4) <= 1;
      assertTrue(hit ? Float.isNaN(y[i]) : y[i] == clean[i], "row %d of both".formatted(row));
    }
    Bits.assertSame(clean, again, "the same scratch memory afterwards");
  }

  @Test
  void winogradsMemoryIsReusedWithoutATrace() {
    Case c = new Case(1, 21, 17, 64, 96, Window.SAME);
    float[] expected = new float[c.outputs()];
    float[] again = new float[c.outputs()];
    float[] broken = new float[c.x().length];
    Arrays.fill(broken, Float.NaN);
    try (Workers workers = new Workers(2)) {
      Scratch scratch = new Scratch(workers);
      c.pack().apply(workers, scratch, c.x(), 1, 21, 17, expected);
      c.pack().apply(workers, scratch, broken, 1, 21, 17, again);
      assertTrue(Float.isNaN(again[0]));
      c.pack().apply(workers, scratch, c.x(), 1, 21, 17, again);
    }
    Bits.assertSame(expected, again, "after an image of NaN");
  }

  @Test
  void knowsItsSizes() {
    Case c = new Case(1, 1, 1, 5, 7, Window.HALF);
    Convolution layer = c.pack();
    assertEquals(5, layer.in());
    assertEquals(7, layer.out());
    assertEquals(Window.HALF, layer.window());
    assertTrue(layer.bytes() >= 5 * 7 * 9 * Float.BYTES);
    assertEquals(4, Window.HALF.count(8));
    assertEquals(3, Window.HALF.count(7));
    assertEquals(0, new Window(3, 1, 0, 0).count(2));
  }

  @Test
  void whatMakesNoConvolutionIsRefused() {
    refused("no window of 0 pixels", () -> new Window(0, 1, 0, 0));
    refused("every 0 with", () -> new Window(3, 0, 1, 1));
    refused("with -1 and 1 zeros", () -> new Window(3, 1, -1, 1));
    refused("cannot start on 3 zeros", () -> new Window(3, 1, 3, 1));
    refused("not 4 to 0", () -> Convolution.pack(0, 4, Window.SAME, (r, i, a) -> {}, null));
    refused("0 to 4", () -> UpsampledConvolution.pack(4, 0, (r, i, a) -> {}, null));
    refused(
        "with 3 values", () -> Convolution.pack(4, 4, Window.SAME, (r, i, a) -> {}, new float[3]));
    Convolution layer = new Case(1, 2, 2, 3, 4, Window.SAME).pack();
    try (Workers one = new Workers(1)) {
      Scratch scratch = new Scratch(one);
      float[] x = new float[12];
      refused("input of [1, 2, 3, 3]", () -> layer.apply(one, scratch, x, 1, 2, 3, new float[99]));
      refused("output of [1, 2, 2, 4]", () -> layer.addTo(one, scratch, x, 1, 2, 2, new float[15]));
      refused(
          "input of [1, 65536, 65536, 3]", () -> layer.apply(one, scratch, x, 1, 65536, 65536, x));
    }
  }

  private static void refused(String part, Executable action) {
    String message = assertThrows(LazyDitException.class, action).getMessage();
    assertTrue(message.contains(part), message);
  }

  @Test
  void theBiasIsCopied() {
    Case c = new Case(1, 2, 2, 3, 4, Window.SAME);
    float[] bias = c.bias();
    Convolution layer = Convolution.pack(4, 3, Window.SAME, c.rows(), bias);
    float[][] y = new float[2][16];
    try (Workers one = new Workers(1)) {
      layer.apply(one, new Scratch(one), c.x(), 1, 2, 2, y[0]);
      Arrays.fill(bias, 100);
      layer.apply(one, new Scratch(one), c.x(), 1, 2, 2, y[1]);
    }
    Bits.assertSame(y[0], y[1], "after the caller's array has changed");
  }
}
