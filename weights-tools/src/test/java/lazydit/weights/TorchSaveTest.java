package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The reference files written by PyTorch, and the hostile and broken ones made from them. */
class TorchSaveTest {
  private static final Map<String, Object> MANIFEST =
      Json.read(Resources.path("torch_save/manifest.json"));

  static List<String> good() {
    return named("good");
  }

  static List<String> bad() {
    return MANIFEST.keySet().stream().filter(name -> !good().contains(name)).toList();
  }

  private static List<String> named(String kind) {
    return MANIFEST.entrySet().stream()
        .filter(entry -> ((Map<?, ?>) entry.getValue()).get("kind").equals(kind))
        .map(Map.Entry::getKey)
        .toList();
  }

  @Test
  void theManifestCoversEveryFile() {
    List<String> files =
        Resources.list("torch_save", ".pt").stream().map(f -> f.getFileName().toString()).toList();
    assertEquals(files, MANIFEST.keySet().stream().sorted().toList());
    assertEquals(10, good().size());
    assertEquals(32, bad().size());
  }

  @ParameterizedTest
  @MethodSource("good")
  void goodFilesAreReadBitForBit(String name) {
    ParityReport report = TorchSaveParity.run(Resources.path("torch_save/" + name));
    assertTrue(report.passed(), report::text);
    assertEquals(0, report.count(ParityReport.Outcome.NOT_COMPUTED));
  }

  @ParameterizedTest
  @MethodSource("bad")
  void badFilesAreRefusedByOneSentenceThatNamesThem(String name) {
    Path file = Resources.path("torch_save/" + name);
    Path marker = Path.of(System.getProperty("java.io.tmpdir"), "golden_pwned_shared");
    CheckpointException refusal =
        assertTimeoutPreemptively(
            Duration.ofSeconds(5),
            () -> assertThrows(CheckpointException.class, () -> Checkpoint.open(file).close()));
    assertTrue(refusal.getMessage().startsWith(file + ": "), refusal.getMessage());
    assertFalse(refusal.getMessage().contains("\n"), refusal.getMessage());
    assertFalse(Files.exists(marker), "a payload ran");
    assertTrue(TorchSaveParity.run(file).passed());
  }

  @Test
  void trainingCheckpointsAreReadFromTheirMovingAverage() {
    Path file = Resources.path("torch_save/c_dit_training.pt");
    try (Checkpoint chosen = Checkpoint.open(file);
        Checkpoint model = Checkpoint.open(file, "model");
        Checkpoint all = Checkpoint.open(file, "")) {
      assertEquals("ema", chosen.section());
      assertEquals(List.of("model", "ema", "opt"), chosen.sections());
      assertEquals(
          List.of(
              "pos_embed",
              "steps",
              "x_embedder.weight",
              "x_embedder.bias",
              "norm.weight",
              "norm.bias"),
          chosen.names());
      assertEquals(chosen.names(), model.names());
      assertEquals(24, all.names().size());
      assertArrayEquals(
          all.tensor("model.norm.bias").toBytes(), model.tensor("norm.bias").toBytes());
      assertArrayEquals(new long[] {6, 5}, chosen.shape("x_embedder.weight"));
      assertFalse(chosen.contains("ema.pos_embed"));
    }
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> Checkpoint.open(file, "vae"));
    assertTrue(e.getMessage().endsWith("has no section 'vae'; it has model, ema, opt"));
  }

  @Test
  void viewsAreReadInPiecesAsInOneGo() {
    try (Checkpoint file = Checkpoint.open(Resources.path("torch_save/a_zip.pt"))) {
      for (String name :
          List.of("transposed", "strided", "expanded", "view_mid_t", "f16", "bf16")) {
        StoredTensor tensor = file.tensor(name);
        float[] whole = tensor.toFloats();
        float[] pieces = new float[whole.length + 1];
        for (int at = 0; at < whole.length; at += 7) {
          file.read(name, at, pieces, at + 1, Math.min(7, whole.length - at));
        }
        for (int i = 0; i < whole.length; i++) {
          assertEquals(whole[i], pieces[i + 1], name);
        }
      }
    }
  }

  @Test
  void rangesOutsideATensorAreRefused() {
    try (Checkpoint file = Checkpoint.open(Resources.path("torch_save/a_zip.pt"))) {
      float[] room = new float[40];
      assertAll(
          () -> assertRefused("has 30 elements", () -> file.read("f32", 29, room, 0, 2)),
          () -> assertRefused("has 30 elements", () -> file.read("f32", -1, room, 0, 1)),
          () -> assertRefused("does not fit", () -> file.read("f32", 0, room, 30, 11)),
          () -> assertRefused("has no tensor 'x'", () -> file.read("x", 0, room, 0, 1)),
          () -> assertRefused("integers were expected", () -> file.tensor("f32").toLongs()));
    }
  }

  @Test
  void aClosedCheckpointSaysSo() {
    Checkpoint file = Checkpoint.open(Resources.path("torch_save/a_zip.pt"));
    StoredTensor tensor = file.tensor("f32");
    file.close();
    file.close();
    assertRefused("has been closed", tensor::toFloats);
  }

  @Test
  void missingFilesAndFoldersAreRefused() {
    Path folder = Resources.path("torch_save");
    assertRefused("is a folder", () -> Checkpoint.open(folder));
    assertRefused("does not exist", () -> Checkpoint.open(folder.resolve("none.pt")));
  }

  private static void assertRefused(String reason, Runnable action) {
    CheckpointException e = assertThrows(CheckpointException.class, action::run);
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }
}
