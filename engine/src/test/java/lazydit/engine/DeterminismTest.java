package lazydit.engine;

import java.util.Arrays;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Whatever the sizes and the number of threads: the bits are those of one thread. */
@RunsHere
class DeterminismTest {
  @Property(tries = 60)
  void linearLayers(
      @ForAll @IntRange(min = 1, max = 90) int rows,
      @ForAll @IntRange(min = 1, max = 1300) int in,
      @ForAll @IntRange(min = 1, max = 90) int out,
      @ForAll @IntRange(min = 2, max = 5) int threads) {
    float[] x = Matrices.normal(rows, rows * in);
    float[] w = Matrices.normal(in, out * in);
    Linear layer =
        Linear.pack(
            out, in, (row, to, at) -> System.arraycopy(w, row * in, to, at, in), new float[out]);
    try (Workers one = new Workers(1);
        Workers many = new Workers(threads)) {
      for (boolean gelu : new boolean[] {false, true}) {
        float[] expected = new float[rows * out];
        float[] found = new float[rows * out];
        layer.apply(one, new Scratch(one), x, Rows.all(rows), epilogue(gelu, expected));
        layer.apply(many, new Scratch(many), x, Rows.all(rows), epilogue(gelu, found));
        Bits.assertSame(expected, found, "gelu " + gelu);
      }
    }
  }

  private static Epilogue epilogue(boolean gelu, float[] y) {
    return gelu ? new Epilogue.Gelu(y) : new Epilogue.Store(y);
  }

  /** A row's result depends on nothing but the row: not on its place, nor on who is computed. */
  @Property(tries = 40)
  void everyRowByItself(
      @ForAll @IntRange(min = 1, max = 40) int rows,
      @ForAll @IntRange(min = 1, max = 1300) int in,
      @ForAll @IntRange(min = 1, max = 40) int out,
      @ForAll @IntRange(min = 0, max = 39) int which) {
    int row = which % rows;
    float[] x = Matrices.normal(rows, rows * in);
    float[] w = Matrices.normal(in, out * in);
    Linear layer =
        Linear.pack(out, in, (r, to, at) -> System.arraycopy(w, r * in, to, at, in), null);
    try (Workers workers = new Workers(2)) {
      float[] all = new float[rows * out];
      float[] one = new float[rows * out];
      Scratch scratch = new Scratch(workers);
      layer.apply(workers, scratch, x, Rows.all(rows), new Epilogue.Store(all));
      layer.apply(workers, scratch, x, new Rows(new int[] {row}, 1, 1), new Epilogue.Store(one));
      int from = row * out;
      Bits.assertSame(
          Arrays.copyOfRange(all, from, from + out),
          Arrays.copyOfRange(one, from, from + out),
          "row " + row);
    }
  }

  @Property(tries = 30)
  void layerNorm(
      @ForAll @IntRange(min = 1, max = 40) int rows,
      @ForAll @IntRange(min = 1, max = 300) int width,
      @ForAll @IntRange(min = 2, max = 5) int threads) {
    float[] x = Matrices.normal(rows, rows * width);
    PerGroup vectors =
        new PerGroup(
            Matrices.normal(1, rows * width),
            IntStream.range(0, rows).map(r -> r * width).toArray(),
            0,
            1);
    float[] w = Matrices.normal(2, width);
    try (Workers one = new Workers(1);
        Workers many = new Workers(threads)) {
      float[][] y = new float[2][rows * width];
      float[][] dots = new float[2][rows];
      for (int i = 0; i < 2; i++) {
        LayerNorm.Probe probe = new LayerNorm.Probe(w, 0, dots[i]);
        Workers workers = i == 0 ? one : many;
        LayerNorm.Moments moments = LayerNorm.Moments.of(rows);
        LayerNorm.moments(workers, x, rows, width, 1e-6f, moments, vectors, vectors, probe);
        LayerNorm.modulate(workers, x, rows, width, 1e-6f, vectors, vectors, y[i]);
      }
      Bits.assertSame(y[0], y[1], "rows");
      Bits.assertSame(dots[0], dots[1], "dots");
    }
  }
}
