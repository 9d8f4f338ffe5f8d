package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorStatisticsTest {
  @TempDir Path folder;

  private static TensorStatistics of(float... values) {
    return TensorStatistics.of(new FloatTensor(values, values.length), Progress.NONE);
  }

  @Test
  void whatIsNotFiniteIsCountedAndLeftOut() {
    TensorStatistics found =
        of(1, Float.NaN, 3, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, -4, Float.NaN);
    assertEquals(new TensorStatistics(-4, 3, 0, Math.sqrt(26 / 3.0), 2, 2), found);
    assertTrue(Double.isNaN(of().mean()));
    assertTrue(Double.isNaN(of(Float.NaN).max()));
  }

  /** Numbers whose squares would swallow the deviation. */
  @Test
  void digitsDoNotCancel() {
    float[] values = new float[100_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = 1e6f + i % 2;
    }
    TensorStatistics found = of(values);
    assertEquals(1e6 + 0.5, found.mean(), 1e-9);
    assertEquals(0.5, found.deviation(), 1e-9);
  }

  @Test
  void theReportNamesTheTensor() {
    Path file =
        TinyModels.safetensors(
            folder.resolve("x.safetensors"),
            Map.of(
                "good", new FloatTensor(new float[] {1, 2}, 2),
                "bad", new FloatTensor(new float[] {1, Float.NaN}, 2)),
            Map.of());
    try (ModelFile model = ModelFile.open(file)) {
      CheckpointReport report = CheckpointReport.of(model, "", true, Progress.NONE);
      String text = report.text();
      assertTrue(text.contains("NOT FINITE    bad (1 NaN, 0 infinite)\n"), text);
      assertTrue(
          text.lines().anyMatch(l -> l.matches("good +F32 +\\[2] +1.000 +2.000 +1.500 +0.5000")),
          text);
      assertTrue(Json.write(report.json()).contains("\"nan\":1"));
      assertFalse(CheckpointReport.of(model, "", false, Progress.NONE).text().contains("NaN"));
    }
  }

  @Test
  void theReportTellsTheMemory() {
    Path file = TinyModels.torch(folder.resolve("dit.pt"), RandomWeights.of(TinyModels.DIT, 1));
    try (ModelFile model = ModelFile.open(file, null, java.util.OptionalInt.of(4))) {
      String text = CheckpointReport.of(model, "", false, Progress.NONE).text();
      assertTrue(text.contains("memory        weights 0.2 MB as float32, 0.1 MB"), text);
    }
  }
}
