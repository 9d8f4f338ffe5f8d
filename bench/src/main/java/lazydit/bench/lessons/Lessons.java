package lazydit.bench.lessons;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import lazydit.bench.AttentionWork;
import lazydit.bench.GemmWork;
import lazydit.bench.NormWork;
import lazydit.bench.Side;
import lazydit.bench.Work;
import lazydit.engine.Workers;

/** The steps towards a kernel, in reading order; the engine's own kernel is the last one. */
final class Lessons {
  private Lessons() {}

  /**
   * The steps towards a kernel.
   *
   * @param work a product, an attention or a norm
   * @param one one thread, for the engine
   * @return ways of doing the work by their names, each with inputs and memory of its own
   */
  static Map<String, Supplier<Side>> steps(Work work, Workers one) {
    Map<String, Supplier<Side>> steps =
        switch (work) {
          case GemmWork gemm -> product(gemm);
          case AttentionWork attention -> attention(attention);
          case NormWork norm -> norm(norm);
          default -> throw new IllegalArgumentException("there is no lesson on " + work.name());
        };
    steps.put("engine", () -> work.ours(one));
    return steps;
  }

  private interface Product {
    void multiply(float[] x, float[] w, int m, int in, int out, float[] y);
  }

  private static Map<String, Supplier<Side>> product(GemmWork work) {
    Map<String, Supplier<Side>> steps = new LinkedHashMap<>();
    steps.put("dot", () -> product(work, work.weights(), ProductLessons::dot));
    steps.put("rows", () -> product(work, transposed(work), ProductLessons::rows));
    steps.put("vectors", () -> product(work, transposed(work), ProductLessons::vectors));
    steps.put("tile", () -> product(work, transposed(work), ProductLessons::tile));
    steps.put(
        "packed",
        () -> {
          float[] panels = ProductLessons.pack(transposed(work), work.in(), work.out());
          return product(work, panels, ProductLessons::packed);
        });
    return steps;
  }

  private static Side product(GemmWork work, float[] weights, Product product) {
    float[] x = work.x();
    float[] y = new float[work.m() * work.out()];
    return side(y, () -> product.multiply(x, weights, work.m(), work.in(), work.out(), y));
  }

  private static float[] transposed(GemmWork work) {
    float[] w = work.weights();
    float[] wt = new float[w.length];
    for (int j = 0; j < work.out(); j++) {
      for (int i = 0; i < work.in(); i++) {
        wt[i * work.out() + j] = w[j * work.in() + i];
      }
    }
    return wt;
  }

  private static Map<String, Supplier<Side>> attention(AttentionWork work) {
    AttentionLessons lesson =
        new AttentionLessons(work.batch(), work.heads(), work.tokens(), work.headDim());
    Map<String, Supplier<Side>> steps = new LinkedHashMap<>();
    steps.put(
        "matrices",
        () -> {
          float[] qkv = work.qkv();
          float[] scores = new float[work.batch() * work.heads() * work.tokens() * work.tokens()];
          float[] weights = new float[scores.length];
          float[] out = new float[qkv.length / 3];
          return side(out, () -> lesson.matrices(qkv, scores, weights, out));
        });
    steps.put(
        "online",
        () -> {
          float[] qkv = work.qkv();
          float[] out = new float[qkv.length / 3];
          return side(out, () -> lesson.online(qkv, out));
        });
    return steps;
  }

  private interface Norm {
    void apply(float[] x, float[] shift, float[] scale, float[] y);
  }

  private static Map<String, Supplier<Side>> norm(NormWork work) {
    NormLessons lesson = new NormLessons(work.samples(), work.tokens(), work.width(), NormWork.EPS);
    Map<String, Supplier<Side>> steps = new LinkedHashMap<>();
    steps.put("scalar", () -> norm(work, lesson::scalar));
    steps.put("vectors", () -> norm(work, lesson::vectors));
    return steps;
  }

  private static Side norm(NormWork work, Norm norm) {
    float[] x = work.x();
    float[] shift = work.shift();
    float[] scale = work.scale();
    float[] y = new float[x.length];
    return side(y, () -> norm.apply(x, shift, scale, y));
  }

  private static Side side(float[] result, Runnable run) {
    return new Side() {
      @Override
      public void run() {
        run.run();
      }

      @Override
      public float[] result() {
        return result;
      }
    };
  }
}
