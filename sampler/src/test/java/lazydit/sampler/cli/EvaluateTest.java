package lazydit.sampler.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lazydit.sampler.TinyDit;
import lazydit.sampler.data.Idx;
import lazydit.weights.Json;
import lazydit.weights.SafetensorsWriter;
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
    classifier = TinyDit.write(folder.resolve("classifier.safetensors"), classifierShapes());
  }

  private static Map<String, long[]> classifierShapes() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("conv1.weight", new long[] {2, 1, 3, 3});
    shapes.put("conv1.bias", new long[] {2});
    shapes.put("conv2.weight", new long[] {3, 2, 3, 3});
    shapes.put("conv2.bias", new long[] {3});
    shapes.put("fc1.weight", new long[] {5, 3});
    shapes.put("fc1.bias", new long[] {5});
    shapes.put("fc2.weight", new long[] {3, 5});
    shapes.put("fc2.bias", new long[] {3});
    return shapes;
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

  private static Map<?, ?> judge(Map<?, ?> json, int index) {
    return map(((List<?>) json.get("judges")).get(index));
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
    Map<?, ?> judge = judge(json, 0);
    assertEquals("classifier.safetensors", judge.get("classifier"));
    assertEquals(8L, map(judge.get("floor")).get("images"));
    List<?> rows = (List<?>) judge.get("rows");
    assertEquals(4, rows.size());
    Map<?, ?> same = map(rows.get(0));
    assertEquals("same", same.get("name"));
    assertEquals(6L, same.get("steps"));
    assertEquals(0.0, same.get("paired_mse"));
    assertEquals(0, (Double) same.get("own_frechet_distance"), 1e-6);
    Map<?, ?> truth = map(judge.get("truth"));
    assertEquals(truth.get("frechet_distance"), same.get("frechet_distance"));
    assertEquals(truth.get("accuracy"), same.get("accuracy"));
    assertFalse(truth.containsKey("ms_per_image"), "it may have been drawn another day");
    assertTrue((Double) same.get("ms_per_image") > 0);
    Map<?, ?> fewer = map(rows.get(1));
    assertEquals("ddim:3", fewer.get("name"));
    double error = (Double) fewer.get("paired_mse");
    assertTrue(error > 0 && error < 0.1, "from other noise it would be far larger than " + error);
    assertEquals(0.5, map(rows.get(2)).get("lazy_ratio_attn"));
    assertEquals(0.5, map(rows.get(3)).get("lazy_ratio"));
    assertTrue((Double) map(rows.get(2)).get("multiply_adds_saved") > 0.1);
  }

  private Map<String, Object> json(String... more) {
    List<String> args = new ArrayList<>(List.of(more));
    args.addAll(List.of("--json", "--row", "ddim:3"));
    assertEquals(0, run(false, evaluate(args.toArray(String[]::new))), err);
    return Json.parseObject(out, "standard output");
  }

  private static Map<?, ?> row(Map<String, Object> json, int judge) {
    return map(((List<?>) judge(json, judge).get("rows")).getFirst());
  }

  private List<Path> kept(Path kept) throws IOException {
    try (Stream<Path> files = Files.list(kept)) {
      return files.sorted().toList();
    }
  }

  @Test
  void theTruthIsDrawnOnce() throws IOException {
    Path keep = folder.resolve("new/kept");
    String[] options = {"--keep", keep.toString(), "--truth", "6", "--count", "130"};
    Map<String, Object> drawn = json(options);
    List<Path> files = kept(keep);
    assertEquals(2, files.size(), "pieces of 128");
    // Files that are used are not written again.
    for (Path file : files) {
      Files.setLastModifiedTime(file, FileTime.fromMillis(0));
    }
    Map<String, Object> again = json(options);
    assertEquals(judge(drawn, 0).get("truth"), judge(again, 0).get("truth"));
    for (String key : List.of("paired_mse", "own_frechet_distance", "frechet_distance")) {
      assertEquals(row(drawn, 0).get(key), row(again, 0).get(key));
    }
    for (Path file : files) {
      assertEquals(FileTime.fromMillis(0), Files.getLastModifiedTime(file));
    }
    // More pictures: what there is of them is used, but for the last piece.
    options[5] = "140";
    json(options);
    assertEquals(FileTime.fromMillis(0), Files.getLastModifiedTime(files.get(0)));
    assertTrue(Files.getLastModifiedTime(files.get(1)).toMillis() > 0);
    // Another seed, guidance, number of steps or model has files of its own.
    json("--keep", keep.toString(), "--truth", "6", "--seed", "1");
    json("--keep", keep.toString(), "--truth", "6", "--cfg", "2");
    json("--keep", keep.toString(), "--truth", "5");
    Path other = TinyDit.write(folder.resolve("other.safetensors"), TinyDit.shapes(1), 0.2f);
    json("--keep", keep.toString(), "--truth", "6", "--model", other.toString());
    assertEquals(files.size() + 4, kept(keep).size());
  }

  @Test
  void aDamagedTruthIsNamed() throws IOException {
    Path keep = folder.resolve("kept");
    String[] options = {"--keep", keep.toString(), "--truth", "4"};
    Map<String, Object> drawn = json(options);
    Path file = kept(keep).getFirst();
    // Of another origin than its name says: drawn again.
    new SafetensorsWriter().add("pictures", new byte[9 * 16], 9, 1, 4, 4).writeTo(file);
    assertEquals(row(drawn, 0).get("paired_mse"), row(json(options), 0).get("paired_mse"));
    Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 300));
    assertEquals(1, run(false, evaluate("--keep", keep.toString(), "--truth", "4")));
    assertTrue(err.contains(file.getFileName().toString()), err);
  }

  @Test
  void seedsGiveMeansAndDeviations() {
    String[] options = {"--truth", "4", "--seeds", "3", "--seed", "5"};
    Map<?, ?> all = row(json(options), 0);
    double sum = 0;
    double squares = 0;
    for (int seed = 5; seed < 8; seed++) {
      Map<?, ?> one = row(json("--truth", "4", "--seed", Integer.toString(seed)), 0);
      double value = (Double) one.get("paired_mse");
      assertEquals(value, ((List<?>) map(all.get("by_seed")).get("paired_mse")).get(seed - 5));
      assertFalse(one.containsKey("deviations"));
      sum += value;
      squares += value * value;
    }
    assertTrue(squares > 0);
    assertEquals(sum / 3, (Double) all.get("paired_mse"), 1e-12);
    double deviation = Math.sqrt((squares - sum * sum / 3) / 2);
    assertEquals(deviation, (Double) map(all.get("deviations")).get("paired_mse"), 1e-6 * sum);
    assertEquals(0, run(false, evaluate("--seeds", "2", "--row", "ddim:2")), err);
    assertTrue(out.contains("seeds 0 to 1"), out);
    assertTrue(out.lines().anyMatch(line -> line.startsWith("ddim:2") && line.contains(" ± ")));
  }

  @Test
  void severalJudgesSeeTheSamePictures() throws IOException {
    Path other = TinyDit.write(folder.resolve("other.safetensors"), classifierShapes(), 0.2f);
    Path report = folder.resolve("report");
    String[] both = {
      "--classifier",
      classifier.toString(),
      "--classifier",
      other.toString(),
      "--truth",
      "4",
      "--report",
      report.toString()
    };
    Map<String, Object> json = json(both);
    assertEquals(out, Files.readString(report.resolve("results.json")));
    assertEquals("other.safetensors", judge(json, 1).get("classifier"));
    Map<?, ?> first = row(json, 0);
    Map<?, ?> second = row(json, 1);
    assertEquals(first.get("paired_mse"), second.get("paired_mse"));
    assertEquals(first.get("ms_per_image"), second.get("ms_per_image"));
    Map<?, ?> alone = row(json("--classifier", other.toString(), "--truth", "4"), 0);
    for (String key : List.of("frechet_distance", "own_frechet_distance", "accuracy")) {
      assertEquals(alone.get(key), second.get(key));
    }
    assertNotEquals(first.get("frechet_distance"), second.get("frechet_distance"));
    String page = Files.readString(report.resolve("index.html"));
    assertEquals(2, page.split("<table>", -1).length - 1);
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
        "--truth 1001|2|--truth must be 1 to 1000",
        "--seeds 0|2|--seeds must be 1 to 100",
        "--keep x|2|--keep needs --truth"
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
  void withoutAClassifierTheBuiltInOneJudges() {
    List<String> args = new ArrayList<>(List.of(evaluate("--row", "ddim:2")));
    int at = args.indexOf("--classifier");
    args.subList(at, at + 2).clear();
    assertEquals(1, run(false, args.toArray(String[]::new)));
    assertTrue(err.contains("built-in takes pictures [1, 28, 28] of 10 classes"), err);
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
