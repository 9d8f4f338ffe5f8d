package lazydit.dit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.stream.Stream;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Large-DiT against float64, its gates and caches, and its sizes. */
class LargeDitTest {
  private static final Workers WORKERS = new Workers(2);
  private static final int STEPS = 5;

  private static final LargeDitConfig SMALL =
      new LargeDitConfig(6, 2, 3, 24, 2, 4, 2, 40, 4, true, true);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  static Stream<LargeDitConfig> configs() {
    return Stream.of(
        SMALL,
        new LargeDitConfig(6, 2, 3, 24, 2, 4, 4, 33, 4, false, false),
        new LargeDitConfig(14, 2, 1, 48, 2, 6, 1, 100, 10, false, true),
        new LargeDitConfig(4, 2, 4, 72, 1, 1, 1, 256, 3, true, true),
        new LargeDitConfig(2, 2, 4, 20, 3, 5, 5, 17, 7, true, false),
        // Wider than the widest conditioning.
        new LargeDitConfig(4, 2, 1, 1032, 1, 12, 3, 64, 2, false, true));
  }

  @ParameterizedTest
  @MethodSource("configs")
  void agreesWithFloat64(LargeDitConfig config) {
    RandomWeights weights = new RandomWeights(config, 1);
    int batch = 2;
    float[] images = Samples.normal(2, batch * config.inputLength());
    float[] t = {999, 333.25f};
    int[] labels = {0, config.nullClass()};
    float[] out = new float[batch * config.outputLength()];
    Dit dit = new Dit(config, weights);
    dit.newRun(batch, 1, CachePolicy.none(), WORKERS).forward(images, t, labels, 0, out);
    ReferenceLargeDit reference = new ReferenceLargeDit(config, weights);
    for (int b = 0; b < batch; b++) {
      double[] expected = reference.forward(Samples.part(images, b, batch), t[b], labels[b]);
      Samples.assertClose(expected, Samples.part(out, b, batch), 6e-6, config + ", sample " + b);
    }
    for (int threads : new int[] {1, 3}) {
      try (Workers workers = new Workers(threads)) {
        float[] again = new float[out.length];
        dit.newRun(batch, 1, CachePolicy.none(), workers).forward(images, t, labels, 0, again);
        Samples.assertBits(out, again, threads + " threads");
      }
    }
  }

  /** Outputs of all steps, from the last index to 0, for labels 1 and "no class". */
  private static float[][] sample(DitRun run) {
    run.condition(new float[] {0, 250, 500, 749, 999}, new int[] {1, SMALL.nullClass()});
    float[][] out = new float[STEPS][2 * SMALL.outputLength()];
    for (int step = STEPS - 1; step >= 0; step--) {
      run.forward(Samples.normal(step, 2 * SMALL.inputLength()), step, out[step]);
    }
    return out;
  }

  private static LazyGates gates(float[] values, float threshold) {
    int d = SMALL.hiddenSize();
    return new LazyGates(STEPS, SMALL.depth(), d, values, values, threshold, threshold);
  }

  @Test
  void gatesAndCachesWorkAsForDit() {
    Dit dit = new Dit(SMALL, new RandomWeights(SMALL, 3));
    float[] values = Samples.normal(4, STEPS * SMALL.depth() * SMALL.hiddenSize());
    float[][] full = sample(dit.newRun(2, STEPS, CachePolicy.none(), WORKERS));
    float[][] never = sample(dit.newRun(2, STEPS, gates(values, 0), WORKERS));
    assertTrue(Arrays.deepEquals(full, never), "gates that never reuse change nothing");
    DitRun mixed = dit.newRun(2, STEPS, gates(values, 0.5f), WORKERS);
    float[][] lazy = sample(mixed);
    assertTrue(Arrays.equals(full[STEPS - 1], lazy[STEPS - 1]), "the first step computes all");
    assertFalse(Arrays.equals(full[0], lazy[0]), "later ones reuse");
    long reused = mixed.statistics().reused(Branch.ATTN) + mixed.statistics().reused(Branch.MLP);
    assertTrue(reused > 0 && reused < 2L * 2 * 2 * (STEPS - 1), reused + " reused");
    mixed.reset();
    assertTrue(Arrays.deepEquals(lazy, sample(mixed)), "a new run starts clean");
  }

  @Test
  void semanticsOfDiffusersLeaveItAlone() {
    RandomWeights weights = new RandomWeights(SMALL, 5);
    float[][] out = new float[2][SMALL.outputLength()];
    for (int i = 0; i < 2; i++) {
      DitSemantics semantics = i == 0 ? DitSemantics.FACEBOOK : DitSemantics.DIFFUSERS;
      new Dit(SMALL, weights, semantics)
          .newRun(1, 1, CachePolicy.none(), WORKERS)
          .forward(
              Samples.normal(6, SMALL.inputLength()), new float[] {500}, new int[1], 0, out[i]);
    }
    Samples.assertBits(out[0], out[1], "diffusers");
  }

  // ---- sizes

  @ParameterizedTest
  @MethodSource("configs")
  void derivedFromTheShapes(LargeDitConfig config) {
    RandomWeights weights = new RandomWeights(config, 1);
    OptionalInt size = OptionalInt.of(config.inputSize());
    assertTrue(LargeDitConfig.matches(weights));
    assertEquals(config, LargeDitConfig.derive(weights, OptionalInt.of(config.numHeads()), size));
    assertEquals(weights.size(), config.parameters());
  }

  /** The published files have 17 and 29 GB in float32. */
  @ParameterizedTest
  @CsvSource({
    "Large-DiT-600M, 1536, 16, 4096",
    "3B, 3072, 32, 8192",
    "large-dit-7b, 4096, 32, 11008"
  })
  void presets(String name, int hidden, int depth, int mlpHidden) {
    LargeDitConfig config = LargeDitConfig.preset(name, 32, 1000);
    assertEquals(hidden, config.hiddenSize());
    assertEquals(depth, config.depth());
    assertEquals(mlpHidden, config.mlpHidden());
    assertEquals(256, config.tokens());
    assertEquals(Math.min(hidden, 1024), config.conditioningSize());
  }

  @Test
  void publishedFileSizes() {
    assertEquals(17e9, 4.0 * LargeDitConfig.preset("3B", 32, 1000).parameters(), 0.6e9);
    assertEquals(29e9, 4.0 * LargeDitConfig.preset("7B", 32, 1000).parameters(), 0.6e9);
    String text = LargeDitConfig.preset("7B", 32, 1000).describe();
    assertTrue(text.startsWith("Large-DiT-7B: 32 blocks"), text);
  }

  @Test
  void hiddenFeaturesAreRoundedAsInTheReference() {
    assertEquals(256, LargeDitConfig.ffnHidden(64, 1, 256));
    assertEquals(64, LargeDitConfig.ffnHidden(96, 0.2, 16));
    assertEquals(128, LargeDitConfig.ffnHidden(48, 1, 32));
  }

  @Test
  void whatDoesNotFitIsRefused() {
    for (String name : new ArrayList<>(new RandomWeights(SMALL, 1).names())) {
      refused(name, () -> new Dit(SMALL, new RandomWeights(SMALL, 1).with(name, 3, 5, 7)));
      refused("no tensor " + name, () -> new Dit(SMALL, new RandomWeights(SMALL, 1).without(name)));
    }
    OptionalInt none = OptionalInt.empty();
    refused("--heads", () -> LargeDitConfig.derive(new RandomWeights(SMALL, 1), none, none));
    refused(
        "neither once nor twice",
        () ->
            LargeDitConfig.derive(
                new RandomWeights(SMALL, 1).with("final_layer.linear.weight", 13, 24), none, none));
    refused("no preset", () -> LargeDitConfig.preset("13B", 32, 1000));
    refused("share", () -> new LargeDitConfig(6, 2, 3, 24, 2, 4, 3, 40, 4, true, true));
    refused("even number", () -> new LargeDitConfig(6, 2, 3, 12, 2, 4, 4, 40, 4, true, true));
  }

  private static void refused(String part, Executable action) {
    String message = assertThrows(LazyDitException.class, action).getMessage();
    assertTrue(message.contains(part), message);
  }
}
