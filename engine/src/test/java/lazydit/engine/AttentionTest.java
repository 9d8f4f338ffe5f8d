package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Attention against softmax(q k' / sqrt(d)) v in float64. */
@RunsHere
class AttentionTest {
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 8",
    "1, 3, 64",
    "2, 2, 24",
    "7, 4, 32",
    "31, 1, 72",
    "32, 3, 8",
    "33, 2, 64",
    "49, 4, 24",
    "64, 2, 72",
    "257, 1, 32",
    "577, 1, 8",
    "1200, 1, 8",
  })
  void agreesWithFloat64(int tokens, int heads, int headDim) {
    check(2, tokens, heads, headDim, 1);
  }

  /** Scores of many hundreds: a softmax that subtracts no maximum, or the wrong one, overflows. */
  @ParameterizedTest
  @ValueSource(ints = {1, 7, 33, 64})
  void sharpLogits(int tokens) {
    check(1, tokens, 2, 24, 25);
  }

  @Test
  void equalKeysAverageTheValues() {
    int tokens = 49;
    float[] qkv = Matrices.normal(1, tokens * 3 * 8);
    double[] mean = new double[8];
    for (int t = 0; t < tokens; t++) {
      for (int f = 0; f < 8; f++) {
        qkv[t * 24 + 8 + f] = 5;
        mean[f] += qkv[t * 24 + 16 + f] / (double) tokens;
      }
    }
    float[] out = run(WORKERS, new Attention(tokens, 1, 8), qkv, 1, tokens, tokens * 8);
    for (int i = 0; i < out.length; i++) {
      assertEquals(mean[i % 8], out[i], 1e-6);
    }
  }

  @Test
  void samplesLeftOutAreNeitherReadNorWritten() {
    int tokens = 33;
    int length = tokens * 2 * 24;
    float[] qkv = Matrices.normal(5, 4 * 3 * length);
    Attention attention = new Attention(tokens, 2, 24);
    float[] all = run(WORKERS, attention, qkv, 4, tokens, 4 * length);
    float[] expected = Matrices.untouched(4 * length);
    for (int sample : new int[] {1, 3}) {
      System.arraycopy(all, sample * length, expected, sample * length, length);
    }
    for (int i = 0; i < 3 * length; i++) {
      qkv[i] = Float.NaN;
      qkv[2 * 3 * length + i] = Float.NaN;
    }
    float[] out = Matrices.untouched(4 * length);
    Rows some = new Rows(new int[] {1, 3, 0, 0}, 2, tokens);
    attention.apply(WORKERS, new Scratch(WORKERS), qkv, some, out);
    Bits.assertSame(expected, out, "samples 1 and 3");
  }

  /** Scratch memory that has seen NaN in a longer sequence hands none of it on. */
  @Test
  void nanStaysInItsHead() {
    int tokens = 33;
    float[] qkv = Matrices.normal(6, tokens * 3 * 48);
    Attention attention = new Attention(tokens, 2, 24);
    float[] clean = run(WORKERS, attention, qkv, 1, tokens, tokens * 48);
    float[] poisoned = qkv.clone();
    poisoned[7 * 144 + 3] = Float.NaN;
    poisoned[9 * 144 + 48 + 3] = Float.NaN;
    poisoned[9 * 144 + 96 + 3] = Float.NaN;
    Scratch scratch = new Scratch(WORKERS);
    float[] out = new float[tokens * 48];
    attention.apply(WORKERS, scratch, poisoned, new Rows(new int[1], 1, tokens), out);
    assertFalse(Float.isFinite(out[0]));
    for (int i = 0; i < out.length; i++) {
      if (i % 48 >= 24) {
        assertEquals(clean[i], out[i], "head 1");
      }
    }
    float[] fewer = Matrices.normal(7, 5 * 3 * 8);
    float[] after = new float[5 * 8];
    new Attention(5, 1, 8).apply(WORKERS, scratch, fewer, new Rows(new int[1], 1, 5), after);
    Bits.assertSame(
        run(WORKERS, new Attention(5, 1, 8), fewer, 1, 5, 5 * 8), after, "the same scratch memory");
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void anyNumberOfThreadsGivesTheSameBits(int threads) {
    int tokens = 97;
    float[] qkv = Matrices.normal(8, 3 * tokens * 3 * 72);
    Attention attention = new Attention(tokens, 3, 24);
    try (Workers one = new Workers(1);
        Workers many = new Workers(threads)) {
      Bits.assertSame(
          run(one, attention, qkv, 3, tokens, 3 * tokens * 72),
          run(many, attention, qkv, 3, tokens, 3 * tokens * 72),
          threads + " threads");
    }
  }

  /** Shared keys and values are the same as repeated ones, to the bit. */
  @ParameterizedTest
  @CsvSource({"5, 4, 2, 8", "33, 6, 1, 24", "49, 4, 4, 8", "70, 9, 3, 16"})
  void headsShareKeysAndValues(int tokens, int heads, int kvHeads, int headDim) {
    int width = heads * headDim;
    int kvWidth = kvHeads * headDim;
    int stride = width + 2 * kvWidth;
    float[] grouped = Matrices.normal(9, 2 * tokens * stride);
    float[] repeated = new float[2 * tokens * 3 * width];
    for (int row = 0; row < 2 * tokens; row++) {
      System.arraycopy(grouped, row * stride, repeated, row * 3 * width, width);
      for (int head = 0; head < heads; head++) {
        int from = row * stride + width + head / (heads / kvHeads) * headDim;
        int to = row * 3 * width + width + head * headDim;
        System.arraycopy(grouped, from, repeated, to, headDim);
        System.arraycopy(grouped, from + kvWidth, repeated, to + width, headDim);
      }
    }
    int length = 2 * tokens * width;
    Bits.assertSame(
        run(WORKERS, new Attention(tokens, heads, headDim), repeated, 2, tokens, length),
        run(WORKERS, new Attention(tokens, heads, kvHeads, headDim), grouped, 2, tokens, length),
        "grouped heads");
  }

  @Test
  void sizesOutOfRangeAreRefused() {
    assertThrows(LazyDitException.class, () -> new Attention(1, 4, 3, 8));
    assertThrows(LazyDitException.class, () -> new Attention(1, 4, 0, 8));
    assertThrows(LazyDitException.class, () -> new Attention(0, 1, 8));
    assertThrows(LazyDitException.class, () -> new Attention(1, 0, 8));
    assertThrows(LazyDitException.class, () -> new Attention(1, 1, 0));
    assertThrows(LazyDitException.class, () -> new Attention(1, 1, 1 << 20));
  }

  private static float[] run(
      Workers workers, Attention attention, float[] qkv, int samples, int tokens, int length) {
    int[] groups = IntStream.range(0, samples).toArray();
    float[] out = Matrices.untouched(length);
    attention.apply(workers, new Scratch(workers), qkv, new Rows(groups, samples, tokens), out);
    return out;
  }

  private static void check(int samples, int tokens, int heads, int headDim, double sharpness) {
    int width = heads * headDim;
    float[] qkv = Matrices.normal(tokens + headDim, samples * tokens * 3 * width);
    for (int i = 0; i < qkv.length; i++) {
      qkv[i] *= i / width % 3 == 2 ? 1f : (float) sharpness;
    }
    Attention attention = new Attention(tokens, heads, headDim);
    float[] out = run(WORKERS, attention, qkv, samples, tokens, samples * tokens * width);
    double[] weights = new double[tokens];
    for (int row = 0; row < samples * tokens; row++) {
      int first = row / tokens * tokens;
      for (int h = 0; h < heads; h++) {
        int at = h * headDim;
        double max = Double.NEGATIVE_INFINITY;
        double magnitude = 0;
        for (int t = 0; t < tokens; t++) {
          double dot = 0;
          double terms = 0;
          for (int f = 0; f < headDim; f++) {
            double term =
                (double) qkv[row * 3 * width + at + f]
                    * qkv[(first + t) * 3 * width + width + at + f];
            dot += term;
            terms += Math.abs(term);
          }
          weights[t] = dot / Math.sqrt(headDim);
          max = Math.max(max, weights[t]);
          magnitude = Math.max(magnitude, terms / Math.sqrt(headDim));
        }
        double sum = 0;
        for (int t = 0; t < tokens; t++) {
          weights[t] = Math.exp(weights[t] - max);
          sum += weights[t];
        }
        // A score off by d changes a weight by the factor exp(d), and so does the maximum.
        double relative = 2 * Matrices.relative(headDim) * magnitude + Matrices.relative(tokens);
        for (int f = 0; f < headDim; f++) {
          double expected = 0;
          double scale = 0;
          for (int t = 0; t < tokens; t++) {
            double v = qkv[(first + t) * 3 * width + 2 * width + at + f];
            expected += weights[t] / sum * v;
            scale += weights[t] / sum * Math.abs(v);
          }
          // Both the value's own error and the sum's.
          assertEquals(
              expected,
              out[row * width + at + f],
              2 * relative * Math.max(scale, 1e-30),
              "row %d, head %d, feature %d".formatted(row, h, f));
        }
      }
    }
  }
}
