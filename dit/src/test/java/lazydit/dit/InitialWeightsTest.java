package lazydit.dit;

import static lazydit.dit.Samples.SMALL;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import lazydit.engine.LazyDitException;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;
import org.junit.jupiter.api.Test;

class InitialWeightsTest {
  private static final DitConfig CONFIG = new DitConfig(8, 2, 3, 64, 2, 2, 256, 9, true);

  private static float[] values(InitialWeights weights, String name) {
    int size = (int) Arrays.stream(weights.shape(name)).reduce(1, (a, b) -> a * b);
    float[] values = new float[size];
    weights.read(name, 0, values, 0, size);
    return values;
  }

  private static double deviation(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum / values.length);
  }

  @Test
  void areWhatANetworkReads() {
    InitialWeights weights = new InitialWeights(CONFIG, 1);
    Parameters parameters = TrainableDit.learning(CONFIG, weights).parameters();
    List<String> names = parameters.list().stream().map(Parameters.Parameter::name).toList();
    assertEquals(Set.copyOf(names), Set.copyOf(weights.names()));
  }

  @Test
  void aNewNetworkPutsOutZeros() {
    float[] out = new float[2 * SMALL.outputLength()];
    Arrays.fill(out, 1);
    try (Workers workers = new Workers(1)) {
      new Dit(SMALL, new InitialWeights(SMALL, 1))
          .newRun(2, 1, CachePolicy.none(), workers)
          .forward(Samples.images(SMALL, 2, 1), new float[] {0, 999}, new int[] {0, 1}, 0, out);
    }
    for (float value : out) {
      assertEquals(0, value);
    }
  }

  @Test
  void haveTheSpreadOfTheirLaw() {
    InitialWeights weights = new InitialWeights(CONFIG, 1);
    double qkv = Math.sqrt(6.0 / (64 + 192));
    float[] uniform = values(weights, "blocks.1.attn.qkv.weight");
    assertEquals(qkv / Math.sqrt(3), deviation(uniform), 0.01 * qkv);
    for (float value : uniform) {
      assertTrue(Math.abs(value) <= qkv, "within " + qkv + ": " + value);
    }
    float[] normal = values(weights, "t_embedder.mlp.0.weight");
    assertEquals(0.02, deviation(normal), 0.0003);
    double beyond = 0;
    for (float value : normal) {
      beyond += Math.abs(value) > 0.04 ? 1 : 0;
    }
    assertEquals(0.0455, beyond / normal.length, 0.005);
    assertEquals(0, deviation(values(weights, "blocks.0.adaLN_modulation.1.weight")));
    assertEquals(0, deviation(values(weights, "blocks.0.mlp.fc1.bias")));
  }

  @Test
  void followTheSeedAlone() {
    String name = "blocks.0.mlp.fc1.weight";
    float[] values = values(new InitialWeights(CONFIG, 1), name);
    Samples.assertBits(values, values(new InitialWeights(CONFIG, 1), name), name);
    assertFalse(Arrays.equals(values, values(new InitialWeights(CONFIG, 2), name)));
    String other = "blocks.1.mlp.fc1.weight";
    assertFalse(Arrays.equals(values, values(new InitialWeights(CONFIG, 1), other)));
    float[] piece = new float[5];
    new InitialWeights(CONFIG, 1).read(name, 70, piece, 1, 4);
    float[] expected = {0, values[70], values[71], values[72], values[73]};
    Samples.assertBits(expected, piece, "a piece");
    assertThrows(LazyDitException.class, () -> new InitialWeights(CONFIG, 1).shape("other"));
  }
}
