package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LazyGateFileTest {
  private static final String OFFICIAL = "block_%d_%s_lazy_learning_weight_%d";

  @TempDir Path folder;

  private static void refused(String reason, Runnable action) {
    CheckpointException e = assertThrows(CheckpointException.class, action::run);
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  @Test
  void officialFilesAreReadIntoStepBlockFeatureOrder() {
    Path file = Resources.path("torch_save/e_lazy_gates.pt");
    LazyGateFile gates = LazyGateFile.read(file);
    assertEquals(3, gates.steps());
    assertEquals(2, gates.depth());
    assertEquals(6, gates.hiddenSize());
    assertEquals(Optional.empty(), gates.fingerprint());
    assertTrue(gates.timestepMap().isEmpty());
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      for (int step = 0; step < 3; step++) {
        for (int block = 0; block < 2; block++) {
          int at = (step * 2 + block) * 6;
          assertVector(checkpoint, OFFICIAL.formatted(block, "attn", step), gates.attn(), at);
          assertVector(checkpoint, OFFICIAL.formatted(block, "mlp", step), gates.mlp(), at);
        }
      }
    }
  }

  private static void assertVector(Checkpoint checkpoint, String name, float[] gates, int at) {
    assertArrayEquals(
        checkpoint.tensor(name).toFloats(), Arrays.copyOfRange(gates, at, at + 6), name);
  }

  @Test
  void gatesArePickedOutOfAModelsStateDict() {
    Path file = folder.resolve("model.safetensors");
    new SafetensorsWriter()
        .add("pos_embed", new float[4], 1, 4)
        .add("blocks.0.attn_lazy_learning.0.weight", new float[] {1, 2}, 1, 2)
        .add("blocks.0.mlp_lazy_learning.0.weight", new float[] {3, 4}, 1, 2)
        .add("blocks.0.attn_lazy_learning.1.weight", new float[] {5, 6}, 1, 2)
        .add("blocks.0.mlp_lazy_learning.1.weight", new float[] {7, 8}, 1, 2)
        .writeTo(file);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      LazyGateFile gates = LazyGateFile.of(checkpoint);
      assertEquals(2, gates.steps());
      assertEquals(1, gates.depth());
      assertArrayEquals(new float[] {1, 2, 5, 6}, gates.attn());
      assertArrayEquals(new float[] {3, 4, 7, 8}, gates.mlp());
    }
    refused("it holds the tensor 'pos_embed'", () -> LazyGateFile.read(file));
  }

  @Test
  void gatesNamedTwiceAreRefused() {
    SafetensorsWriter twice = new SafetensorsWriter();
    add(twice, 0, "attn", 0, 4);
    twice.add("block_00_attn_lazy_learning_weight_0", new float[4], 1, 4);
    refused("names the attn gate of block 0 at step 0 twice", () -> read(twice));
  }

  @Test
  void ownFilesHoldEverything() {
    LazyGateFile official = LazyGateFile.read(Resources.path("torch_save/e_lazy_gates.pt"));
    int[] map = {0, 500, 999};
    Path file = folder.resolve("gates.safetensors");
    official.described(0.5, 0.25, map, "abc").write(file);
    LazyGateFile gates = LazyGateFile.read(file);
    assertArrayEquals(official.attn(), gates.attn());
    assertArrayEquals(official.mlp(), gates.mlp());
    assertEquals(OptionalDouble.of(0.5), gates.attnThreshold());
    assertEquals(OptionalDouble.of(0.25), gates.mlpThreshold());
    assertArrayEquals(map, gates.timestepMap().orElseThrow());
    assertEquals(Optional.of("abc"), gates.fingerprint());
  }

  @Test
  void gatesMustFitTheModelAndTheSchedule() {
    int[] map = {0, 500, 999};
    LazyGateFile official = LazyGateFile.read(Resources.path("torch_save/e_lazy_gates.pt"));
    LazyGateFile gates = official.described(0.5, 0.5, map, "abc");
    gates.requireFits(2, 6, 3, map, () -> "abc");
    official.requireFits(2, 6, 3, new int[] {1, 2, 3}, () -> "whatever");
    refused(
        "for 2 blocks, but the model has 4", () -> gates.requireFits(4, 6, 3, map, () -> "abc"));
    refused("for 6 features, but", () -> gates.requireFits(2, 8, 3, map, () -> "abc"));
    refused(
        "for 3 steps, but sampling takes 4",
        () -> gates.requireFits(2, 6, 4, new int[4], () -> "abc"));
    refused(
        "step 1 was timestep 500, but here it is 499",
        () -> gates.requireFits(2, 6, 3, new int[] {0, 499, 999}, () -> "abc"));
    refused("fingerprint abc", () -> gates.requireFits(2, 6, 3, map, () -> "abd"));
  }

  @Test
  void incompleteAndForeignFilesAreRefused() {
    refused(
        "is not a gate file: it holds the tensor 'f32'",
        () -> LazyGateFile.read(Resources.path("torch_save/a_zip.pt")));

    SafetensorsWriter missing = new SafetensorsWriter();
    add(missing, 0, "attn", 0, 4);
    add(missing, 0, "mlp", 0, 4);
    add(missing, 1, "attn", 0, 4);
    refused("lacks the mlp gate of block 1 at step 0", () -> read(missing));

    SafetensorsWriter other = new SafetensorsWriter();
    add(other, 0, "attn", 0, 4);
    add(other, 0, "mlp", 0, 5);
    refused("has shape [1, 5] where [1, 4] is expected", () -> read(other));

    SafetensorsWriter far = new SafetensorsWriter();
    add(far, 999_999, "attn", 999_999, 4);
    refused("lacks the attn gate of block 0 at step 0", () -> read(far));

    SafetensorsWriter extra = new SafetensorsWriter().add("opt", new float[1], 1);
    add(extra, 0, "attn", 0, 4);
    add(extra, 0, "mlp", 0, 4);
    refused("holds the tensor 'opt'", () -> read(extra));

    refused("holds no gates", () -> read(new SafetensorsWriter()));
  }

  @Test
  void ownFilesThatContradictThemselvesAreRefused() {
    float[] six = new float[6];
    refused(
        "has no tensor 'gates.mlp'",
        () -> read(new SafetensorsWriter().add("gates.attn", six, 1, 2, 3)));
    refused("of one shape", () -> read(own().add("gates.mlp", six, 1, 3, 2)));
    refused(
        "says that it has 2 steps but holds gates for 1",
        () -> read(own().add("gates.mlp", six, 1, 2, 3).metadata("steps", "2")));
    refused(
        "timestep map has 2 entries for 1 steps",
        () -> read(own().add("gates.mlp", six, 1, 2, 3).metadata("timestep_map", "[1,2]")));
    refused(
        "timestep_map is not",
        () -> read(own().add("gates.mlp", six, 1, 2, 3).metadata("timestep_map", "[1.5]")));
    refused(
        "attn_threshold '\"x\"' is not a number",
        () -> read(own().add("gates.mlp", six, 1, 2, 3).metadata("attn_threshold", "\"x\"")));
    float[] nan = {0, 0, 0, 0, 0, Float.NaN};
    refused("holds NaN among its mlp gates", () -> read(own().add("gates.mlp", nan, 1, 2, 3)));
  }

  private static SafetensorsWriter own() {
    return new SafetensorsWriter().add("gates.attn", new float[6], 1, 2, 3);
  }

  private static void add(
      SafetensorsWriter writer, int block, String module, int step, int hiddenSize) {
    writer.add(OFFICIAL.formatted(block, module, step), new float[hiddenSize], 1, hiddenSize);
  }

  private LazyGateFile read(SafetensorsWriter writer) {
    Path file = folder.resolve("gates.safetensors");
    writer.writeTo(file);
    return LazyGateFile.read(file);
  }
}
