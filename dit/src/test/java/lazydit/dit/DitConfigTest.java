package lazydit.dit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalInt;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import lazydit.engine.LazyDitException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Architectures: the published ones, and those read off the shapes of a checkpoint. */
class DitConfigTest {
  @ParameterizedTest
  @CsvSource({
    "DiT-S/2, 12, 384, 6, 256", "DiT-B/4, 12, 768, 12, 64",
    "dit-l/8, 24, 1024, 16, 16", "XL/2, 28, 1152, 16, 256",
  })
  void presets(String name, int depth, int hidden, int heads, int tokens) {
    DitConfig config = DitConfig.preset(name, 32, 4, 1000, true);
    assertEquals(depth, config.depth());
    assertEquals(hidden, config.hiddenSize());
    assertEquals(heads, config.numHeads());
    assertEquals(4 * hidden, config.mlpHidden());
    assertEquals(tokens, config.tokens());
    assertEquals(8, config.outChannels());
    assertEquals(1000, config.nullClass());
  }

  @ParameterizedTest
  @CsvSource({"DiT-XL", "DiT-XL/3", "DiT-M/2", "DiT-S/2/2", "''", "/"})
  void unknownPresets(String name) {
    refused("There is no preset " + name, () -> DitConfig.preset(name, 32, 4, 1000, true));
  }

  /** 675.13 M with the table of positions, which the checkpoint holds; 118.6 G multiply-adds. */
  @Test
  void sizesOfDitXl2() {
    DitConfig xl = DitConfig.preset("DiT-XL/2", 32, 4, 1000, true);
    assertEquals(675_129_632, xl.parameters());
    long blocks = xl.depth() * (xl.multiplyAdds(Branch.ATTN) + xl.multiplyAdds(Branch.MLP));
    assertEquals(118.4e9, blocks, 0.5e9);
    assertTrue(xl.describe().startsWith("DiT-XL/2: 28 blocks"), xl.describe());
    assertTrue(xl.describe().contains("675.1 M parameters"), xl.describe());
  }

  static Stream<DitConfig> configs() {
    return DitForwardTest.configs();
  }

  @ParameterizedTest
  @MethodSource("configs")
  void derivedFromTheShapes(DitConfig config) {
    RandomWeights weights = new RandomWeights(config, 1);
    assertEquals(config, DitConfig.derive(weights, OptionalInt.of(config.numHeads())));
    assertEquals(weights.size(), config.parameters());
  }

  @Test
  void headsOfAPresetNeedNotBeGiven() {
    DitConfig config = new DitConfig(4, 2, 1, 384, 1, 6, 32, 2, false);
    assertEquals(config, DitConfig.derive(new RandomWeights(config, 1), OptionalInt.empty()));
  }

  @Test
  void whatDoesNotFitIsRefusedByName() {
    derive("--heads", w -> w, OptionalInt.empty());
    for (String name :
        new String[] {
          "x_embedder.proj.weight",
          "pos_embed",
          "y_embedder.embedding_table.weight",
          "final_layer.linear.weight",
          "blocks.0.attn.qkv.weight",
          "blocks.0.mlp.fc1.weight"
        }) {
      derive("no tensor " + name, w -> w.without(name), OptionalInt.of(3));
    }
    // Not a network of a block less.
    int last = Samples.SMALL.depth() - 1;
    derive(
        "no tensor blocks.%d.attn.qkv.weight, but it has blocks.%1$d.".formatted(last),
        w -> w.without("blocks." + last + ".attn.qkv.weight"),
        OptionalInt.of(3));
    derive("pos_embed has 2 dimensions", w -> w.with("pos_embed", 9, 24), OptionalInt.of(3));
    derive("8 tokens", w -> w.with("pos_embed", 1, 8, 24), OptionalInt.of(3));
    derive(
        "final_layer.linear.weight has 13 rows",
        w -> w.with("final_layer.linear.weight", 13, 24),
        OptionalInt.of(3));
    derive(
        "x_embedder.proj.weight",
        w -> w.with("x_embedder.proj.weight", 24, 3, 2, 4),
        OptionalInt.of(3));
    derive(
        "number of classes of 0",
        w -> w.with("y_embedder.embedding_table.weight", 1, 24),
        OptionalInt.of(3));
    derive(
        "input size of 0",
        w -> w.with("x_embedder.proj.weight", 24, 3, 0, 0).with("final_layer.linear.weight", 0, 24),
        OptionalInt.of(3));
    derive("number of heads, 5", w -> w, OptionalInt.of(5));
    derive("number of heads must be", w -> w, OptionalInt.of(0));
  }

  private static void derive(String part, UnaryOperator<RandomWeights> change, OptionalInt heads) {
    RandomWeights weights = change.apply(new RandomWeights(Samples.SMALL, 1));
    refused(part, () -> DitConfig.derive(weights, heads));
  }

  @Test
  void impossibleSizes() {
    refused("input size", () -> new DitConfig(0, 2, 1, 8, 1, 1, 8, 1, true));
    refused("not a multiple of the patch", () -> new DitConfig(7, 2, 1, 8, 1, 1, 8, 1, true));
    refused("multiple of 4", () -> new DitConfig(8, 2, 1, 6, 1, 1, 8, 1, true));
    refused("number of heads", () -> new DitConfig(8, 2, 1, 8, 1, 3, 8, 1, true));
    refused("depth", () -> new DitConfig(8, 2, 1, 8, -1, 1, 8, 1, true));
    refused("tokens", () -> new DitConfig(1024, 2, 1, 8, 1, 1, 8, 1, true));
    refused("classes", () -> new DitConfig(8, 2, 1, 8, 1, 1, 8, 1 << 20, true));
    refused("more than an array holds", () -> new DitConfig(65536, 1024, 1, 8, 1, 1, 8, 1, true));
  }

  private static void refused(String part, Executable action) {
    String message = assertThrows(LazyDitException.class, action).getMessage();
    assertTrue(message.contains(part), message);
  }
}
