package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lazydit.engine.Linear.RowReader;
import lazydit.engine.Matrices.Product;
import lazydit.engine.kernels.Bfloat16Kernel;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Linear layers against float64, at sizes that leave remainders of every tile and cut. */
@RunsHere
class LinearTest {
  private static final int[] ROWS = {1, 2, 3, 7, 11, 12, 13, 25, 49};
  private static final int[] INS = {1, 5, 33, 127, 576, 577, 1151, 1152, 1153, 2400};
  private static final int[] OUTS = {1, 7, 31, 32, 33, 65, 129};
  private static final Workers WORKERS = new Workers(2);

  /** A layer with a bias, its input, and what they should give. */
  private record Case(int rows, int in, int out, float[] x, float[] w, float[] bias) {
    static Case of(int rows, int in, int out) {
      return of(rows, in, out, 0, 1);
    }

    static Case of(int rows, int in, int out, double mean, double scale) {
      return new Case(
          rows,
          in,
          out,
          Matrices.normal(rows, rows * in, mean * scale, scale),
          Matrices.normal(in + 100, out * in, mean * scale, scale),
          Matrices.normal(out + 200, out, 0, scale * scale));
    }

    Linear layer() {
      return LinearTest.layer(out, in, w, bias);
    }

    Product product() {
      return Product.of(x, w, bias, rows, in, out);
    }

    float[] run(Function<float[], Epilogue> epilogue, float[] y) {
      return run(WORKERS, epilogue, y);
    }

    float[] run(Workers workers, Function<float[], Epilogue> epilogue, float[] y) {
      layer().apply(workers, new Scratch(workers), x, Rows.all(rows), epilogue.apply(y));
      return y;
    }

    float[] store() {
      return run(Epilogue.Store::new, Matrices.untouched(rows * out));
    }
  }

  private static Linear layer(int out, int in, float[] w, float[] bias) {
    return Linear.pack(
        out, in, (row, into, at) -> System.arraycopy(w, row * in, into, at, in), bias);
  }

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  /** Every pair of rows and columns, each with another depth; then every depth. */
  static Stream<Arguments> sizes() {
    Stream<Arguments> pairs =
        IntStream.range(0, ROWS.length * OUTS.length)
            .mapToObj(
                i ->
                    Arguments.of(
                        ROWS[i / OUTS.length], INS[i % INS.length], OUTS[i % OUTS.length]));
    return Stream.concat(pairs, IntStream.of(INS).mapToObj(in -> Arguments.of(13, in, 33)));
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void allEpiloguesAgreeWithFloat64(int rows, int in, int out) {
    checkAll(Case.of(rows, in, out));
  }

  /** Cuts, whose tiles wait in scratch. */
  @ParameterizedTest
  @CsvSource({"301, 1153, 9", "70, 4608, 33"})
  void severalCuts(int rows, int in, int out) {
    checkAll(Case.of(rows, in, out));
  }

  /** Weights beyond what stays in an L2 cache and more rows than half of it takes. */
  @ParameterizedTest
  @CsvSource({"530, 1152, 120", "550, 1153, 120"})
  void severalBlocks(int rows, int in, int out) {
    Case c = Case.of(rows, in, out);
    checkAll(c);
    for (int threads : new int[] {1, 3, 5}) {
      try (Workers workers = new Workers(threads)) {
        float[] y = c.run(workers, Epilogue.Store::new, Matrices.untouched(rows * out));
        Bits.assertSame(c.store(), y, threads + " threads");
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"3, 1", "0, 1e16", "0, 1e-19", "0, 1e-23"})
  void biasedHugeAndTinyValues(double mean, double scale) {
    Case c = Case.of(13, 600, 33, mean, scale);
    assertStored(c.product(), c.store());
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "7, 33, 15", "13, 577, 16", "25, 1153, 17", "12, 64, 130", "49, 96, 257"})
  void pairsAgreeWithFloat64(int rows, int in, int out) {
    Case gate = Case.of(rows, in, out, 0, 1 / Math.sqrt(in));
    float[] w = Matrices.normal(in + 300, out * in);
    Product left = Product.of(gate.x, gate.w, null, rows, in, out);
    Product right = Product.of(gate.x, w, null, rows, in, out);
    Linear pairs = Linear.packPairs(WeightType.FLOAT32, out, in, reader(gate.w, in), reader(w, in));
    float[] y = Matrices.untouched(rows * out);
    Scratch scratch = new Scratch(WORKERS);
    pairs.apply(WORKERS, scratch, gate.x, Rows.all(rows), new Epilogue.SwiGlu(y));
    for (int i = 0; i < y.length; i++) {
      double a = left.values()[i];
      double silu = a / (1 + Math.exp(-a));
      double tolerance =
          (1.1 * left.tolerance(i) + 4 * Matrices.ROUNDOFF * Math.abs(a))
                  * (Math.abs(right.values()[i]) + right.tolerance(i))
              + right.tolerance(i) * Math.abs(silu);
      assertEquals(silu * right.values()[i], y[i], tolerance, "element " + i);
    }
    try (Workers one = new Workers(1)) {
      float[] alone = new float[rows * out];
      pairs.apply(one, new Scratch(one), gate.x, Rows.all(rows), new Epilogue.SwiGlu(alone));
      Bits.assertSame(alone, y, "one thread");
    }
  }

  private static Linear.RowReader reader(float[] w, int in) {
    return (row, into, at) -> System.arraycopy(w, row * in, into, at, in);
  }

  @Test
  void pairsBelongToSwiGlu() {
    float[] w = new float[1];
    Linear pairs = Linear.packPairs(WeightType.FLOAT32, 1, 1, reader(w, 1), reader(w, 1));
    Scratch scratch = new Scratch(WORKERS);
    Epilogue.Store store = new Epilogue.Store(new float[1]);
    assertThrows(
        IllegalArgumentException.class, () -> pairs.apply(WORKERS, scratch, w, Rows.all(1), store));
    Epilogue.SwiGlu swiglu = new Epilogue.SwiGlu(new float[1]);
    assertThrows(
        IllegalArgumentException.class,
        () -> layer(1, 1, w, null).apply(WORKERS, scratch, w, Rows.all(1), swiglu));
    assertThrows(
        LazyDitException.class,
        () -> Linear.packPairs(WeightType.FLOAT32, 0, 1, reader(w, 1), reader(w, 1)));
  }

  private static void checkAll(Case c) {
    Product p = c.product();
    assertStored(p, c.store());
    int size = c.rows * c.out;
    float[] gelu = c.run(Epilogue.Gelu::new, new float[size]);
    float[] silu = c.run(Epilogue.Silu::new, new float[size]);
    float[] x = Matrices.normal(7, size);
    int[] offsets = IntStream.range(0, c.rows).map(r -> 3 + r * c.out).toArray();
    PerGroup gate = new PerGroup(Matrices.normal(8, 4 + size), offsets, 1, 1);
    float[] keep = Matrices.untouched(size);
    float[] added = c.run(y -> new Epilogue.GatedAdd(y, gate, null), x.clone());
    float[] kept = c.run(y -> new Epilogue.GatedAdd(y, gate, keep), x.clone());
    Bits.assertSame(added, kept, "keeping the output changes nothing");
    Bits.assertSame(c.store(), keep, "what is kept is what would be stored");
    Residual.gatedAdd(WORKERS, x, Rows.all(c.rows), c.out, gate, keep);
    Bits.assertSame(added, x, "a gated addition afterwards");
    float[] before = Matrices.normal(7, size);
    for (int i = 0; i < size; i++) {
      double v = p.values()[i];
      // Neither activation is steeper than 1.13.
      double tolerance = 1.13 * p.tolerance(i) + 4 * Matrices.ROUNDOFF * Math.abs(v);
      assertEquals(v / (1 + Math.exp(-v)), silu[i], tolerance, "silu at " + i);
      double u = Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v);
      assertEquals(0.5 * v * (1 + Math.tanh(u)), gelu[i], tolerance, "gelu at " + i);
      double term = gate.values()[4 + i] * v;
      double sum = before[i] + term;
      double rounding = 4 * Matrices.ROUNDOFF * (Math.abs(sum) + Math.abs(term));
      double scaled = Math.abs(gate.values()[4 + i]) * p.tolerance(i);
      assertEquals(sum, added[i], scaled + rounding, "gated at " + i);
    }
  }

  private static void assertStored(Product p, float[] y) {
    for (int i = 0; i < y.length; i++) {
      assertEquals(p.values()[i], y[i], p.tolerance(i), "row " + i / p.out() + " of " + p.rows());
    }
  }

  @Test
  void withoutBiasItIsZero() {
    Case c = Case.of(5, 33, 37);
    float[] y = new float[5 * 37];
    layer(37, 33, c.w, null)
        .apply(WORKERS, new Scratch(WORKERS), c.x, Rows.all(5), new Epilogue.Store(y));
    assertStored(Product.of(c.x, c.w, null, 5, 33, 37), y);
  }

  @Test
  void rowsLeftOutAreNeitherReadNorWritten() {
    int each = 7;
    Case c = Case.of(6 * each, 600, 37);
    float[] all = c.store();
    Rows some = new Rows(new int[] {0, 2, 5, 99}, 3, each);
    float[] x = c.x.clone();
    float[] expected = Matrices.untouched(all.length);
    for (int row = 0; row < 6 * each; row++) {
      int group = row / each;
      if (group == 0 || group == 2 || group == 5) {
        System.arraycopy(all, row * 37, expected, row * 37, 37);
      } else {
        Arrays.fill(x, row * 600, (row + 1) * 600, Float.NaN);
      }
    }
    float[] y = Matrices.untouched(all.length);
    c.layer().apply(WORKERS, new Scratch(WORKERS), x, some, new Epilogue.Store(y));
    Bits.assertSame(expected, y, "groups 0, 2 and 5");

    float[] residual = Matrices.untouched(all.length);
    PerGroup gate = new PerGroup(Matrices.normal(1, 6 * 37), offsets(6, 37), 0, each);
    c.layer()
        .apply(WORKERS, new Scratch(WORKERS), x, some, new Epilogue.GatedAdd(residual, gate, null));
    float[] before = Matrices.untouched(all.length);
    for (int i : List.of(each * 37, 3 * each * 37, 5 * each * 37 - 1)) {
      assertEquals(
          Float.floatToRawIntBits(before[i]), Float.floatToRawIntBits(residual[i]), "at " + i);
    }
  }

  private static int[] offsets(int groups, int width) {
    return IntStream.range(0, groups).map(g -> g * width).toArray();
  }

  /** Cuts, remainders, several panels, several blocks of rows. */
  static Stream<Arguments> packedSizes() {
    return Stream.of(
        Arguments.of(1, 1, 1),
        Arguments.of(5, 33, 40),
        Arguments.of(49, 128, 96),
        Arguments.of(31, 1152, 50),
        Arguments.of(3, 4609, 2),
        Arguments.of(200, 700, 600),
        Arguments.of(530, 1152, 120));
  }

  /** Weights of half the size are exactly the rounded ones. */
  @ParameterizedTest
  @MethodSource("packedSizes")
  void roundsToBfloat16(int rows, int in, int out) {
    float[] x = Matrices.normal(1, rows * in);
    float[] w = Matrices.normal(2, out * in);
    float[] bias = Matrices.normal(3, out);
    float[] rounded = new float[w.length];
    for (int i = 0; i < w.length; i++) {
      rounded[i] = Float.intBitsToFloat(Bfloat16Kernel.round(w[i]) << 16);
    }
    Scratch scratch = new Scratch(WORKERS);
    float[] expected = new float[rows * out];
    Linear.pack(out, in, reader(rounded, in), bias)
        .apply(WORKERS, scratch, x, Rows.all(rows), new Epilogue.Store(expected));
    Linear half = Linear.pack(WeightType.BFLOAT16, out, in, reader(w, in), bias);
    float[] y = new float[rows * out];
    half.apply(WORKERS, scratch, x, Rows.all(rows), new Epilogue.Store(y));
    Bits.assertSame(expected, y, "%d rows, %d to %d".formatted(rows, in, out));
    assertEquals(Linear.pack(out, in, reader(w, in), bias).bytes() / 2, half.bytes());

    float[] v = Matrices.normal(4, out * in);
    float[] vRounded = new float[v.length];
    for (int i = 0; i < v.length; i++) {
      vRounded[i] = Float.intBitsToFloat(Bfloat16Kernel.round(v[i]) << 16);
    }
    RowReader first = reader(rounded, in);
    RowReader second = reader(vRounded, in);
    Linear.packPairs(WeightType.FLOAT32, out, in, first, second)
        .apply(WORKERS, scratch, x, Rows.all(rows), new Epilogue.SwiGlu(expected));
    Linear.packPairs(WeightType.BFLOAT16, out, in, reader(w, in), reader(v, in))
        .apply(WORKERS, scratch, x, Rows.all(rows), new Epilogue.SwiGlu(y));
    Bits.assertSame(expected, y, "pairs");
  }

  /** Weights of a quarter of the size are exactly integers times their row's scale. */
  @ParameterizedTest
  @MethodSource("packedSizes")
  void keepsIntegers(int rows, int in, int out) {
    float[] x = Matrices.normal(1, rows * in);
    float[] bias = Matrices.normal(3, out);
    IntegerRows first = IntegerRows.random(4, out, in);
    IntegerRows second = IntegerRows.random(5, out, in);
    float[] y = run(Linear.pack(WeightType.INT8, out, in, first, bias), x, rows);
    Bits.assertSame(
        run(layer(out, in, first.values, bias), x, rows), y, "%d, %d, %d".formatted(rows, in, out));
    assertStored(Product.of(x, first.values, bias, rows, in, out), y);
    try (Workers one = new Workers(1);
        Workers three = new Workers(3)) {
      Linear layer = Linear.pack(WeightType.INT8, out, in, first, bias);
      for (Workers workers : List.of(one, three)) {
        float[] other = new float[rows * out];
        layer.apply(workers, new Scratch(workers), x, Rows.all(rows), new Epilogue.Store(other));
        Bits.assertSame(y, other, workers.threads() + " threads");
      }
    }
    Scratch scratch = new Scratch(WORKERS);
    float[] expected = new float[rows * out];
    float[] pairs = new float[rows * out];
    Linear.packPairs(
            WeightType.FLOAT32, out, in, reader(first.values, in), reader(second.values, in))
        .apply(WORKERS, scratch, x, Rows.all(rows), new Epilogue.SwiGlu(expected));
    Linear.packPairs(WeightType.INT8, out, in, first, second)
        .apply(WORKERS, scratch, x, Rows.all(rows), new Epilogue.SwiGlu(pairs));
    Bits.assertSame(expected, pairs, "pairs");
  }

  /** Where no scales are known, they are those with which the largest weight becomes 127. */
  @ParameterizedTest
  @CsvSource({"1, 1, 1", "7, 33, 40", "49, 577, 65", "13, 2400, 33"})
  void roundsToIntegers(int rows, int in, int out) {
    float[] x = Matrices.normal(1, rows * in);
    float[] w = Matrices.normal(2, out * in);
    float[] rounded = new float[w.length];
    for (int row = 0; row < out; row++) {
      float scale = Int8.scale(Arrays.copyOfRange(w, row * in, (row + 1) * in));
      for (int i = row * in; i < (row + 1) * in; i++) {
        rounded[i] = Int8.round(w[i], scale) * scale;
      }
    }
    Linear layer = Linear.pack(WeightType.INT8, out, in, reader(w, in), null);
    Bits.assertSame(
        run(layer(out, in, rounded, null), x, rows), run(layer, x, rows), "rounded on the way");
    long full = layer(out, in, w, null).bytes();
    assertTrue(layer.bytes() >= full / 4 && layer.bytes() <= full / 4 + full / in, "a quarter");
  }

  private static float[] run(Linear layer, float[] x, int rows) {
    float[] y = new float[rows * layer.out()];
    layer.apply(WORKERS, new Scratch(WORKERS), x, Rows.all(rows), new Epilogue.Store(y));
    return y;
  }

  /** All integers there are, -128 too, with scales that have nothing to do with the largest. */
  private record IntegerRows(int in, float[] scales, float[] values) implements RowReader {
    static IntegerRows random(long seed, int out, int in) {
      SplittableRandom random = new SplittableRandom(seed);
      float[] scales = new float[out];
      float[] values = new float[out * in];
      for (int row = 0; row < out; row++) {
        scales[row] = row % 7 == 6 ? 0 : (float) Math.exp(random.nextDouble(-9, 1));
        for (int i = row * in; i < (row + 1) * in; i++) {
          values[i] = (byte) random.nextInt() * scales[row];
        }
      }
      return new IntegerRows(in, scales, values);
    }

    @Override
    public void read(int row, float[] into, int at) {
      System.arraycopy(values, row * in, into, at, in);
    }

    @Override
    public float scale(int row) {
      return scales[row];
    }
  }

  /** The norm on the way into the layer is the norm before it, to the last bit. */
  @ParameterizedTest
  @CsvSource({"5, 1, 3", "7, 33, 40", "49, 128, 96", "16, 1152, 50", "3, 4609, 2", "31, 700, 600"})
  void normalisesWhatItReads(int each, int in, int out) {
    int groups = 5;
    int rows = groups * each;
    float[] x = Matrices.normal(1, rows * in, 3, 2);
    int[] offsets = {4 * in, 0, in, 3 * in, 2 * in};
    PerGroup shift = new PerGroup(Matrices.normal(2, 5 * in), offsets, 0, each);
    PerGroup scale = new PerGroup(Matrices.normal(3, 6 * in), offsets, in, each);
    Linear layer = Linear.pack(out, in, reader(Matrices.normal(4, out * in), in), null);
    Scratch scratch = new Scratch(WORKERS);
    float[] z = new float[x.length];
    LayerNorm.modulate(WORKERS, x, rows, in, 1e-6f, shift, scale, z);
    Rows some = new Rows(new int[] {0, 2, 3}, 3, each);
    float[] expected = new float[rows * out];
    layer.apply(WORKERS, scratch, z, some, new Epilogue.Store(expected));
    LayerNorm.Moments moments = LayerNorm.Moments.of(rows);
    LayerNorm.moments(WORKERS, x, rows, in, 1e-6f, moments, shift, scale, null);
    Prologue norm = new Prologue.ModulatedNorm(x, moments, shift, scale);
    float[] y = new float[rows * out];
    layer.apply(WORKERS, scratch, norm, some, new Epilogue.Store(y));
    Bits.assertSame(expected, y, "%d rows, %d to %d".formatted(rows, in, out));
  }

  @Test
  void noRowsAtAll() {
    Case c = Case.of(4, 9, 5);
    float[] y = Matrices.untouched(20);
    c.layer()
        .apply(
            WORKERS, new Scratch(WORKERS), c.x, new Rows(new int[4], 0, 1), new Epilogue.Store(y));
    Bits.assertSame(Matrices.untouched(20), y, "nothing asked for");
  }

  /** And scratch memory that has seen NaN hands none of it on. */
  @Test
  void nanAndInfinityStayInTheirRowAndColumn() {
    Case clean = Case.of(25, 600, 37);
    float[] expected = clean.store();
    Scratch scratch = new Scratch(WORKERS);
    float[] x = clean.x.clone();
    float[] w = clean.w.clone();
    x[3 * 600 + 17] = Float.NaN;
    w[5 * 600 + 599] = Float.POSITIVE_INFINITY;
    float[] y = new float[expected.length];
    layer(37, 600, w, clean.bias).apply(WORKERS, scratch, x, Rows.all(25), new Epilogue.Store(y));
    for (int i = 0; i < y.length; i++) {
      int row = i / 37;
      int column = i % 37;
      if (row == 3 || column == 5) {
        assertTrue(!Float.isFinite(y[i]), "row %d, column %d".formatted(row, column));
      } else {
        assertEquals(expected[i], y[i], "row %d, column %d".formatted(row, column));
      }
    }
    clean.layer().apply(WORKERS, scratch, clean.x, Rows.all(25), new Epilogue.Store(y));
    Bits.assertSame(expected, y, "the same scratch memory afterwards");
    Case smaller = Case.of(2, 600, 37);
    float[] few = new float[2 * 37];
    smaller.layer().apply(WORKERS, scratch, smaller.x, Rows.all(2), new Epilogue.Store(few));
    Bits.assertSame(smaller.store(), few, "fewer rows than before");
  }

  @Test
  void sizesThatMakeNoLayerAreRefused() {
    for (int[] size : new int[][] {{0, 4}, {4, 0}, {-1, 4}, {4, -1}}) {
      assertThrows(
          LazyDitException.class, () -> Linear.pack(size[0], size[1], (r, into, at) -> {}, null));
    }
    String message =
        assertThrows(
                LazyDitException.class, () -> Linear.pack(4, 2, (r, into, at) -> {}, new float[3]))
            .getMessage();
    assertTrue(message.contains("[4, 2] with 3 values"), message);
  }

  @Test
  void knowsItsSizes() {
    Linear layer = Case.of(1, 9, 5).layer();
    assertEquals(9, layer.in());
    assertEquals(5, layer.out());
    assertTrue(layer.bytes() >= 9 * 5 * Float.BYTES);
  }

  @Test
  void theBiasIsCopied() {
    Case c = Case.of(2, 9, 5);
    float[] expected = c.store();
    Linear layer = c.layer();
    Arrays.fill(c.bias, 100);
    float[] y = new float[10];
    layer.apply(WORKERS, new Scratch(WORKERS), c.x, Rows.all(2), new Epilogue.Store(y));
    Bits.assertSame(expected, y, "after the caller's array has changed");
  }
}
