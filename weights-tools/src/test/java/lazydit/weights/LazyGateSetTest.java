package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LazyGateSetTest {
  private static final int STEPS = 4;
  private static final int DEPTH = 3;
  private static final int HIDDEN = 2;

  @TempDir Path folder;

  private static LazyGateFile gates(float value) {
    float[] attn = new float[STEPS * DEPTH * HIDDEN];
    float[] mlp = new float[attn.length];
    Arrays.fill(attn, value);
    Arrays.fill(mlp, -value);
    return new LazyGateFile(
        "test",
        STEPS,
        DEPTH,
        HIDDEN,
        attn,
        mlp,
        OptionalDouble.of(0.5),
        OptionalDouble.of(0.5),
        Optional.of(new int[] {0, 333, 666, 999}),
        Optional.of("abc"));
  }

  private Path write() {
    Path file = folder.resolve("gates.safetensors");
    LazyGateSet.of(
            List.of(gates(3), gates(1), gates(2)),
            List.of(
                new LazyGateSet.Ratio(0.8, 0.6),
                new LazyGateSet.Ratio(0.3, 0.3),
                new LazyGateSet.Ratio(0.5, 0.4)))
        .write(file);
    return file;
  }

  private static void refused(String reason, Runnable action) {
    CheckpointException e = assertThrows(CheckpointException.class, action::run);
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  @Test
  void aFileHoldsSeveralOperatingPoints() {
    LazyGateSet set = LazyGateSet.read(write());
    assertEquals(
        List.of(0.3, 0.45, 0.7), set.points().stream().map(p -> p.ratio().mean()).toList());
    for (int i = 0; i < 3; i++) {
      LazyGateFile gates = set.points().get(i).gates();
      assertArrayEquals(gates(i + 1).attn(), gates.attn());
      assertArrayEquals(gates(i + 1).mlp(), gates.mlp());
      assertArrayEquals(new int[] {0, 333, 666, 999}, gates.timestepMap().orElseThrow());
      assertEquals("abc", gates.fingerprint().orElseThrow());
    }
  }

  @Test
  void ofSeveralPointsTheOneNearestToOneHalfIsUsual() {
    assertEquals(2, LazyGateFile.read(write()).attn()[0]);
  }

  @Test
  void aRatioPicksAPointOrMixesTwo() {
    LazyGateSet set = LazyGateSet.read(write());
    assertEquals(1, set.at(0.31).attn()[0]);
    assertEquals(3, set.at(0.7).attn()[0]);
    LazyGateFile mixed = set.at(0.3 + 0.15 / 3);
    int lazier = 0;
    for (int i = 0; i < mixed.attn().length; i += HIDDEN) {
      assertEquals(mixed.attn()[i], mixed.attn()[i + 1], "a vector is of one point");
      assertEquals(mixed.attn()[i], -mixed.mlp()[i]);
      lazier += mixed.attn()[i] == 2 ? 1 : 0;
    }
    assertEquals(STEPS * DEPTH / 3, lazier);
  }

  @Test
  void otherRatiosAreRefused() {
    LazyGateSet set = LazyGateSet.read(write());
    refused(
        "has gates for lazy ratios of 0.30, 0.45, 0.70, but 0.8 is asked for", () -> set.at(0.8));
    refused("has gates for lazy ratios", () -> set.at(0.1));
    LazyGateSet official = LazyGateSet.read(Resources.path("torch_save/e_lazy_gates.pt"));
    refused("does not say how lazy its gates are", () -> official.at(0.5));
    assertEquals(3, official.usual().steps());
  }

  @Test
  void aFileOfOnePointCanSayHowLazyItIs() {
    Path file = folder.resolve("one.safetensors");
    LazyGateSet.of(List.of(gates(1)), List.of(new LazyGateSet.Ratio(0.4, 0.5))).write(file);
    assertEquals(1, LazyGateSet.read(file).at(0.45).attn()[0]);
  }

  @Test
  void filesThatContradictThemselvesAreRefused() {
    Path file = folder.resolve("bad.safetensors");
    for (String ratios :
        List.of("[[0.1,0.2]]", "[]", "{}", "[[0.1,0.2],[0.3]]", "[[0.1,0.2],[0.3,2]]", "7")) {
      new SafetensorsWriter()
          .metadata(LazyGateSet.RATIOS, ratios)
          .add("gates.attn", new float[8], 2, 2, 1, 2)
          .add("gates.mlp", new float[8], 2, 2, 1, 2)
          .writeTo(file);
      refused("bad.safetensors", () -> LazyGateSet.read(file));
    }
    new SafetensorsWriter()
        .metadata(LazyGateSet.RATIOS, "[[0.1,0.2],[0.3,0.4]]")
        .add("gates.attn", new float[8], 2, 2, 1, 2)
        .add("gates.mlp", new float[4], 1, 2, 1, 2)
        .writeTo(file);
    refused("of one shape", () -> LazyGateSet.read(file));
  }
}
