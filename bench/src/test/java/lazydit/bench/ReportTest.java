package lazydit.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import lazydit.weights.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The report of fixed numbers. */
class ReportTest {
  // Two products of 2 GFLOP and 1 GFLOP: half and all of a ceiling of 100 GFLOP/s.
  private static final Row SLOW = gemm("1000x1000x1000", 2, 2e9, 50, 0.5, 2.0);
  private static final Row FAST = gemm("500x1000x1000", 2, 1e9, 100, 1.0, 1.0);

  private static final List<Row> ROWS =
      List.of(
          Row.plain("fma", "registers only", 2, 100, "GFLOP/s"),
          Row.plain("copy", "256 MiB", 2, 20, "GB/s"),
          SLOW,
          FAST,
          bandwidth("norm", 0.9),
          bandwidth("gelu", 0.7),
          Row.plain("lazy50", "reused", 2, 1.95, "x"),
          Row.plain("allocation", "step", 2, 0, "B a step"));

  private static Row gemm(
      String shape, int threads, double work, double gflops, double share, double ratio) {
    Map<String, Double> ratios = Map.of("openblas", ratio);
    return new Row(
        "gemm", shape, threads, gflops, "GFLOP/s", Limit.COMPUTE, share, work, 100, 100, ratios);
  }

  private static Row bandwidth(String name, double share) {
    double rate = 20 * share;
    return new Row(name, "rows", 2, rate, "GB/s", Limit.BANDWIDTH, share, 1e9, 1, 20, Map.of());
  }

  private static Report report() {
    return new Report(Map.of("commit", "abc"), Map.of("quick", true), ROWS, Summary.of(ROWS));
  }

  private static Map<String, Summary.Entry> summary() {
    return Summary.of(ROWS).stream()
        .collect(Collectors.toMap(Summary.Entry::name, Function.identity()));
  }

  @Test
  void theCensusIsWeightedByItsOperations() {
    // 3 GFLOP in 0.04 s + 0.01 s, of 100 GFLOP/s.
    assertEquals(3 / 0.05 / 100, summary().get("gemm_share_2t").value(), 1e-12);
    // The peer needed 0.08 s + 0.01 s.
    assertEquals(0.09 / 0.05, summary().get("gemm_vs_openblas").value(), 1e-12);
  }

  @Test
  void aBarOverSeveralKernelsIsTheWeakest() {
    assertEquals(0.7, summary().get("elementwise_share").value());
  }

  @Test
  void whatWasNotMeasuredSaysWhy() {
    assertReason("needs --peers", "gemm_vs_pytorch");
    assertReason("not measured with this number of threads", "gemm_share_1t");
    assertReason("not part of this run", "scaling_2t");
    assertReason("not part of this run", "bf16_vs_f32");
  }

  private static void assertReason(String reason, String name) {
    assertNull(summary().get(name).value());
    assertEquals(reason, summary().get(name).reason());
  }

  @Test
  void jsonHoldsRowsAndANumberForEachBar() {
    Map<String, Object> json = Json.parseObject(report().json(), "report");
    List<?> rows = (List<?>) json.get("rows");
    Map<?, ?> row = (Map<?, ?>) rows.get(2);
    assertEquals(ROWS.size(), rows.size());
    assertEquals("gemm", row.get("benchmark"));
    assertEquals("compute", row.get("limit"));
    assertEquals(0.5, ((Number) row.get("share")).doubleValue());
    assertEquals(2.0, ((Number) ((Map<?, ?>) row.get("ratios")).get("openblas")).doubleValue());
    Map<?, ?> summary = (Map<?, ?>) json.get("summary");
    assertEquals(18, summary.size());
    assertEquals(1.95, ((Number) summary.get("lazy50_speedup")).doubleValue());
    assertTrue(summary.containsKey("bf16_vs_f32"));
    assertNull(summary.get("bf16_vs_f32"));
    assertTrue(((Map<?, ?>) json.get("reasons")).containsKey("bf16_vs_f32"));
  }

  @Test
  void markdownHoldsTheSameNumbersInTables() {
    String text = report().markdown();
    assertTrue(text.contains("| gemm_share_2t | >= 0.90 | 0.600 |\n"), text);
    assertTrue(text.contains("| bf16_vs_f32 | >= 0.97 | (not part of this run) |\n"));
    assertTrue(
        text.contains(
            "| gemm | 1000x1000x1000 | 2 | 50.0 | GFLOP/s | 50.0 % of compute | 2.00 |\n"),
        text);
    assertTrue(text.contains("| norm | rows | 2 | 18.0 | GB/s | 90.0 % of bandwidth | |\n"), text);
  }

  @Test
  void theFasterPytorchCounts() {
    assertEquals(1.4, forwardVsPytorch(Map.of("pytorch", 1.4)));
    assertEquals(1.5, forwardVsPytorch(Map.of("pytorch-program", 1.5)));
    assertEquals(1.4, forwardVsPytorch(Map.of("pytorch", 1.4, "pytorch-program", 1.5)));
    assertEquals(1.3, forwardVsPytorch(Map.of("pytorch", 1.4, "pytorch-program", 1.3)));
  }

  private static double forwardVsPytorch(Map<String, Double> ratios) {
    Row row = new Row("forward", "XL", 2, 2, "s", Limit.COMPUTE, 0.9, 474e9, 100, 260, ratios);
    return Summary.of(List.of(row)).stream()
        .filter(entry -> entry.name().equals("forward_vs_pytorch"))
        .findFirst()
        .orElseThrow()
        .value();
  }

  @Test
  void aDecodeIsTimedInMilliseconds() {
    Map<String, Double> ratios = Map.of("pytorch", 1.25);
    Row row = new Row("vae", "32x32", 2, 2500, "ms", Limit.COMPUTE, 0.9, 622e9, 100, 260, ratios);
    assertEquals(2.5, row.seconds());
    Map<String, Double> summary = new HashMap<>();
    Summary.of(List.of(row)).forEach(entry -> summary.put(entry.name(), entry.value()));
    assertEquals(0.9, summary.get("vae_share"));
    assertEquals(1.25, summary.get("vae_vs_pytorch"));
  }

  @Test
  void everyRecordedRunAddsALine(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("history.jsonl");
    History.append(file, report());
    History.append(file, report());
    List<String> lines = Files.readAllLines(file);
    assertEquals(2, lines.size());
    Map<String, Object> line = Json.parseObject(lines.getLast(), "history");
    assertEquals("abc", line.get("commit"));
    assertEquals(true, line.get("quick"));
    Map<?, ?> summary = (Map<?, ?>) line.get("summary");
    assertEquals(1.95, ((Number) summary.get("lazy50_speedup")).doubleValue());
  }

  @Test
  void theMachineIsDescribed() {
    Map<String, Object> machine = Machine.describe(Path.of("."));
    for (String name : List.of("commit", "processor", "processors", "engine")) {
      assertFalse(machine.get(name).toString().isEmpty(), name);
    }
  }

  @Test
  void chartsAreDrawn(@TempDir Path folder) throws Exception {
    Charts.write(ROWS, folder);
    for (String name : List.of("roofline.svg", "shares.svg", "peers.svg")) {
      assertTrue(Files.readString(folder.resolve(name)).contains("<svg"), name);
    }
  }
}
