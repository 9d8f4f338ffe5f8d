package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointReportTest {
  @TempDir Path folder;

  @Test
  void aTrainingCheckpointIsDescribed() {
    try (Checkpoint checkpoint = Checkpoint.open(Resources.path("torch_save/c_dit_training.pt"))) {
      CheckpointReport report = CheckpointReport.of(checkpoint, "a toy");
      List<String> lines = report.text().lines().toList();
      assertTrue(lines.contains("container     torch.save (zip)"), report.text());
      assertTrue(lines.contains("section       ema (of model, ema, opt)"), report.text());
      assertTrue(lines.contains("architecture  a toy"), report.text());
      assertTrue(
          lines.contains("tensors       6 [F32, I64]: 61 parameters, 248 bytes"), report.text());
      assertTrue(lines.contains("args.model    DiT-XL/2"), report.text());
      assertTrue(
          report.text().lines().anyMatch(l -> l.matches("x_embedder.weight +F32 +\\[6 x 5\\]")),
          report.text());
      Map<String, Object> json = Json.parseObject(Json.write(report.json()), "report");
      assertEquals(61L, json.get("parameters"));
      assertEquals("ema", json.get("section"));
      assertEquals(6, ((List<?>) json.get("tensors")).size());
      assertEquals(7763L, json.get("file_bytes"));
    }
  }

  @Test
  void hostileNamesDoNotReachTheTerminal() {
    Path file = folder.resolve("x.safetensors");
    new SafetensorsWriter()
        .metadata("k\u001b[2J", "v\r\n")
        .add("t\u0007", new float[1], 1)
        .writeTo(file);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      String text = CheckpointReport.of(checkpoint, "").text();
      assertFalse(text.chars().anyMatch(c -> c != '\n' && Character.isISOControl(c)), text);
      assertTrue(text.contains("t\\u0007"), text);
    }
  }
}
