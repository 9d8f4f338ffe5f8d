package lazydit.dit;

import static lazydit.dit.Samples.SMALL;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import lazydit.engine.LazyDitException;
import lazydit.engine.PerGroup;
import lazydit.engine.Scratch;
import lazydit.engine.Workers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The network against the float64 reference, and against itself run in other ways. */
class DitForwardTest {
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  static Stream<DitConfig> configs() {
    return Stream.of(
        SMALL,
        new DitConfig(14, 2, 1, 48, 2, 2, 192, 10, false),
        new DitConfig(20, 4, 4, 64, 3, 4, 256, 1, true),
        new DitConfig(16, 8, 3, 72, 1, 1, 288, 3, true),
        new DitConfig(2, 2, 4, 20, 2, 5, 50, 7, false),
        new DitConfig(7, 1, 2, 36, 1, 2, 70, 2, true));
  }

  @ParameterizedTest
  @MethodSource("configs")
  void agreesWithFloat64(DitConfig config) {
    RandomWeights weights = new RandomWeights(config, 1);
    check(config, weights);
    check(config, weights.without("pos_embed"));
  }

  private static void check(DitConfig config, RandomWeights weights) {
    int batch = 3;
    float[] images = Samples.images(config, batch, 2);
    float[] t = {999, 0, 333.25f};
    int[] labels = {0, config.nullClass(), config.numClasses() - 1};
    float[] out = new float[batch * config.outputLength()];
    new Dit(config, weights)
        .newRun(batch, 1, CachePolicy.none(), WORKERS)
        .forward(images, t, labels, 0, out);
    ReferenceDit reference = new ReferenceDit(config, weights);
    for (int b = 0; b < batch; b++) {
      double[] expected =
          reference.forward(
              Samples.part(images, b, batch), t[b], labels[b], ReferenceDit.BranchRule.COMPUTE);
      Samples.assertClose(expected, Samples.part(out, b, batch), 4e-6, config + ", sample " + b);
    }
  }

  /** Conditioning made ahead of the steps is the one made at the step, to the bit. */
  @Test
  void conditionedStepsEqualForwardWithTimesteps() {
    Dit dit = new Dit(SMALL, new RandomWeights(SMALL, 3));
    int steps = 5;
    int[] labels = {2, 0, 2, SMALL.nullClass()};
    float[] timesteps = {0, 250, 500, 749, 999};
    float[] images = Samples.images(SMALL, 4, 4);
    DitRun ahead = dit.newRun(4, steps, CachePolicy.none(), WORKERS);
    ahead.condition(timesteps, labels);
    DitRun each = dit.newRun(4, steps, CachePolicy.none(), WORKERS);
    for (int step : new int[] {4, 3, 2, 1, 0, 4, 1}) {
      float[] expected = new float[4 * SMALL.outputLength()];
      float[] found = new float[expected.length];
      float[] t = new float[4];
      Arrays.fill(t, timesteps[step]);
      each.forward(images, t, labels, step, expected);
      ahead.forward(images, step, found);
      Samples.assertBits(expected, found, "step " + step);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5})
  void conditioningInPiecesIsTheSame(int chunk) {
    Dit dit = new Dit(SMALL, new RandomWeights(SMALL, 3));
    float[] timesteps = {0, 250, 500, 749, 999};
    int[] labels = {2, 0, 2};
    Scratch scratch = new Scratch(WORKERS);
    Conditioning whole = new Conditioning(dit, WORKERS, scratch, timesteps, labels, null);
    // Room for as many steps of two distinct labels.
    long stepBytes = (6L * SMALL.depth() + 2) * SMALL.hiddenSize() * Float.BYTES * 2;
    Conditioning pieces =
        new Conditioning(dit, WORKERS, scratch, timesteps, labels, null, chunk * stepBytes);
    for (int step : new int[] {4, 3, 2, 1, 0, 4, 0, 2}) {
      whole.moveTo(step);
      pieces.moveTo(step);
      for (int row = 0; row < 3 * SMALL.tokens(); row += SMALL.tokens()) {
        for (int block = 0; block < SMALL.depth(); block++) {
          assertVectors(whole.block(block), pieces.block(block), row, 6, "step " + step);
        }
        assertVectors(whole.last(), pieces.last(), row, 2, "step " + step);
      }
    }
  }

  private static void assertVectors(PerGroup a, PerGroup b, int row, int vectors, String what) {
    int length = vectors * SMALL.hiddenSize();
    Samples.assertBits(
        Arrays.copyOfRange(a.values(), a.at(row), a.at(row) + length),
        Arrays.copyOfRange(b.values(), b.at(row), b.at(row) + length),
        what);
  }

  @Test
  void anyNumberOfThreadsAndAnyBatchGivesTheSameBits() {
    Dit dit = new Dit(SMALL, new RandomWeights(SMALL, 5));
    float[] images = Samples.images(SMALL, 3, 6);
    float[] t = {100, 900, 500};
    int[] labels = {1, 3, 0};
    float[] expected = new float[3 * SMALL.outputLength()];
    dit.newRun(3, 1, CachePolicy.none(), WORKERS).forward(images, t, labels, 0, expected);
    for (int threads : new int[] {1, 3, 5}) {
      try (Workers workers = new Workers(threads)) {
        float[] out = new float[expected.length];
        dit.newRun(3, 1, CachePolicy.none(), workers).forward(images, t, labels, 0, out);
        Samples.assertBits(expected, out, threads + " threads");
      }
    }
    for (int b = 0; b < 3; b++) {
      float[] out = new float[SMALL.outputLength()];
      dit.newRun(1, 1, CachePolicy.none(), WORKERS)
          .forward(Samples.part(images, b, 3), new float[] {t[b]}, new int[] {labels[b]}, 0, out);
      Samples.assertBits(Samples.part(expected, b, 3), out, "sample alone");
    }
  }

  @Test
  void aStepAllocatesNextToNothing() {
    DitConfig config = new DitConfig(14, 2, 1, 96, 6, 4, 384, 10, true);
    Dit dit = new Dit(config, new RandomWeights(config, 7));
    int steps = 10;
    float[] gates = Samples.normal(1, steps * 6 * 96);
    LazyGates policy = new LazyGates(steps, 6, 96, gates, gates, 0.5f, 0.5f);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().threadId();
    try (Workers one = new Workers(1)) {
      DitRun run = dit.newRun(8, steps, policy, one);
      run.condition(new float[steps], new int[8]);
      float[] images = Samples.images(config, 8, 8);
      float[] out = new float[8 * config.outputLength()];
      long start = System.nanoTime();
      long most;
      // Until it is compiled, vector code makes an object of every vector.
      do {
        run.reset();
        run.forward(images, steps - 1, out);
        most = 0;
        for (int step = steps - 2; step >= 0; step--) {
          long before = threads.getThreadAllocatedBytes(self);
          run.forward(images, step, out);
          most = Math.max(most, threads.getThreadAllocatedBytes(self) - before);
        }
      } while (most > 1 << 14 && System.nanoTime() - start < 20_000_000_000L);
      assertTrue(most < 1 << 20, most + " bytes in a step");
    }
  }

  @Test
  void aProbeSeesEveryTensorAndChangesNothing() {
    Dit dit = new Dit(SMALL, new RandomWeights(SMALL, 9));
    float[] images = Samples.images(SMALL, 1, 10);
    float[] t = {500};
    int[] labels = {1};
    float[] expected = new float[SMALL.outputLength()];
    float[] found = new float[expected.length];
    DitRun run = dit.newRun(1, 1, CachePolicy.none(), WORKERS);
    run.forward(images, t, labels, 0, expected);
    Set<String> names = new LinkedHashSet<>();
    run.probe((name, values, offset, shape) -> names.add(name + Arrays.toString(shape)));
    run.forward(images, t, labels, 0, found);
    Samples.assertBits(expected, found, "with a probe");
    assertTrue(
        names.containsAll(
            List.of(
                "t_freq[1, 256]",
                "x_embedder[1, 9, 24]",
                "blocks.0.adaLN_modulation[1, 144]",
                "blocks.1.attn_in[1, 9, 24]",
                "blocks.1.mlp[1, 9, 24]",
                "blocks.1[1, 9, 24]",
                "final_layer[1, 9, 24]")),
        names::toString);
    names.clear();
    run.probe(null);
    run.forward(images, t, labels, 0, found);
    assertTrue(names.isEmpty());
  }

  @Test
  void whatDoesNotFitTheRunIsRefused() {
    Dit dit = new Dit(SMALL, new RandomWeights(SMALL, 11));
    DitRun run = dit.newRun(2, 3, CachePolicy.none(), WORKERS);
    float[] images = Samples.images(SMALL, 2, 1);
    float[] out = new float[2 * SMALL.outputLength()];
    assertThrows(IllegalStateException.class, () -> run.forward(images, 0, out));
    refused("takes 3 timesteps, not 2", () -> run.condition(new float[2], new int[2]));
    refused("takes 2 labels, not 1", () -> run.condition(new float[3], new int[1]));
    run.condition(new float[3], new int[2]);
    refused("There is no step 3 in a schedule of 3", () -> run.forward(images, 3, out));
    refused("There is no step -1", () -> run.forward(images, -1, out));
    refused("216 input values, not 10", () -> run.forward(new float[10], 0, out));
    refused("output values, not 7", () -> run.forward(images, 0, new float[7]));
    for (int label : new int[] {-1, 5}) {
      refused(
          "There is no class " + label,
          () -> run.forward(images, new float[2], new int[] {0, label}, 0, out));
    }
    refused("at least 1 sample", () -> dit.newRun(0, 3, CachePolicy.none(), WORKERS));
    refused("at least 1 sample", () -> dit.newRun(1, 0, CachePolicy.none(), WORKERS));
  }

  /** Every tensor is needed, and needed in its shape; positions alone can be computed. */
  @Test
  void everyTensorIsChecked() {
    for (String name : new ArrayList<>(new RandomWeights(SMALL, 1).names())) {
      refused(name, () -> new Dit(SMALL, new RandomWeights(SMALL, 1).with(name, 3, 5, 7)));
      if (!name.equals("pos_embed")) {
        refused(
            "no tensor " + name, () -> new Dit(SMALL, new RandomWeights(SMALL, 1).without(name)));
      }
    }
  }

  private static void refused(String part, Executable action) {
    String message = assertThrows(LazyDitException.class, action).getMessage();
    assertTrue(message.contains(part), message);
    assertEquals('.', message.charAt(message.length() - 1), message);
  }
}
