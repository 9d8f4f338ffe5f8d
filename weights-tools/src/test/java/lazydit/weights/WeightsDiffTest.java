package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsDiffTest {
  private static final float NAN = Float.NaN;
  private static final float INF = Float.POSITIVE_INFINITY;

  @TempDir Path folder;

  private Path file(String name, Map<String, TensorData> tensors) {
    return TinyModels.safetensors(folder.resolve(name), tensors, Map.of());
  }

  private static TensorData row(float... values) {
    return new FloatTensor(values, values.length);
  }

  private WeightsDiff diff(Map<String, TensorData> a, Map<String, TensorData> b, double tolerance) {
    try (ModelFile first = ModelFile.open(file("a", a));
        ModelFile second = ModelFile.open(file("b", b))) {
      return WeightsDiff.of(first, second, tolerance, Progress.NONE);
    }
  }

  @Test
  void theLargestDifferencesAreFound() {
    Map<String, TensorData> a = new LinkedHashMap<>(Map.of("t", row(1, 2, 100, NAN, INF)));
    WeightsDiff diff = diff(a, Map.of("t", row(1, 2.5f, 101, NAN, INF)), 0.9);
    WeightsDiff.Entry entry = diff.entries().getFirst();
    assertEquals(WeightsDiff.Outcome.DIFFERENT, entry.outcome());
    assertEquals(2, entry.differing());
    assertEquals(1, entry.maxAbsolute());
    assertEquals(0.2, entry.maxRelative(), 1e-9);
    assertFalse(diff.equal());
    assertTrue(diff(a, Map.of("t", row(1, 2.5f, 101, NAN, INF)), 1).equal());
    assertTrue(diff(a, a, 0).equal());
    assertTrue(diff.text().contains("0 of 1 tensors are equal within 0.900"), diff.text());
  }

  @Test
  void aNumberIsInfinitelyFarFromNoNumber() {
    WeightsDiff diff = diff(Map.of("t", row(1)), Map.of("t", row(NAN)), 1e30);
    assertEquals(INF, diff.entries().getFirst().maxAbsolute());
    assertFalse(diff.equal());
    assertFalse(diff(Map.of("t", row(INF)), Map.of("t", row(-INF)), 1e30).equal());
  }

  @Test
  void whatIsMissingOrOfAnotherShapeIsNamed() {
    WeightsDiff diff =
        diff(Map.of("t", row(1), "only.a", row(2)), Map.of("t", row(1, 2), "only.b", row(2)), 1);
    Map<String, WeightsDiff.Outcome> outcomes = new LinkedHashMap<>();
    diff.entries().forEach(entry -> outcomes.put(entry.name(), entry.outcome()));
    assertEquals(
        Map.of(
            "t", WeightsDiff.Outcome.OTHER_SHAPE,
            "only.a", WeightsDiff.Outcome.MISSING_IN_SECOND,
            "only.b", WeightsDiff.Outcome.MISSING_IN_FIRST),
        outcomes);
    assertFalse(diff.equal());
    assertTrue(diff.text().contains("missing in the second: [1]"), diff.text());
    Map<String, Object> json = Json.parseObject(Json.write(diff.json()), "diff");
    assertEquals(false, json.get("equal"));
  }

  @Test
  void typesMayDiffer() {
    TensorData exact = row(1, 2.5f);
    assertTrue(diff(Map.of("t", exact), Map.of("t", new CastTensor(exact, DType.BF16)), 0).equal());
  }
}
