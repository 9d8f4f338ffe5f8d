package lazydit.dit;

import static lazydit.dit.Samples.SMALL;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
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

  /** With the scales that the source states, be they those of the largest number or not. */
  @Test
  void integersOfTheSourceStay() {
    LargeDitConfig large = new LargeDitConfig(6, 2, 3, 24, 2, 4, 2, 40, 4, true, true);
    assertStays(SMALL, new Integers(new RandomWeights(SMALL, 3)));
    assertStays(large, new Integers(new RandomWeights(large, 3)));
  }

  private static void assertStays(TransformerConfig config, WeightSource source) {
    Dit floats = new Dit(config, source, DitSemantics.FACEBOOK, WeightType.FLOAT32);
    Dit integers = new Dit(config, source, DitSemantics.FACEBOOK, WeightType.INT8);
    assertArrayEquals(output(floats), output(integers));
  }

  /** Matrices of blocks made of all integers, -128 too, with a scale for each row. */
  private record Integers(RandomWeights weights) implements WeightSource {
    private boolean isMatrix(String name) {
      return Block.owns(name) && shape(name).length == 2;
    }

    @Override
    public float scale(String name, long row) {
      return isMatrix(name) ? 1e-4f * (1 + Math.floorMod(name.hashCode() + row, 13)) : 0;
    }

    @Override
    public void read(String name, long offset, float[] into, int at, int count) {
      weights.read(name, offset, into, at, count);
      for (int i = 0; i < count && isMatrix(name); i++) {
        long index = offset + i;
        byte integer = (byte) Math.max(-128, 97 * index % 229 - 140);
        into[at + i] = integer * scale(name, index / shape(name)[1]);
      }
    }

    @Override
    public boolean contains(String name) {
      return weights.contains(name);
    }

    @Override
    public long[] shape(String name) {
      return weights.shape(name);
    }

    @Override
    public List<String> names() {
      return weights.names();
    }

    @Override
    public String describe() {
      return weights.describe();
    }
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
    float[] x = new float[dit.config().inputLength()];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) Math.sin(i);
    }
    float[] output = new float[dit.config().outputLength()];
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
