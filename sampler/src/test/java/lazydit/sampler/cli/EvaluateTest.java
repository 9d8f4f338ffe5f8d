package lazydit.sampler.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lazydit.sampler.TinyDit;
import lazydit.sampler.data.Idx;
import lazydit.weights.Json;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code lazydit data} and {@code lazydit evaluate}, on a tiny model with random weights. */
class EvaluateTest {
  @TempDir private Path folder;
  private Path data;
  private Path model;
  private Path classifier;
  private String out;
  private String err;

  @BeforeEach
  void prepare() throws IOException {
    data = Idx.write(folder.resolve("data"), "train", 30);
    Idx.write(data, "t10k", 8);
    model = TinyDit.write(folder.resolve("tiny.safetensors"), 1);
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("conv1.weight", new long[] {2, 1, 3, 3});
    shapes.put("conv1.bias", new long[] {2});
    shapes.put("conv2.weight", new long[] {3, 2, 3, 3});
    shapes.put("conv2.bias", new long[] {3});
    shapes.put("fc1.weight", new long[] {5, 3});
    shapes.put("fc1.bias", new long[] {5});
    shapes.put("fc2.weight", new long[] {3, 5});
    shapes.put("fc2.bias", new long[] {3});
    classifier = TinyDit.write(folder.resolve("classifier.safetensors"), shapes);
  }

  private int run(boolean cancelled, String... args) {
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    Session session =
        new Session(
            new PrintStream(outBytes, true, StandardCharsets.UTF_8),
            new PrintStream(errBytes, true, StandardCharsets.UTF_8));
    if (cancelled) {
      session.cancel();
    }
    int exit = Main.run(args, session);
    out = outBytes.toString(StandardCharsets.UTF_8);
    err = errBytes.toString(StandardCharsets.UTF_8);
    return exit;
  }

  private String[] evaluate(String... more) {
    List<String> args = new ArrayList<>(List.of("evaluate"));
    args.addAll(List.of(more));
    Map.of(
            "--count", "9",
            "--heads", "2",
            "--model", model.toString(),
            "--data", data.toString(),
            "--classifier", classifier.toString())
        .forEach(
            (option, value) -> {
              if (!args.contains(option)) {
                args.addAll(List.of(option, value));
              }
            });
    return args.toArray(String[]::new);
  }

  private static Map<?, ?> map(Object json) {
    return (Map<?, ?>) json;
  }

  @Test
  void rowsArePairedWithTheTruth() {
    assertEquals(
        0,
        run(
            false,
            evaluate(
                "--json",
                "--truth",
                "6",
                "--row",
                "same=ddim:6",
                "--row",
                "ddim:3",
                "--row",
                "every2:6",
                "--row",
                "random50:6")),
        err);
    Map<String, Object> json = Json.parseObject(out, "standard output");
    assertEquals(9L, json.get("images"));
    assertEquals(8L, map(json.get("floor")).get("images"));
    List<?> rows = (List<?>) json.get("rows");
    assertEquals(4, rows.size());
    Map<?, ?> same = map(rows.get(0));
    assertEquals("same", same.get("name"));
    assertEquals(6L, same.get("steps"));
    assertEquals(0.0, same.get("paired_mse"));
    assertEquals(0, (Double) same.get("own_frechet_distance"), 1e-6);
    assertEquals(map(json.get("truth")).get("frechet_distance"), same.get("frechet_distance"));
    assertEquals(map(json.get("truth")).get("accuracy"), same.get("accuracy"));
    assertTrue((Double) same.get("ms_per_image") > 0);
    Map<?, ?> fewer = map(rows.get(1));
    assertEquals("ddim:3", fewer.get("name"));
    double error = (Double) fewer.get("paired_mse");
    assertTrue(error > 0 && error < 0.1, "from other noise it would be far larger than " + error);
    assertEquals(0.5, map(map(rows.get(2)).get("lazy_ratio")).get("attn"));
    assertEquals(0.5, map(map(rows.get(3)).get("lazy_ratio")).get("overall"));
    assertTrue((Double) map(rows.get(2)).get("multiply_adds_saved") > 0.1);
  }

  @Test
  void theTableIsForPeople() {
    assertEquals(0, run(false, evaluate("--row", "ddim:2", "--row", "every2:2")), err);
    assertTrue(out.contains("9 pictures of each row, from the same noise."), out);
    assertTrue(out.contains("test set, 8"), out);
    assertTrue(out.lines().anyMatch(line -> line.startsWith("every2:2") && line.contains("0.500")));
    assertFalse(out.contains("null"), out);
  }

  @Test
  void theReportIsOnePage() throws IOException {
    Path report = folder.resolve("new/report");
    assertEquals(
        0,
        run(
            false,
            evaluate(
                "--truth",
                "3",
                "--row",
                "a<b=ddim:2",
                "--row",
                "every2:4",
                "--report",
                report.toString())),
        err);
    String page = Files.readString(report.resolve("index.html"));
    assertEquals(3 + 2, page.split("<svg", -1).length - 1, "three charts, two maps");
    assertEquals(3, page.split("data:image/png;base64,", -1).length - 1);
    assertTrue(page.contains("a&lt;b") && !page.contains("a<b"));
    assertTrue(page.contains("<title>step 2, block 0: 100 %</title>"));
    assertFalse(page.contains("http://") && page.contains("src=\"http"));
  }

  @Test
  void cancelledItLeavesNothing() throws IOException {
    Path report = folder.resolve("report");
    assertEquals(130, run(true, evaluate("--row", "ddim:2", "--report", report.toString())));
    assertEquals("", out);
    assertFalse(Files.exists(report.resolve("index.html")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--row ddim|2|There is no row \"ddim\"",
        "--row euler2:4|2|There is no row \"euler2:4\"",
        "--row every2:x:4|2|There is no row \"every2:x:4\"",
        "--row every0:4|2|cannot be computed",
        "--row gates:4|2|has no gates of its own for 4 steps",
        "--row ddim:0|2|Steps must be 1 to 1000",
        "--row random90:4|2|a share of 0 to 0.750 can be reused, not 0.9",
        "--count 3|2|--count must be at least 4",
        "--truth 1001|2|--truth must be 1 to 1000"
      })
  void whatCannotBeIsRefused(String options, int exit, String about) {
    assertEquals(exit, run(false, evaluate(options.split(" "))), err);
    assertTrue(err.contains(about), err);
    assertEquals("", out);
  }

  @Test
  void aClassifierOfOtherPicturesIsRefused() {
    Path other = TinyDit.write(folder.resolve("other.safetensors"), 3);
    assertEquals(1, run(false, evaluate("--row", "ddim:2", "--model", other.toString())));
    assertTrue(
        err.contains("takes pictures [1, 4, 4] of 3 classes, but those of model other.safetensors"),
        err);
    assertEquals(1, run(false, evaluate("--classifier", model.toString())));
    assertTrue(err.contains("has no tensor conv1.weight, so it is no classifier"), err);
  }

  @Test
  void dataSaysWhatIsThere() {
    assertEquals(0, run(false, "data", data.toString()), err);
    assertTrue(out.contains("train  30 of 1 x 4 x 4, 3 classes: idx files"), out);
    assertTrue(out.contains("10 0, 10 1, 10 2"), out);
    assertTrue(out.contains("test   8 of"), out);
    assertEquals(0, run(false, "data", data.toString(), "--json"), err);
    Map<String, Object> json = Json.parseObject(out, "standard output");
    assertEquals(List.of(3L, 3L, 2L), map(json.get("test")).get("class_counts"));
    assertEquals(1, run(false, "data", folder.resolve("none").toString()));
    assertTrue(err.contains("does not exist"), err);
    assertEquals(2, run(false, "data", data.toString(), "--encode", "vae"));
    assertTrue(err.contains("belong together"), err);
  }
}
