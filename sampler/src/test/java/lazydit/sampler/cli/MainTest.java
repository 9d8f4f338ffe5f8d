package lazydit.sampler.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import lazydit.sampler.TinyDit;
import lazydit.weights.Checkpoint;
import lazydit.weights.Json;
import lazydit.weights.LazyGateFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line as a user meets it: exit codes, files, and what is said where. */
class MainTest {
  @TempDir private Path folder;

  /** What a command did. */
  private record Outcome(int exit, String out, String err) {
    /** It failed with one sentence about it, and printed nothing else. */
    void refuses(int expected, String... about) {
      assertEquals(expected, exit, err);
      assertEquals("", out);
      for (String words : about) {
        assertTrue(err.contains(words), err);
      }
      assertFalse(err.contains("\tat ") || err.contains("Exception"), err);
      assertTrue(err.lines().count() <= 2, err);
      assertTrue(err.lines().allMatch(l -> l.startsWith("lazydit: ") && l.endsWith(".")), err);
    }
  }

  private static Outcome run(Session session, ByteArrayOutputStream[] streams, String... args) {
    int exit = Main.run(args, session);
    return new Outcome(
        exit,
        streams[0].toString(StandardCharsets.UTF_8),
        streams[1].toString(StandardCharsets.UTF_8));
  }

  private static Outcome lazydit(String... args) {
    ByteArrayOutputStream[] streams = {new ByteArrayOutputStream(), new ByteArrayOutputStream()};
    return run(new Session(print(streams[0]), print(streams[1])), streams, args);
  }

  private static PrintStream print(ByteArrayOutputStream stream) {
    return new PrintStream(stream, true, StandardCharsets.UTF_8);
  }

  /** Draws two pictures in two steps, where nothing else is asked for. */
  private Outcome sample(String... options) {
    List<String> args = new ArrayList<>(List.of("sample"));
    args.addAll(List.of(options));
    Map.of("--steps", "2", "--count", "2", "--out", out().toString())
        .forEach(
            (option, value) -> {
              if (!args.contains(option)) {
                args.addAll(List.of(option, value));
              }
            });
    return lazydit(args.toArray(String[]::new));
  }

  private Path out() {
    return folder.resolve("samples.png");
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /** As with {@code > /dev/full}. */
  @ParameterizedTest
  @ValueSource(strings = {"--help", "sample --steps 1 --count 1 --json --out OUT"})
  void resultsThatNobodyTookAreNoSuccess(String line) {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("No space left on device");
          }
        };
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Session session = new Session(new PrintStream(full, true), print(err));
    assertEquals(1, Main.run(line.replace("OUT", out().toString()).split(" "), session));
    assertTrue(err.toString(StandardCharsets.UTF_8).contains("standard output"), err::toString);
  }

  // ---- sample

  @Test
  void sampleWritesAPictureWithItsParameters() throws IOException {
    Outcome outcome = sample("--classes", "sneaker,8", "--seed", "3", "--cfg", "2");
    assertEquals(0, outcome.exit(), outcome.err());
    assertEquals("", outcome.out());
    assertTrue(outcome.err().contains("2 pictures in "), outcome.err());
    assertTrue(outcome.err().contains("but not for 2, so nothing is reused."), outcome.err());
    assertEquals(List.of("samples.png"), files());
    String png = Files.readString(out(), StandardCharsets.ISO_8859_1);
    assertTrue(png.contains("tEXtClasses\0sneaker; bag"));
    assertTrue(png.contains("tEXtSeed\0003"));
    assertTrue(png.contains("tEXtGuidance\0002.0 on all channels"));
    assertTrue(
        png.contains(
            "tEXtCommand\0lazydit sample --classes 7,8 --count 2 --steps 2 --sampler ddim --cfg 2.0"
                + " --seed 3 --rng philox --gates default"));
  }

  @Test
  void aSeedGivesTheSameBytesOnAnyNumberOfThreads() throws IOException {
    sample("--threads", "1");
    byte[] first = Files.readAllBytes(out());
    sample("--threads", "2", "--batch-size", "1");
    assertArrayEquals(first, Files.readAllBytes(out()));
    sample("--seed", "1");
    assertFalse(Arrays.equals(first, Files.readAllBytes(out())));
  }

  @Test
  void jsonIsOneObjectAndNothingElse() {
    Outcome outcome = sample("--json", "--repeat", "3", "--seed", "4");
    assertEquals(0, outcome.exit(), outcome.err());
    Map<String, Object> json = Json.parseObject(outcome.out(), "standard output");
    assertEquals(1, outcome.out().lines().count());
    assertTrue((Double) json.get("seconds") > 0);
    assertEquals((Double) json.get("seconds") / 2, (Double) json.get("seconds_per_step"), 1e-12);
    assertEquals(2L, json.get("images"));
    assertEquals(2L, json.get("steps"));
    assertEquals(4L, json.get("seed"));
    assertEquals("built-in", json.get("model"));
    assertEquals(List.of(out().toString()), json.get("files"));
    assertEquals(Map.of("attn", 0.0, "mlp", 0.0, "overall", 0.0), json.get("lazy_ratio"));
    List<?> runs = (List<?>) json.get("runs");
    assertEquals(3, runs.size());
    double second = (Double) runs.get(1);
    double third = (Double) runs.get(2);
    assertEquals((second + third) / 2, (Double) json.get("seconds"), 1e-12);
  }

  @Test
  void whatWasReusedIsShownAndCompared() {
    Outcome outcome =
        sample("--steps", "20", "--count", "1", "--stats", "--compare", "--repeat", "2", "--json");
    assertEquals(0, outcome.exit(), outcome.err());
    assertTrue(outcome.err().contains("lazy ratio"), outcome.err());
    assertTrue(outcome.err().contains("    19  ......  ......"), outcome.err());
    assertTrue(outcome.err().contains("    18  5#####  5#####"), outcome.err());
    assertTrue(outcome.err().contains("Without gates "), outcome.err());
    Map<String, Object> json = Json.parseObject(outcome.out(), "standard output");
    Map<?, ?> compare = (Map<?, ?>) json.get("compare");
    assertTrue((Double) compare.get("speedup") > 0);
    assertTrue((Double) compare.get("mean_squared_difference") > 0);
    assertTrue((Double) ((Map<?, ?>) json.get("lazy_ratio")).get("overall") > 0.3);
  }

  @Test
  void withoutGatesThereIsNothingToCompare() {
    Outcome outcome = sample("--compare", "--json");
    assertEquals(0, outcome.exit(), outcome.err());
    assertTrue(outcome.err().contains("nothing to compare"), outcome.err());
    assertFalse(outcome.out().contains("\"compare\""), outcome.out());
  }

  @ParameterizedTest
  @CsvSource({
    "--steps,0",
    "--steps,-5",
    "--steps,1001",
    "--steps,many",
    "--count,0",
    "--count,-1",
    "--count,2000000000",
    "--cfg,NaN",
    "--cfg,Infinity",
    "--eta,2",
    "--eta,NaN",
    "--sampler,heun",
    "--rng,dice",
    "--guidance-channels,2",
    "--threshold,1.5",
    "--threshold,'0.1,0.2,0.3'",
    "--threads,0",
    "--batch-size,0",
    "--repeat,0",
    "--heads,0",
    "--seed,x",
    "--classes,hat",
    "--classes,10",
  })
  void impossibleOptionsAreUsageErrors(String option, String value) throws IOException {
    sample(option, value).refuses(2, "lazydit sample --help");
    assertEquals(List.of(), files());
  }

  @Test
  void unknownOptionsAreUsageErrorsWithAHint() {
    sample("--step", "3").refuses(2, "--step", "did you mean", "--steps");
    lazydit("draw").refuses(2, "draw", "lazydit --help");
    sample("--sampler", "ddpm", "--eta", "0.5").refuses(2, "--eta", "ddim");
    sample("--sampler", "dpm").refuses(2, "\"dpm\"", "dpm++", "euler");
  }

  @Test
  void anUnknownClassIsToldTheKnownOnes() {
    sample("--classes", "hat").refuses(2, "\"hat\"", "7 sneaker");
  }

  @Test
  void aFileThatCannotBeWrittenIsToldBeforeTheWork() throws IOException {
    sample("--out", folder.resolve("no/samples.png").toString()).refuses(1, "no folder");
    sample("--out", folder.toString()).refuses(1, "is a folder");
    Path plain = Files.writeString(folder.resolve("plain"), "");
    sample("--out", plain.resolve("samples.png").toString()).refuses(1, "no folder");
    assertEquals(List.of("plain"), files());
  }

  @Test
  void foldersThatTakeNoFilesAreToldBeforeTheWork() {
    Path sealed = Path.of("/proc/self");
    assumeTrue(Files.isDirectory(sealed), "needs a folder that takes no files");
    sample("--out", sealed.resolve("samples.png").toString()).refuses(1, "cannot be written");
  }

  @Test
  void aFullDiskIsOneSentence() {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.exists(full), "needs a device that is always full");
    sample("--out", full.toString()).refuses(1, "/dev/full", "No space left");
    assertFalse(Files.isRegularFile(full));
  }

  @Test
  void cancelLeavesNoFile() throws IOException {
    ByteArrayOutputStream[] streams = {new ByteArrayOutputStream(), new ByteArrayOutputStream()};
    Session session = new Session(print(streams[0]), print(streams[1]));
    Thread.ofVirtual().start(() -> cancelAfter(session, 300));
    Outcome outcome = run(session, streams, "sample", "--steps", "1000", "--out", out().toString());
    outcome.refuses(130, "cancelled");
    assertEquals(List.of(), files());
  }

  private static void cancelAfter(Session session, long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    session.cancel();
  }

  @Test
  void anOldPictureSurvivesFailure() throws IOException {
    Files.writeString(out(), "old");
    ByteArrayOutputStream[] streams = {new ByteArrayOutputStream(), new ByteArrayOutputStream()};
    Session session = new Session(print(streams[0]), print(streams[1]));
    session.cancel();
    run(session, streams, "sample", "--steps", "2", "--out", out().toString())
        .refuses(130, "cancelled");
    assertEquals("old", Files.readString(out()));
    assertEquals(List.of("samples.png"), files());
  }

  // ---- models and gates that are not what they should be

  private String file(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes).toString();
  }

  private void refusesModel(String model, String... about) throws IOException {
    sample("--model", model, "--heads", "2").refuses(1, about);
    assertFalse(Files.exists(out()));
  }

  @Test
  void brokenModelsAreRefused() throws IOException {
    Path good = TinyDit.write(folder.resolve("good.safetensors"), 1);
    assertEquals(0, sample("--model", good.toString(), "--heads", "2").exit());
    Files.delete(out());
    byte[] bytes = Files.readAllBytes(good);
    refusesModel(file("cut.safetensors", Arrays.copyOf(bytes, bytes.length / 2)), "cut");
    refusesModel(file("empty.pt", new byte[0]), "empty.pt", "is empty");
    refusesModel(file("text.pt", "no weights here".getBytes()), "text.pt", "neither");
    refusesModel(folder.resolve("none.pt").toString(), "none.pt", "does not exist");
    sample("--model", good.toString()).refuses(1, "--heads");
    sample("--model", good.toString(), "--heads", "3").refuses(1, "heads");
  }

  @Test
  void hostilePicklesAreRefused() throws IOException {
    // Protocol 2: os.system("touch ...") as a pickle would call it.
    String call = "\u0080\u0002cposix\nsystem\nX\u0005\0\0\0false\u0085R.";
    refusesModel(file("bad.pt", call.getBytes(StandardCharsets.ISO_8859_1)), "bad.pt");
  }

  @Test
  void modelsWithWrongOrMissingTensorsAreRefused() throws IOException {
    Map<String, long[]> shapes = TinyDit.shapes(1);
    shapes.put("blocks.1.mlp.fc2.weight", new long[] {16, 63});
    Path wrong = TinyDit.write(folder.resolve("wrong.safetensors"), shapes);
    refusesModel(wrong.toString(), "wrong.safetensors", "blocks.1.mlp.fc2.weight");
    shapes.remove("blocks.1.mlp.fc2.weight");
    Path missing = TinyDit.write(folder.resolve("missing.safetensors"), shapes);
    refusesModel(missing.toString(), "missing.safetensors", "blocks.1.mlp.fc2.weight");
  }

  @Test
  void latentModelsAreRefusedWithTheReason() throws IOException {
    Path latent = TinyDit.write(folder.resolve("latent.safetensors"), 4);
    refusesModel(latent.toString(), "4-channel latents", "VAE");
    Path samples = folder.resolve("latents.safetensors");
    Outcome outcome =
        sample(
            "--model",
            latent.toString(),
            "--heads",
            "2",
            "--classes",
            "0,2",
            "--json",
            "--out",
            samples.toString());
    assertEquals(0, outcome.exit(), outcome.err());
    assertTrue(Json.parseObject(outcome.out(), "output").get("load_seconds") instanceof Number);
    try (Checkpoint file = Checkpoint.open(samples)) {
      assertArrayEquals(new long[] {2, 4, 4, 4}, file.tensor("samples").shape());
      assertArrayEquals(new long[] {2}, file.tensor("labels").shape());
    }
  }

  private static Path diffusers() throws URISyntaxException {
    return Path.of(MainTest.class.getResource("/golden/diffusers_dit_a").toURI());
  }

  @Test
  void aVaeMakesPicturesOfLatents() throws IOException, URISyntaxException {
    Outcome whole = sample("--model", diffusers().toString(), "--classes", "3,7", "--json");
    assertEquals(0, whole.exit(), whole.err());
    assertEquals("vae", Json.parseObject(whole.out(), "standard output").get("vae"));
    assertTrue(whole.err().contains("decoded by VAE vae"), whole.err());
    BufferedImage grid = ImageIO.read(out().toFile());
    assertEquals(List.of(7 * 134, 7 * 68), List.of(grid.getWidth(), grid.getHeight()));
    assertTrue(Files.readString(out(), StandardCharsets.ISO_8859_1).contains("tEXtVAE\0vae"));
    String transformer = diffusers().resolve("transformer").toString();
    String vae = diffusers().resolve("vae/diffusion_pytorch_model.safetensors").toString();
    Outcome parts = sample("--model", transformer, "--vae", vae, "--classes", "3,7");
    assertEquals(0, parts.exit(), parts.err());
    String png = Files.readString(out(), StandardCharsets.ISO_8859_1);
    assertTrue(png.contains("--vae diffusion_pytorch_model.safetensors"), png);
    BufferedImage same = ImageIO.read(out().toFile());
    assertArrayEquals(pixels(grid), pixels(same));
  }

  private static int[] pixels(BufferedImage image) {
    return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
  }

  @Test
  void namesAndSemanticsAreTold() throws URISyntaxException {
    String model = diffusers().toString();
    Outcome usual = sample("--model", model, "--classes", "class 3", "--json");
    assertTrue(
        usual.err().contains("under diffusers' names, with facebook's semantics\n"), usual.err());
    Map<String, Object> json = Json.parseObject(usual.out(), "standard output");
    assertEquals("diffusers", json.get("names"));
    assertEquals("facebook", json.get("semantics"));
    Outcome other =
        sample("--model", model, "--classes", "class 3", "--json", "--semantics", "diffusers");
    assertTrue(
        other.err().contains("under diffusers' names, with diffusers' semantics\n"), other.err());
    json = Json.parseObject(other.out(), "standard output");
    assertEquals("diffusers", json.get("semantics"));
    String inspected = lazydit("inspect", model).out();
    assertTrue(inspected.contains("under diffusers' names"), inspected);
    assertTrue(inspected.contains("facebook's semantics unless --semantics"), inspected);
    sample("--semantics", "diffusers").refuses(2, "--semantics belongs to --model");
    sample("--heads", "3").refuses(2, "--heads belongs to --model");
    sample("--gates", "none", "--threshold", "0.2").refuses(2, "--threshold needs gates");
    sample("--model", model, "--semantics", "mine").refuses(2, "--semantics", "mine");
  }

  // ---- classes by name

  /** A model of so many classes without names of its own. */
  private String unnamed(int classes) {
    Map<String, long[]> shapes = TinyDit.shapes(1);
    shapes.put("y_embedder.embedding_table.weight", new long[] {classes + 1, 16});
    return TinyDit.write(folder.resolve("model.safetensors"), shapes).toString();
  }

  @Test
  void aThousandClassesGoByImageNetsNames() throws IOException {
    String[] model = {"--model", unnamed(1000), "--heads", "2"};
    String list = "golden retriever, otter,tench, Tinca tinca";
    Outcome outcome = sample(with(model, "--classes", list, "--count", "3"));
    assertEquals(0, outcome.exit(), outcome.err());
    assertTrue(outcome.err().contains("named as ImageNet's"), outcome.err());
    String png = Files.readString(out(), StandardCharsets.ISO_8859_1);
    assertTrue(png.contains("Classes\0golden retriever; otter; tench, Tinca tinca"));
    assertTrue(png.contains(" --classes 207,360,0 "));
    Outcome twice =
        sample(with(model, "--classes", "otter", "--classes", "macaw,88", "--count", "3"));
    assertEquals(0, twice.exit(), twice.err());
    assertTrue(Files.readString(out(), StandardCharsets.ISO_8859_1).contains("360,88,88"));
    Files.delete(out());
    sample(with(model, "--classes", "golden retreiver"))
        .refuses(2, "no class \"golden retreiver\"; the nearest is 207 golden retriever.");
    sample(with(model, "--classes", "crane")).refuses(2, "134 crane as well as 517 crane");
    sample(with(model, "--classes", "otter,,macaw")).refuses(2, "an empty entry");
    sample(with(model, "--classes", "")).refuses(2, "an empty entry");
    assertFalse(Files.exists(out()));
  }

  /** A model of latents without names, its VAE and gates apart: how DiT is published. */
  @Test
  void aPublishedModelsPartsMakePictures() throws IOException, URISyntaxException {
    Map<String, long[]> shapes = TinyDit.shapes(4);
    shapes.put("y_embedder.embedding_table.weight", new long[] {1001, 16});
    Path model = TinyDit.write(folder.resolve("DiT.safetensors"), shapes);
    Path gates = gates(folder.resolve("gates.safetensors"), 2, 2, 16);
    String[] parts = {
      "--model", model.toString(), "--heads", "2", "--vae", diffusers().resolve("vae").toString()
    };
    String[] drawn = with(parts, "--classes", "golden retriever, otter", "--cfg", "4", "--json");
    Outcome outcome = sample(with(drawn, "--gates", gates.toString()));
    assertEquals(0, outcome.exit(), outcome.err());
    Map<String, Object> json = Json.parseObject(outcome.out(), "standard output");
    assertEquals("facebook", json.get("names"));
    assertEquals(2L, json.get("images"));
    assertTrue(json.get("gates").toString().endsWith("gates.safetensors"));
    String png = Files.readString(out(), StandardCharsets.ISO_8859_1);
    assertTrue(png.contains("Classes\0golden retriever; otter"));
    assertTrue(png.contains("Guidance\0004.0 on the first 3 channels"));
    byte[] first = Files.readAllBytes(out());
    assertEquals(0, sample(with(drawn, "--gates", gates.toString())).exit());
    assertArrayEquals(first, Files.readAllBytes(out()));
  }

  private static String[] with(String[] some, String... more) {
    return Stream.concat(Arrays.stream(some), Arrays.stream(more)).toArray(String[]::new);
  }

  @Test
  void otherModelsHaveNumbersUntilAFileNamesTheirClasses() throws IOException {
    String[] model = {"--model", unnamed(3), "--heads", "2"};
    sample(with(model, "--classes", "blue")).refuses(2, "have no names", "numbers from 0 to 2");
    String labels =
        Files.writeString(folder.resolve("colours.txt"), "red\ngreen\nblue, azure\n").toString();
    Outcome outcome = sample(with(model, "--labels", labels, "--classes", "AZURE,0"));
    assertEquals(0, outcome.exit(), outcome.err());
    String png = Files.readString(out(), StandardCharsets.ISO_8859_1);
    assertTrue(png.contains("Classes\0blue, azure; red"), png);
    assertTrue(png.contains("--labels colours.txt --classes 2,0"), png);
    Files.delete(out());
    sample(with(model, "--labels", labels, "--classes", "pink")).refuses(2, "1 green, 2 blue");
    String json =
        Files.writeString(folder.resolve("c.json"), "{\"0\": \"a\", \"1\": \"b\"}").toString();
    sample(with(model, "--labels", json)).refuses(1, "c.json", "no name for class 2 of 3");
    sample(with(model, "--labels", folder.resolve("no").toString())).refuses(1, "does not exist");
    sample("--labels", labels).refuses(2, "--labels belongs to --model");
    assertFalse(Files.exists(out()));
  }

  @Test
  void aFileOfNamesComesBeforeTheModelsOwn() throws IOException, URISyntaxException {
    String names =
        String.join("\n", "zero one two three four five six seven eight nine".split(" "));
    String labels = Files.writeString(folder.resolve("digits.txt"), names).toString();
    String model = diffusers().toString();
    assertEquals(0, sample("--model", model, "--classes", "alias 7").exit());
    assertTrue(Files.readString(out(), StandardCharsets.ISO_8859_1).contains("class 7, alias 7"));
    assertEquals(0, sample("--model", model, "--labels", labels, "--classes", "seven").exit());
    sample("--model", model, "--labels", labels, "--classes", "alias 7").refuses(2, "7 seven");
  }

  @Test
  void vaesThatDoNotFitAreRefused() throws IOException, URISyntaxException {
    String vae = diffusers().resolve("vae").toString();
    sample("--vae", vae).refuses(2, "--vae belongs to --model");
    Path grey = TinyDit.write(folder.resolve("grey.safetensors"), 1);
    sample("--model", grey.toString(), "--heads", "2", "--vae", vae).refuses(1, "of 1 channels");
    assertFalse(Files.exists(out()));
  }

  @Test
  void gatesThatDoNotFitAreRefused() throws IOException {
    Path gates = gates(folder.resolve("gates.safetensors"), 2, 6, 128);
    assertEquals(0, sample("--gates", gates.toString()).exit());
    Files.delete(out());
    sample("--gates", gates.toString(), "--steps", "3").refuses(1, "2 steps");
    Path narrow = gates(folder.resolve("narrow.safetensors"), 2, 6, 64);
    sample("--gates", narrow.toString()).refuses(1, "narrow.safetensors", "64 features");
    Path shallow = gates(folder.resolve("shallow.safetensors"), 2, 5, 128);
    sample("--gates", shallow.toString()).refuses(1, "5 blocks");
    Path model = TinyDit.write(folder.resolve("model.safetensors"), 1);
    sample("--gates", model.toString()).refuses(1, "not a gate file");
    sample("--gates", folder.resolve("none").toString()).refuses(1, "does not exist");
    assertFalse(Files.exists(out()));
  }

  private static Path gates(Path file, int steps, int depth, int hiddenSize) {
    int size = steps * depth * hiddenSize;
    new LazyGateFile(
            "test",
            steps,
            depth,
            hiddenSize,
            new float[size],
            new float[size],
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            Optional.empty(),
            Optional.empty())
        .write(file);
    return file;
  }

  // ---- the other commands

  @ParameterizedTest
  @ValueSource(strings = {"", "sample", "inspect", "convert", "parity"})
  void helpDescribesAndGivesAnExample(String command) {
    String[] args = Stream.of(command, "--help").filter(s -> !s.isEmpty()).toArray(String[]::new);
    Outcome outcome = lazydit(args);
    assertEquals(0, outcome.exit());
    assertEquals("", outcome.err());
    assertTrue(outcome.out().contains("Usage: lazydit " + command), outcome.out());
    assertTrue(outcome.out().contains("Example"), outcome.out());
    assertTrue(outcome.out().contains("lazydit " + (command.isEmpty() ? "sample" : command)));
  }

  @Test
  void withoutACommandThereIsHelp() {
    Outcome outcome = lazydit();
    assertEquals(0, outcome.exit());
    assertTrue(outcome.out().contains("inspect"), outcome.out());
    assertTrue(lazydit("--version").out().startsWith("lazydit "));
  }

  @Test
  void inspectTellsTheArchitecture() {
    Path model = TinyDit.write(folder.resolve("model.safetensors"), 1);
    Outcome outcome = lazydit("inspect", model.toString(), "--heads", "2");
    assertEquals(0, outcome.exit(), outcome.err());
    assertTrue(outcome.out().contains("2 blocks, hidden size 16"), outcome.out());
    assertTrue(outcome.out().contains("blocks.1.mlp.fc2.weight"), outcome.out());
    Outcome json = lazydit("inspect", "--json", model.toString());
    Map<String, Object> object = Json.parseObject(json.out(), "standard output");
    assertTrue(object.get("architecture").toString().contains("--heads"), json.out());
    Path gates = gates(folder.resolve("gates.safetensors"), 2, 6, 128);
    String text = lazydit("inspect", gates.toString()).out();
    assertTrue(text.contains("lazy gates for 2 steps, 6 blocks, hidden size 128"), text);
    lazydit("inspect", folder.resolve("none").toString()).refuses(1, "does not exist");
    lazydit("inspect").refuses(2, "FILE");
  }

  @Test
  void convertKeepsTensorsAndDoesNotOverwriteUnasked() throws IOException {
    Path in = TinyDit.write(folder.resolve("in.safetensors"), 1);
    Path converted = folder.resolve("out.safetensors");
    Outcome outcome = lazydit("convert", in.toString(), converted.toString());
    assertEquals(0, outcome.exit(), outcome.err());
    assertArrayEquals(Files.readAllBytes(in), Files.readAllBytes(converted));
    Files.writeString(converted, "mine");
    lazydit("convert", in.toString(), converted.toString()).refuses(1, "--force");
    assertEquals("mine", Files.readString(converted));
    assertEquals(0, lazydit("convert", "--force", in.toString(), converted.toString()).exit());
    assertArrayEquals(Files.readAllBytes(in), Files.readAllBytes(converted));
    lazydit("convert", in.toString(), folder.resolve("no/out").toString()).refuses(1, "no folder");
  }

  @Test
  void convertGivesGatesOurForm() {
    Map<String, long[]> official = new LinkedHashMap<>();
    for (int step = 0; step < 2; step++) {
      official.put("block_0_attn_lazy_learning_weight_" + step, new long[] {1, 8});
      official.put("block_0_mlp_lazy_learning_weight_" + step, new long[] {1, 8});
    }
    Path in = TinyDit.write(folder.resolve("official.safetensors"), official);
    Path converted = folder.resolve("gates.safetensors");
    assertEquals(0, lazydit("convert", in.toString(), converted.toString()).exit());
    try (Checkpoint checkpoint = Checkpoint.open(converted)) {
      assertEquals(List.of("gates.attn", "gates.mlp"), checkpoint.names());
    }
  }

  @Test
  void parityOfAnUnusableFileFails() throws IOException {
    String text = file("golden.safetensors", "nothing".getBytes(StandardCharsets.UTF_8));
    lazydit("parity", text).refuses(1, "golden");
    lazydit("parity", text, text, "--out", "computed").refuses(2, "--out");
  }

  @Test
  void paritySaysWhetherExpectationsAreMet() throws IOException {
    Path weights = TinyDit.write(folder.resolve("a.pt"), 1);
    Files.copy(weights, folder.resolve("a.expect.safetensors"));
    Outcome outcome = lazydit("parity", weights.toString());
    assertEquals(0, outcome.exit(), outcome.err());
    assertTrue(outcome.out().contains("PASS"), outcome.out());
    TinyDit.write(folder.resolve("a.expect.safetensors"), 3);
    Outcome json = lazydit("parity", weights.toString(), "--json");
    assertEquals(1, json.exit());
    assertEquals(false, Json.parseObject(json.out(), "standard output").get("passed"));
  }

  @Test
  void aStackTraceIsThereForWhoeverAsks() {
    Outcome outcome = lazydit("inspect", folder.resolve("none").toString(), "--stacktrace");
    assertEquals(1, outcome.exit());
    assertTrue(outcome.err().contains("\tat "), outcome.err());
  }
}
