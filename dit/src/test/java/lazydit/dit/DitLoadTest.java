package lazydit.dit;

import static lazydit.dit.Samples.SMALL;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import lazydit.engine.LazyDitException;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Loading on several threads, and as integers. */
class DitLoadTest {
  @Test
  void threadsLoadTheSame() {
    float[] expected = output(new Dit(SMALL, new RandomWeights(SMALL, 3)));
    try (Workers workers = new Workers(3)) {
      WeightSource source = new RandomWeights(SMALL, 3);
      Dit dit = new Dit(SMALL, source, DitSemantics.FACEBOOK, WeightType.FLOAT32, workers);
      assertArrayEquals(expected, output(dit));
    }
  }

  /** Whichever thread comes upon something first. */
  @Test
  void threadsRefuseTheSame() {
    try (Workers workers = new Workers(4)) {
      for (int i = 0; i < 50; i++) {
        RandomWeights broken = new RandomWeights(SMALL, 3);
        for (int block = 0; block < SMALL.depth(); block++) {
          broken = broken.without("blocks." + block + ".mlp.fc2.weight");
        }
        WeightSource source = broken;
        refused(
            "blocks.0.mlp.fc2.weight",
            () -> new Dit(SMALL, source, DitSemantics.FACEBOOK, WeightType.FLOAT32, workers));
      }
    }
  }

  /** As integers the matrices of blocks are a little off, and those outside exact. */
  @Test
  void weightsAsIntegers() {
    RandomWeights source = new RandomWeights(SMALL, 3);
    float[] exact = output(new Dit(SMALL, source));
    Dit dit = new Dit(SMALL, source, DitSemantics.FACEBOOK, WeightType.INT8);
    assertEquals(WeightType.INT8, dit.weightType());
    float[] found = output(dit);
    double errors = 0;
    double squares = 0;
    for (int i = 0; i < exact.length; i++) {
      errors += Math.pow(found[i] - exact[i], 2);
      squares += Math.pow(exact[i], 2);
    }
    double error = Math.sqrt(errors / squares);
    assertTrue(error > 1e-4 && error < 0.05, "relative error " + error);
    assertEquals(
        new Dit(SMALL, source).finalLinear().bytes(), dit.finalLinear().bytes(), "as float32");
  }

  @Test
  void noNumbersAreNoIntegers() {
    String name = "blocks.1.attn.qkv.weight";
    RandomWeights source = new RandomWeights(SMALL, 3);
    Arrays.fill(source.values(name), Float.NaN);
    refused(
        name + " holds NaN", () -> new Dit(SMALL, source, DitSemantics.FACEBOOK, WeightType.INT8));
    assertEquals(
        WeightType.BFLOAT16,
        new Dit(SMALL, source, DitSemantics.FACEBOOK, WeightType.BFLOAT16).weightType());
  }

  private static float[] output(Dit dit) {
    float[] x = new float[SMALL.inputLength()];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) Math.sin(i);
    }
    float[] output = new float[SMALL.outputLength()];
    try (Workers workers = new Workers(2)) {
      dit.newRun(1, 1, CachePolicy.none(), workers)
          .forward(x, new float[] {100}, new int[] {1}, 0, output);
    }
    return output;
  }

  private static void refused(String part, Executable action) {
    String message = assertThrows(LazyDitException.class, action).getMessage();
    assertTrue(message.contains(part), message);
  }
}
