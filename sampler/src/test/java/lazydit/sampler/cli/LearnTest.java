package lazydit.sampler.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lazydit.sampler.TinyDit;
import lazydit.sampler.data.Idx;
import lazydit.weights.Json;
import lazydit.weights.LazyGateSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code lazydit learn} on a tiny model with random weights, and sampling with what it learns. */
class LearnTest {
  @TempDir private Path folder;
  private Path model;
  private Path gates;
  private String out;
  private String err;

  @BeforeEach
  void prepare() {
    model = TinyDit.write(folder.resolve("tiny.safetensors"), 1);
    gates = folder.resolve("gates.safetensors");
  }

  private static PrintStream print(OutputStream stream) {
    return new PrintStream(stream, true, StandardCharsets.UTF_8);
  }

  private int run(String... args) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int exit = Main.run(args, new Session(print(bytes), print(errors)));
    out = bytes.toString(StandardCharsets.UTF_8);
    err = errors.toString(StandardCharsets.UTF_8);
    return exit;
  }

  /** Runs until so many lines were printed, then cancels. */
  private int runUntil(int lines, String... args) {
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    Session[] session = new Session[1];
    OutputStream counting =
        new OutputStream() {
          private int left = lines;

          @Override
          public void write(int b) {
            if (b == '\n' && --left == 0) {
              session[0].cancel();
            }
          }
        };
    session[0] = new Session(print(counting), print(errors));
    int exit = Main.run(args, session[0]);
    err = errors.toString(StandardCharsets.UTF_8);
    return exit;
  }

  private String[] learn(Path file, String... more) {
    List<String> args = new ArrayList<>(List.of("learn"));
    args.addAll(List.of(more));
    Map<String, String> usual =
        Map.of(
            "--model", model.toString(),
            "--heads", "2",
            "--steps", "6",
            "--truth", "12",
            "--out", file.toString(),
            "--seed", "3",
            "--batch-size", "3");
    Map<String, String> rollout = Map.of("--pictures", "6", "--probes", "2", "--rounds", "1");
    addMissing(args, usual);
    if (!args.contains("official")) {
      addMissing(args, rollout);
    }
    return args.toArray(String[]::new);
  }

  private static void addMissing(List<String> args, Map<String, String> options) {
    options.forEach(
        (option, value) -> {
          if (!args.contains(option)) {
            args.addAll(List.of(option, value));
          }
        });
  }

  private String[] sample(String... more) {
    List<String> args = new ArrayList<>(List.of("sample", "--model", model.toString()));
    args.addAll(List.of("--heads", "2", "--count", "3", "--json"));
    args.addAll(List.of("--out", folder.resolve("x.png").toString()));
    args.addAll(List.of(more));
    if (!args.contains("--steps")) {
      args.addAll(List.of("--steps", "6"));
    }
    return args.toArray(String[]::new);
  }

  private double sampledRatio(String... more) {
    assertEquals(0, run(sample(more)), err);
    Map<?, ?> lazy = (Map<?, ?>) Json.parseObject(out, "out").get("lazy_ratio");
    return (Double) lazy.get("overall");
  }

  @Test
  void gatesAreAsLazyAsAskedFor() throws IOException {
    assertEquals(0, run(learn(gates, "--target-ratio", "0.25,0.5", "--json")), err);
    assertTrue(err.contains("lazy ratio ") && err.contains("wrote " + gates), err);
    List<String> lines = out.lines().toList();
    Map<String, Object> first = Json.parseObject(lines.getFirst(), "out");
    assertEquals(1L, first.get("round"));
    assertTrue((Double) first.get("loss") >= 0);
    List<?> points = (List<?>) Json.parseObject(lines.getLast(), "out").get("points");
    assertEquals(2, points.size());
    assertEquals(List.of("gates.safetensors", "tiny.safetensors"), files());
    LazyGateSet set = LazyGateSet.read(gates);
    assertEquals(2, set.points().size());
    double low = set.points().getFirst().ratio().mean();
    double high = set.points().getLast().ratio().mean();
    assertEquals(0.25, low, 0.1);
    assertEquals(0.5, high, 0.1);
    String file = gates.toString();
    double lazy = sampledRatio("--gates", file, "--lazy-ratio", String.valueOf(high));
    double little = sampledRatio("--gates", file, "--lazy-ratio", String.valueOf(low));
    double between =
        sampledRatio("--gates", file, "--lazy-ratio", String.valueOf((low + high) / 2));
    assertTrue(little < between && between < lazy, little + ", " + between + ", " + lazy);
  }

  private List<String> files() throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void anInterruptedLearningGoesOnToTheBit() throws IOException {
    String[] ratio = {"--target-ratio", "0.4", "--json"};
    assertEquals(0, run(learn(gates, ratio)), err);
    Path other = folder.resolve("other.safetensors");
    Path state = folder.resolve("other.safetensors.learning");
    assertEquals(130, runUntil(3, learn(other, ratio)), err);
    assertTrue(err.contains("stopped after 3 of ") && err.contains("--resume goes on"), err);
    assertTrue(Files.exists(state) && !Files.exists(other));
    assertEquals(1, run(learn(other, ratio)));
    assertTrue(err.contains("There is an interrupted learning"), err);
    assertEquals(1, run(learn(other, "--resume", "--target-ratio", "0.3")));
    assertTrue(err.contains("was begun with other settings"), err);
    assertFalse(err.contains("drawing"), err);
    assertEquals(0, run(learn(other, "--resume", "--target-ratio", "0.4")), err);
    assertArrayEquals(Files.readAllBytes(gates), Files.readAllBytes(other));
    assertFalse(Files.exists(state));
  }

  private String data() throws IOException {
    return Idx.write(folder.resolve("data"), "train", 30).toString();
  }

  @Test
  void theAuthorsRecipeGoesOnToTheBit() throws IOException {
    String[] recipe = {"--recipe", "official", "--data", data(), "--iterations", "8", "--json"};
    assertEquals(0, run(learn(gates, recipe)), err);
    Path other = folder.resolve("other.safetensors");
    assertEquals(130, runUntil(5, learn(other, recipe)), err);
    List<String> resumed = new ArrayList<>(List.of(recipe));
    resumed.add("--resume");
    assertEquals(0, run(learn(other, resumed.toArray(String[]::new))), err);
    assertArrayEquals(Files.readAllBytes(gates), Files.readAllBytes(other));
  }

  @Test
  void anotherRecipeIsRefusedAtOnce() throws IOException {
    String[] recipe = {"--recipe", "official", "--data", data(), "--iterations", "8", "--json"};
    Path state = folder.resolve("gates.safetensors.learning");
    assertEquals(130, runUntil(1, learn(gates, recipe)), err);
    byte[] before = Files.readAllBytes(state);
    assertEquals(1, run(learn(gates, "--resume")));
    assertTrue(
        err.contains(state + ": was begun by the recipe official, but rollout was asked for."),
        err);
    assertFalse(err.contains("drawing"), err);
    assertArrayEquals(before, Files.readAllBytes(state));
    Files.copy(model, state, StandardCopyOption.REPLACE_EXISTING);
    assertEquals(1, run(learn(gates, "--resume")));
    assertTrue(err.contains("is not the file of an interrupted learning"), err);
  }

  @Test
  void aFileIsNotReplacedUnasked() throws IOException {
    String[] ratio = {"--target-ratio", "0.3", "--json"};
    Files.writeString(gates, "precious");
    assertEquals(1, run(learn(gates, ratio)));
    assertTrue(err.contains(gates + ": exists already; give --force to replace it."), err);
    assertFalse(err.contains("drawing"), err);
    assertEquals("precious", Files.readString(gates));
    assertEquals(List.of("gates.safetensors", "tiny.safetensors"), files());
    String[] forced = {"--target-ratio", "0.3", "--json", "--force"};
    assertEquals(130, runUntil(1, learn(gates, forced)), err);
    assertEquals("precious", Files.readString(gates));
    assertEquals(0, run(learn(gates, "--target-ratio", "0.3", "--resume")), err);
    assertEquals(1, LazyGateSet.read(gates).points().size());
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aDeviceIsRefusedWithNothingBesideIt() {
    Path device = Path.of("/dev/null");
    assertEquals(1, run(learn(device, "--force")));
    assertTrue(err.contains("/dev/null: is no ordinary file"), err);
    assertFalse(Files.exists(Path.of("/dev/null.learning")));
  }

  @Test
  void aFileThatCannotBeWrittenIsFoundOutEarly() throws IOException {
    assertEquals(1, run(learn(folder.resolve("nowhere/gates.safetensors"))));
    assertTrue(err.contains("there is no folder " + folder.resolve("nowhere")), err);
    assertEquals(1, run(learn(model.resolve("gates.safetensors"))));
    assertTrue(err.contains("cannot be written"), err);
    Path state = Files.createDirectory(folder.resolve("gates.safetensors.learning"));
    assertEquals(1, run(learn(gates, "--force")));
    assertTrue(err.contains(state + ": cannot be written because it is a folder"), err);
    assertFalse(err.contains("drawing"), err);
  }

  @Test
  void gatesOfAnotherModelOrScheduleAreRefused() {
    assertEquals(0, run(learn(gates, "--target-ratio", "0.3")), err);
    String file = gates.toString();
    assertEquals(1, run(sample("--gates", file, "--steps", "7")));
    assertTrue(err.contains("they are for 6 steps, but sampling takes 7"), err);
    assertEquals(1, run(sample("--gates", file, "--lazy-ratio", "0.8")));
    assertTrue(err.contains("has gates for lazy ratios of "), err);
    // In another order the same tensors get other numbers.
    Map<String, long[]> shapes = TinyDit.shapes(1);
    shapes.put("pos_embed", shapes.remove("pos_embed"));
    TinyDit.write(model, shapes);
    assertEquals(1, run(sample("--gates", file)));
    assertTrue(err.contains("they were learned for the model of fingerprint"), err);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--target-ratio 0.9|2|--target-ratio must be 0 to 0.833 with 6 steps, but is 0.9.",
        "--attn-ratio 0.3,0.4,0.9|2|--attn-ratio must be 0 to 0.833 with 6 steps, but is 0.9.",
        "--mlp-ratio -1,0,0|2|--mlp-ratio must be 0 to 0.833 with 6 steps, but is -1.0.",
        "--attn-ratio 0.3|2|There are 1 ratios for attention, but 3 for the MLP",
        "--pictures 7|2|--pictures must be a multiple of --batch-size, 3, but is 7.",
        "--pictures 0|2|--pictures must be 1 to 100000, but is 0.",
        "--batch-size 0|2|--batch-size must be 1 to 100000, but is 0.",
        "--truth 1|2|--truth must be 2 to 1000, but is 1.",
        "--resume|1|There is no learning",
        "--resume --force|2|give one of them",
        "--steps 1|2|--steps must be 2 to 1000, but is 1.",
        "--recipe best|2|expected one of",
        "--recipe official --lr 0|2|--lr must be above 0 and below 1, but is 0.0.",
        "--recipe official --lr -1|2|--lr must be above 0 and below 1, but is -1.0.",
        "--recipe official --penalty 1,-1|2|--penalty must be a finite number of at least 0, but is"
            + " -1.0.",
        "--recipe official --data nowhere|1|nowhere",
        "--penalty 1e-3|2|--penalty belongs to --recipe official; leave it out here.",
        "--data x|2|--data belongs to --recipe official; leave it out here.",
        "--iterations 500|2|--iterations belongs to --recipe official",
        "--lr 1e-4|2|--lr belongs to --recipe official",
        "--recipe official --pictures 48|2|--pictures belongs to --recipe rollout; leave it out"
            + " here.",
        "--recipe official --probes 4|2|--probes belongs to --recipe rollout",
        "--recipe official --rounds 4|2|--rounds belongs to --recipe rollout",
        "--recipe official --target-ratio 0.5|2|--target-ratio belongs to --recipe rollout",
        "--recipe official --attn-ratio 0.5|2|--attn-ratio belongs to --recipe rollout",
        "--recipe official --mlp-ratio 0.5|2|--mlp-ratio belongs to --recipe rollout",
        "--semantics diffusers|1|that follow facebook's semantics only"
      })
  void whatCannotBeIsRefused(String options, int exit, String about) {
    assertEquals(exit, run(learn(gates, options.split(" "))), err);
    assertTrue(err.contains(about), err);
    assertEquals("", out);
    assertFalse(Files.exists(gates));
  }
}
