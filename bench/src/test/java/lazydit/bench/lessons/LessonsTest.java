package lazydit.bench.lessons;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import jdk.incubator.vector.FloatVector;
import lazydit.bench.AttentionWork;
import lazydit.bench.GemmWork;
import lazydit.bench.NormWork;
import lazydit.bench.Work;
import lazydit.engine.Workers;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.openjdk.jmh.annotations.Param;

/** Every step computes the same as the formula in float64. */
class LessonsTest {
  private static final double TOLERANCE = 1e-5;
  private static final int LANES = FloatVector.SPECIES_PREFERRED.length();

  @TestFactory
  Stream<DynamicTest> productsAreRight() {
    GemmWork work = new GemmWork(8, 37, 16 * LANES);
    return steps(work, product(work));
  }

  @TestFactory
  Stream<DynamicTest> attentionIsRight() {
    // Heads that are no whole vectors, and several of them.
    AttentionWork work = new AttentionWork(2, 3, 2 * LANES, 2 * LANES + 4);
    return steps(work, attention(work));
  }

  @TestFactory
  Stream<DynamicTest> normsAreRight() {
    NormWork work = new NormWork(2, 3, 5 * LANES);
    return steps(work, norm(work));
  }

  @Test
  void theBenchmarkHasAllSteps() throws NoSuchFieldException {
    String[] lessons = LessonsBenchmark.class.getField("lesson").getAnnotation(Param.class).value();
    Set<String> steps = new LinkedHashSet<>();
    try (Workers one = new Workers(1)) {
      for (String lesson : lessons) {
        String work = lesson.split(" ")[0];
        Lessons.steps(Work.named(work), one).keySet().forEach(step -> steps.add(work + " " + step));
      }
    }
    assertEquals(List.of(lessons), List.copyOf(steps));
  }

  private static Stream<DynamicTest> steps(Work work, double[] expected) {
    Workers one = new Workers(1);
    return Lessons.steps(work, one).entrySet().stream()
        .map(
            step ->
                DynamicTest.dynamicTest(
                    work.benchmark() + " " + step.getKey(),
                    () -> {
                      try (var side = step.getValue().get()) {
                        side.run();
                        // Again, over the first result.
                        side.run();
                        assertClose(expected, side.result());
                      }
                    }))
        .onClose(one::close);
  }

  private static void assertClose(double[] expected, float[] found) {
    assertEquals(expected.length, found.length);
    for (int i = 0; i < found.length; i++) {
      assertEquals(
          expected[i], found[i], TOLERANCE * Math.max(1, Math.abs(expected[i])), "at " + i);
    }
  }

  private static double[] product(GemmWork work) {
    float[] x = work.x();
    float[] w = work.weights();
    double[] y = new double[work.m() * work.out()];
    for (int at = 0; at < y.length; at++) {
      for (int i = 0; i < work.in(); i++) {
        int row = at / work.out();
        int column = at % work.out();
        y[at] += (double) x[row * work.in() + i] * w[column * work.in() + i];
      }
    }
    return y;
  }

  private static double[] attention(AttentionWork work) {
    float[] qkv = work.qkv();
    int d = work.headDim();
    int width = work.heads() * d;
    double[] out = new double[qkv.length / 3];
    for (int at = 0; at < out.length; at++) {
      int feature = at % d;
      int head = at / d % work.heads();
      int token = at / width;
      int first = token / work.tokens() * work.tokens();
      double sum = 0;
      for (int key = first; key < first + work.tokens(); key++) {
        double score = 0;
        for (int f = 0; f < d; f++) {
          int query = token * 3 * width + head * d + f;
          score += (double) qkv[query] * qkv[(key * 3 + 1) * width + head * d + f];
        }
        // Scores are small here: no maximum is needed in float64.
        double weight = Math.exp(score / Math.sqrt(d));
        sum += weight;
        out[at] += weight * qkv[(key * 3 + 2) * width + head * d + feature];
      }
      out[at] /= sum;
    }
    return out;
  }

  private static double[] norm(NormWork work) {
    float[] x = work.x();
    float[] shift = work.shift();
    float[] scale = work.scale();
    int n = work.width();
    double[] y = new double[x.length];
    for (int row = 0; row < x.length / n; row++) {
      double mean = 0;
      double square = 0;
      for (int i = 0; i < n; i++) {
        mean += (double) x[row * n + i] / n;
        square += (double) x[row * n + i] * x[row * n + i] / n;
      }
      double factor = 1 / Math.sqrt(square - mean * mean + NormWork.EPS);
      int vector = row / work.tokens() * n;
      for (int i = 0; i < n; i++) {
        double normed = (x[row * n + i] - mean) * factor;
        y[row * n + i] = normed * (1 + scale[vector + i]) + shift[vector + i];
      }
    }
    return y;
  }
}
