package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParityTest {
  private static final double NAN = Double.NaN;
  private static final double INFINITE = Double.POSITIVE_INFINITY;

  @TempDir Path folder;

  /** A golden file with one output of every kind of tolerance. */
  private GoldenFile golden(String kind) throws IOException {
    Path file = folder.resolve("g.safetensors");
    new SafetensorsWriter()
        .add("w", new float[] {1, 2}, 2)
        .add("in.x", new float[] {3}, 1)
        .add("alt.w", new float[] {1, 2}, 2)
        .add("out.ddim.final", new float[] {1, -4}, 2)
        .add("out.ddim.dense_final", new float[] {1, -4}, 2)
        .add("out.other", new float[] {1, -4}, 2)
        .add("out.rtol", new double[] {100, 0}, 2)
        .add("out.lost", new double[] {0, 1}, 2)
        .add("out.table", new double[] {1e-3, 1}, 2)
        .add("out.special", new double[] {NAN, INFINITE, -INFINITE}, 3)
        .add("out.mask", new byte[] {0, 1}, 2)
        .writeTo(file);
    Files.writeString(
        folder.resolve("g.json"),
        "{\"kind\":\"%s\",\"config\":{\"depth\":2,\"model\":{\"ratio\":1.5,\"sigma\":true}},"
                .formatted(kind)
            + "\"tensors\":{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"role\":\"weight\"}},"
            + "\"accuracy\":{\"out.ddim.final\":{\"suggested_atol\":1e-5},"
            + "\"out.rtol\":{\"suggested_atol\":1e-6,\"suggested_rtol\":1e-3},"
            + "\"out.lost\":{\"suggested_atol\":0.1}}}");
    return GoldenFile.open(file);
  }

  @Test
  void weightsInputsAndExpectationsAreToldApart() throws IOException {
    try (GoldenFile golden = golden("dit")) {
      assertEquals("dit", golden.kind());
      assertEquals("g", golden.name());
      assertEquals(List.of("w"), golden.weights().names());
      assertTrue(golden.weights().contains("w"));
      assertFalse(golden.weights().contains("in.x"));
      assertArrayEquals(new float[] {3}, golden.input("x").toFloats());
      assertFalse(golden.hasInput("y"));
      assertEquals(8, golden.expectedNames().size());
      assertEquals(2, golden.configInt("depth"));
      assertEquals(1.5, golden.configDouble("model", "ratio"));
      assertTrue(golden.configFlag("model", "sigma"));
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> golden.configInt("model", "heads"));
      assertTrue(e.getMessage().contains("no 'model.heads' in 'config'"), e.getMessage());
    }
  }

  @Test
  void aFileThatIsNotThereIsSaidNotToBe() {
    Path file = folder.resolve("nosuch");
    assertEquals(
        file + ": does not exist",
        assertThrows(CheckpointException.class, () -> Parity.run(file, List.of(), Optional.empty()))
            .getMessage());
  }

  @Test
  void tolerancesFollowTheSidecarAndTheRules() throws IOException {
    try (GoldenFile golden = golden("dit")) {
      assertEquals(new Tolerance(1e-5, 0), golden.tolerance("out.ddim.final"));
      assertEquals(new Tolerance(1e-5, 0), golden.tolerance("out.ddim.dense_final"));
      assertEquals(new Tolerance(4e-4, 0), golden.tolerance("out.other"));
      assertEquals(new Tolerance(1e-6, 1e-3), golden.tolerance("out.rtol"));
      assertEquals(new Tolerance(1e-15, 1e-12), golden.tolerance("out.table"));
      assertEquals(Tolerance.EXACT, golden.tolerance("out.mask"));
      assertEquals(new Tolerance(0.1, 0), golden.tolerance("out.lost"));
    }
    try (GoldenFile kernels = golden("kernels")) {
      assertEquals(new Tolerance(2e-6, 0), kernels.tolerance("out.lost"));
      assertEquals(new Tolerance(1e-6, 1e-3), kernels.tolerance("out.rtol"));
    }
  }

  private static Map<String, Computed> right() {
    Map<String, Computed> computed = new HashMap<>();
    computed.put("out.ddim.final", Computed.of(new float[] {1, -4}, 2));
    computed.put("out.ddim.dense_final", Computed.of(new float[] {1, -4}, 2));
    computed.put("out.other", Computed.of(new float[] {1, -4}, 2));
    computed.put("out.rtol", Computed.of(new float[] {100.09f, 0}, 2));
    computed.put("out.lost", Computed.of(new double[] {0, 1}, 2));
    computed.put("out.table", Computed.of(new double[] {1e-3, 1}, 2));
    computed.put("out.special", Computed.of(new double[] {NAN, INFINITE, -INFINITE}, 3));
    computed.put("out.mask", Computed.of(new byte[] {0, 1}, 2));
    return computed;
  }

  @Test
  void fewPixelsMayBeALevelOff() throws IOException {
    byte[] pixels = new byte[400];
    Arrays.fill(pixels, (byte) 200);
    Path file = folder.resolve("p.safetensors");
    new SafetensorsWriter().add("out.image_u8", pixels, 20, 20).writeTo(file);
    Files.writeString(folder.resolve("p.json"), "{\"kind\":\"dit\"}");
    try (GoldenFile golden = GoldenFile.open(file)) {
      for (int i = 0; i < 4; i++) {
        pixels[90 * i]++;
        assertTrue(pixels(golden, pixels).passed());
      }
      assertEquals(1, pixels(golden, pixels).rows().getFirst().share());
      byte[] one = pixels.clone();
      one[0]++;
      assertFalse(pixels(golden, one).passed(), "two levels");
      pixels[399]--;
      assertFalse(pixels(golden, pixels).passed(), "too many");
    }
  }

  private static ParityReport pixels(GoldenFile golden, byte[] pixels) {
    return ParityReport.compare(golden, Map.of("out.image_u8", Computed.of(pixels, 20, 20)));
  }

  private ParityReport report(String name, Computed value) throws IOException {
    Map<String, Computed> computed = right();
    computed.put(name, value);
    try (GoldenFile golden = golden("dit")) {
      return ParityReport.compare(golden, computed);
    }
  }

  @Test
  void rightNumbersPass() throws IOException {
    ParityReport report = report("out.mask", Computed.of(new long[] {0, 1}, 2));
    assertTrue(report.passed(), report::text);
    assertEquals(8, report.count(ParityReport.Outcome.PASS));
    ParityReport.Row row = row(report, "out.rtol");
    assertEquals(0.09, row.maxAbs(), 1e-4);
    assertEquals(0.0009, row.maxRel(), 1e-6);
    assertEquals(0.9, row.share(), 1e-2);
  }

  private static ParityReport.Row row(ParityReport report, String name) {
    return report.rows().stream().filter(r -> r.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void wrongNumbersTypesAndShapesFail() throws IOException {
    assertFails("out.ddim.final", Computed.of(new float[] {1, -4.0001f}, 2));
    assertFails("out.rtol", Computed.of(new float[] {100.11f, 0}, 2));
    assertFails("out.rtol", Computed.of(new float[] {100, 2e-6f}, 2));
    assertFails("out.rtol", Computed.of(new float[] {100, Float.NaN}, 2));
    assertFails("out.table", Computed.of(new double[] {1e-3, 1 + 2e-12}, 2));
    assertFails("out.special", Computed.of(new double[] {0, INFINITE, -INFINITE}, 3));
    assertFails("out.special", Computed.of(new double[] {NAN, -INFINITE, -INFINITE}, 3));
    assertFails("out.special", Computed.of(new double[] {NAN, 1e300, -INFINITE}, 3));
    assertFails("out.mask", Computed.of(new byte[] {1, 1}, 2));
    assertFails("out.mask", Computed.of(new float[] {0, 1}, 2));
    assertFails("out.other", Computed.of(new float[] {1, -4}, 1, 2));
    assertFails("out.other", Computed.of(new long[] {1, -4}, 2));
  }

  private void assertFails(String name, Computed value) throws IOException {
    ParityReport report = report(name, value);
    assertFalse(report.passed());
    assertEquals(ParityReport.Outcome.FAIL, row(report, name).outcome());
    assertEquals(1, report.count(ParityReport.Outcome.FAIL), report::text);
    assertTrue(report.text().contains("FAIL"));
    assertTrue(Json.write(report.json()).contains("\"passed\":false"));
  }

  @Test
  void whatIsNotComputedIsSaidAndIsNoFailure() throws IOException {
    try (GoldenFile golden = golden("dit")) {
      ParityReport some =
          ParityReport.compare(golden, Map.of("out.mask", Computed.of(new byte[] {0, 1}, 2)));
      assertTrue(some.passed());
      assertEquals(7, some.count(ParityReport.Outcome.NOT_COMPUTED));
      assertTrue(some.summary().contains("1 passed, 0 failed, 7 not computed"));
      ParityReport none = ParityReport.compare(golden, Map.of());
      assertFalse(none.passed());
      assertTrue(none.text().contains("NOT COMPUTED"));
    }
  }

  @Test
  void computedTensorsAreWrittenUnderTheirNames() {
    Path file = folder.resolve("computed.safetensors");
    Computed.save(right(), file);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertEquals(8, checkpoint.names().size());
      assertArrayEquals(new float[] {1, -4}, checkpoint.tensor("out.ddim.final").toFloats());
      assertEquals(DType.U8, checkpoint.tensor("out.mask").dtype());
      assertEquals(DType.F64, checkpoint.tensor("out.table").dtype());
    }
    assertThrows(IllegalArgumentException.class, () -> Computed.of(new float[3], 2));
  }

  /** A suite that yields one tensor of the right kind of file. */
  private record OneTensor(String kind, String name, Computed value) implements ParitySuite {
    @Override
    public boolean handles(GoldenFile golden) {
      return golden.kind().equals(kind);
    }

    @Override
    public Map<String, Computed> run(GoldenFile golden) {
      return Map.of(name, value);
    }
  }

  @Test
  void everySuiteThatHandlesAFileRuns() throws IOException {
    golden("dit").close();
    List<ParitySuite> suites =
        List.of(
            new OneTensor("dit", "out.mask", Computed.of(new byte[] {0, 1}, 2)),
            new OneTensor("dit", "out.other", Computed.of(new float[] {1, -4}, 2)),
            new OneTensor("vae", "out.table", Computed.of(new double[] {7, 7}, 2)));
    Path out = folder.resolve("out.safetensors");
    ParityReport report = Parity.run(folder.resolve("g.safetensors"), suites, Optional.of(out));
    assertEquals(2, report.count(ParityReport.Outcome.PASS));
    assertEquals(6, report.count(ParityReport.Outcome.NOT_COMPUTED));
    try (Checkpoint checkpoint = Checkpoint.open(out)) {
      assertEquals(List.of("out.other", "out.mask"), checkpoint.names());
    }
  }

  @Test
  void whatACheckpointHoldsIsWrittenAsItsTwinNamesIt() {
    Path out = folder.resolve("out.safetensors");
    for (String name : List.of("a_zip", "c_dit_training", "e_lazy_gates")) {
      Path file = Resources.path("torch_save/" + name + ".pt");
      assertTrue(Parity.run(file, List.of(), Optional.of(out)).passed());
      try (Checkpoint written = Checkpoint.open(out);
          Checkpoint twin =
              Checkpoint.open(Resources.path("torch_save/" + name + ".expect.safetensors"))) {
        assertEquals(twin.names(), written.names());
        assertEquals(Fingerprint.of(twin), Fingerprint.of(written));
      }
    }
  }

  @Test
  void sidecarsMustExistAndAgree() throws IOException {
    golden("dit").close();
    Path file = folder.resolve("g.safetensors");
    Path sidecar = folder.resolve("g.json");
    Files.writeString(
        sidecar, "{\"kind\":\"dit\",\"tensors\":{\"w\":{\"dtype\":\"F32\",\"shape\":[3]}}}");
    refused("describes tensor 'w' differently", file);
    Files.writeString(sidecar, "{\"kind\":\"dit\",\"tensors\":{\"v\":{}}}");
    refused("has no tensor 'v'", file);
    Files.writeString(sidecar, "{\"config\":{}}");
    refused("has no 'kind'", file);
    Files.writeString(sidecar, "{\"kind\":\"dit\",\"config\":7}");
    refused("'config' of its sidecar is not a JSON object", file);
    Files.delete(sidecar);
    refused("has no sidecar 'g.json'", file);
  }

  private static void refused(String reason, Path file) {
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> GoldenFile.open(file).close());
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  @Test
  void aReferenceFileIsUnderstood() {
    Path file = Resources.path("golden/kernels_softmax.safetensors");
    try (GoldenFile golden = GoldenFile.open(file)) {
      assertEquals("kernels", golden.kind());
      assertEquals("kernels_softmax", golden.name());
      assertEquals(List.of("out.softmax"), golden.expectedNames());
      assertEquals(new Tolerance(1e-6, 0), golden.tolerance("out.softmax"));
      double[] expected = golden.expected("out.softmax").toDoubles();
      Map<String, Computed> same = Map.of("out.softmax", Computed.of(expected, 9, 37));
      assertTrue(ParityReport.compare(golden, same).passed());
      expected[5] += 2e-6;
      assertFalse(ParityReport.compare(golden, same).passed());
    }
  }

  @Test
  void checkpointsAreComparedWithTheirTwin() throws IOException {
    copy("a3_handmade.pt", "a3_handmade.pt");
    copy("a3_handmade.expect.safetensors", "a3_handmade.expect.safetensors");
    Path file = folder.resolve("a3_handmade.pt");
    assertTrue(TorchSaveParity.handles(file));
    assertFalse(TorchSaveParity.handles(folder.resolve("x.safetensors")));
    assertTrue(TorchSaveParity.run(file).passed());

    new SafetensorsWriter()
        .add("w", new float[12], 3, 4)
        .writeTo(folder.resolve("a3_handmade.expect.safetensors"));
    Files.writeString(folder.resolve("a3_handmade.expect.json"), "{\"epoch\":3}");
    ParityReport other = TorchSaveParity.run(file);
    assertEquals(2, other.count(ParityReport.Outcome.FAIL), other::text);

    copy("m1_os_system.pt", "a3_handmade.pt");
    assertFalse(TorchSaveParity.run(file).passed());
  }

  @Test
  void aFileThatShouldBeRefusedButIsReadFails() throws IOException {
    copy("a_zip.pt", "bad.pt");
    Path file = folder.resolve("bad.pt");
    assertThrows(CheckpointException.class, () -> TorchSaveParity.run(file));
    Files.writeString(folder.resolve("manifest.json"), "{\"bad.pt\":{\"must_reject\":true}}");
    assertFalse(TorchSaveParity.run(file).passed());
    Files.writeString(folder.resolve("manifest.json"), "{\"bad.pt\":{\"must_reject\":false}}");
    assertTrue(TorchSaveParity.run(file).passed());
  }

  private void copy(String resource, String name) throws IOException {
    Files.write(folder.resolve(name), Resources.bytes("torch_save/" + resource));
  }
}
