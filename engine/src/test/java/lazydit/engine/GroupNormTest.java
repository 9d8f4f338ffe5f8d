package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Group normalisation against float64, also where float32 loses its digits. */
@RunsHere
class GroupNormTest {
  private static final float EPS = 1e-6f;

  private record Images(String name, int batch, int pixels, int channels, int groups, float[] x) {
    static Images of(String name, int[] sizes, double mean, double deviation) {
      int size = sizes[0] * sizes[1] * sizes[2];
      float[] x = Matrices.normal(size, size, mean, deviation);
      return new Images(name, sizes[0], sizes[1], sizes[2], sizes[3], x);
    }

    @Override
    public String toString() {
      return "%s [%d, %d, %d] in %d".formatted(name, batch, pixels, channels, groups);
    }
  }

  static Stream<Images> images() {
    return Stream.of(
            new int[] {1, 1, 1, 1},
            new int[] {1, 7, 5, 5},
            new int[] {2, 35, 16, 8},
            new int[] {1, 36, 32, 32},
            new int[] {3, 130, 33, 3},
            new int[] {1, 64, 128, 32},
            new int[] {1, 1000, 51, 17},
            new int[] {2, 9, 512, 32})
        .flatMap(
            sizes ->
                Stream.of(
                    Images.of("normal", sizes, 0, 1),
                    Images.of("far from 0", sizes, 1e4, 0.01),
                    Images.of("further", sizes, -1e6, 1),
                    Images.of("tiny", sizes, 0, 1e-20),
                    Images.of("constant", sizes, 12345.678f, 0),
                    outlier(Images.of("outlier", sizes, 0, 1)),
                    channelOffsets(Images.of("channels apart", sizes, 0, 0.1))));
  }

  private static Images outlier(Images images) {
    images.x[images.x.length / 2] = -1e4f;
    images.x[0] = 1e4f;
    return images;
  }

  private static Images channelOffsets(Images images) {
    for (int i = 0; i < images.x.length; i++) {
      images.x[i] += 100 * (i % images.channels);
    }
    return images;
  }

  @ParameterizedTest
  @MethodSource("images")
  void agreesWithFloat64(Images in) {
    float[] weight = Matrices.normal(1, in.channels);
    float[] bias = Matrices.normal(2, in.channels);
    double[] normed = normed(in);
    double scale = Math.max(1, Arrays.stream(normed).map(Math::abs).max().orElseThrow());
    float[] y = new float[in.x.length];
    float[] silu = in.x.clone();
    GroupNorm norm = new GroupNorm(in.groups, weight, bias, EPS);
    try (Workers workers = new Workers(2)) {
      Scratch scratch = new Scratch(workers);
      norm.apply(workers, scratch, in.x, in.batch, in.pixels, false, y);
      norm.apply(workers, scratch, silu, in.batch, in.pixels, true, silu);
    }
    for (int i = 0; i < y.length; i++) {
      double w = weight[i % in.channels];
      double expected = normed[i] * w + bias[i % in.channels];
      double tolerance = 2e-6 * scale * Math.max(1, Math.abs(w));
      assertEquals(expected, y[i], tolerance, "at " + i);
      assertEquals(expected / (1 + Math.exp(-expected)), silu[i], 1.13 * tolerance, "silu " + i);
    }
  }

  private static double[] normed(Images in) {
    int each = in.channels / in.groups;
    double[] y = new double[in.x.length];
    for (int sample = 0; sample < in.batch; sample++) {
      for (int g = 0; g < in.groups; g++) {
        int[] at = new int[in.pixels * each];
        for (int i = 0; i < at.length; i++) {
          at[i] = (sample * in.pixels + i / each) * in.channels + g * each + i % each;
        }
        double mean = Arrays.stream(at).mapToDouble(i -> in.x[i]).average().orElseThrow();
        double variance =
            Arrays.stream(at)
                .mapToDouble(i -> (in.x[i] - mean) * (in.x[i] - mean))
                .average()
                .orElseThrow();
        Arrays.stream(at).forEach(i -> y[i] = (in.x[i] - mean) / Math.sqrt(variance + EPS));
      }
    }
    return y;
  }

  @Property(tries = 40)
  void anyNumberOfThreadsAndAnyBatchGivesTheSameBits(
      @ForAll @IntRange(min = 1, max = 500) int pixels,
      @ForAll @IntRange(min = 1, max = 40) int each,
      @ForAll @IntRange(min = 1, max = 9) int groups,
      @ForAll @IntRange(min = 2, max = 5) int threads) {
    int channels = each * groups;
    int length = pixels * channels;
    float[] x = Matrices.normal(pixels, 2 * length);
    GroupNorm norm =
        new GroupNorm(groups, Matrices.normal(1, channels), Matrices.normal(2, channels), EPS);
    float[] expected = new float[2 * length];
    float[] found = new float[2 * length];
    float[] alone = new float[length];
    try (Workers one = new Workers(1);
        Workers many = new Workers(threads)) {
      norm.apply(one, new Scratch(one), x, 2, pixels, true, expected);
      norm.apply(many, new Scratch(many), x, 2, pixels, true, found);
      norm.apply(
          many,
          new Scratch(many),
          Arrays.copyOfRange(x, length, 2 * length),
          1,
          pixels,
          true,
          alone);
    }
    Bits.assertSame(expected, found, "threads");
    Bits.assertSame(Arrays.copyOfRange(expected, length, 2 * length), alone, "a sample alone");
  }

  @Test
  void nanStaysInItsGroup() {
    float[] x = Matrices.normal(1, 2 * 20 * 12);
    float[] clean = new float[x.length];
    float[] y = new float[x.length];
    float[] ones = new float[12];
    Arrays.fill(ones, 1);
    GroupNorm norm = new GroupNorm(4, ones, new float[12], EPS);
    try (Workers workers = new Workers(2)) {
      Scratch scratch = new Scratch(workers);
      norm.apply(workers, scratch, x, 2, 20, false, clean);
      x[20 * 12 + 5 * 12 + 4] = Float.NaN;
      norm.apply(workers, scratch, x, 2, 20, false, y);
    }
    for (int i = 0; i < y.length; i++) {
      boolean hit = i >= 20 * 12 && i % 12 / 3 == 1;
      assertTrue(hit ? Float.isNaN(y[i]) : y[i] == clean[i], "at " + i);
    }
  }

  @Test
  void groupsThatDoNotDivideAreRefused() {
    for (int groups : new int[] {0, -1, 5}) {
      String message =
          assertThrows(
                  LazyDitException.class,
                  () -> new GroupNorm(groups, new float[12], new float[12], EPS))
              .getMessage();
      assertTrue(message.contains("12 channels cannot have " + groups), message);
    }
    assertThrows(LazyDitException.class, () -> new GroupNorm(4, new float[12], new float[11], EPS));
  }
}
