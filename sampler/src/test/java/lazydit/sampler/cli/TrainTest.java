package lazydit.sampler.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lazydit.sampler.Pipeline;
import lazydit.sampler.data.Idx;
import lazydit.weights.Checkpoint;
import lazydit.weights.Json;
import lazydit.weights.SafetensorsWriter;
import lazydit.weights.TrainingFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code lazydit train} and {@code lazydit train-classifier} on 4 x 4 pixels. */
class TrainTest {
  private static final int KILLED = 128 + 9;

  @TempDir private Path folder;
  private Path data;
  private Path training;
  private String out;
  private String err;

  @BeforeEach
  void prepare() throws IOException {
    data = Idx.write(folder.resolve("data"), "train", 30);
    Idx.write(data, "t10k", 9);
    training = folder.resolve("new/training");
  }

  private int run(String... args) {
    return run(new ByteArrayOutputStream(), Integer.MAX_VALUE, args);
  }

  /** Cancels after so many lines on standard output. */
  private int run(ByteArrayOutputStream bytes, int lines, String... args) {
    Session[] session = new Session[1];
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    PrintStream watched =
        new PrintStream(bytes, true, StandardCharsets.UTF_8) {
          @Override
          public void flush() {
            super.flush();
            if (bytes.toString(StandardCharsets.UTF_8).lines().count() >= lines) {
              session[0].cancel();
            }
          }
        };
    session[0] = new Session(watched, new PrintStream(errBytes, true, StandardCharsets.UTF_8));
    int exit = Main.run(args, session[0]);
    out = bytes.toString(StandardCharsets.UTF_8);
    err = errBytes.toString(StandardCharsets.UTF_8);
    return exit;
  }

  /** Of a network of one block, 3 steps an epoch. */
  private String[] train(Path into, String... more) {
    List<String> args = new ArrayList<>(List.of("train", "--out", into.toString()));
    args.addAll(List.of("--data", data.toString(), "--hidden", "16", "--heads", "2"));
    args.addAll(List.of("--depth", "1", "--patch", "2", "--batch-size", "8", "--warm-up", "1"));
    args.addAll(List.of(more));
    return args.toArray(String[]::new);
  }

  private String[] resume(Path from, String... more) {
    List<String> args = new ArrayList<>(List.of("train", "--resume", "--out", from.toString()));
    args.addAll(List.of("--data", data.toString()));
    args.addAll(List.of(more));
    return args.toArray(String[]::new);
  }

  private static List<String> names(Path path) throws IOException {
    try (Stream<Path> files = Files.list(path)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static byte[] model(Path training) throws IOException {
    return Files.readAllBytes(training.resolve("model.safetensors"));
  }

  @Test
  void trainsAModelThatDraws() throws IOException {
    String[] often = {"--save-every", "2", "--samples-every", "3", "--log-every", "2", "--json"};
    List<String> args = new ArrayList<>(List.of(train(training, "--epochs", "2", "--flip")));
    args.addAll(List.of(often));
    assertEquals(0, run(args.toArray(String[]::new)), err);
    assertEquals(
        List.of(
            "loss.svg",
            "model.safetensors",
            "samples-0000003.png",
            "samples-0000006.png",
            "training.safetensors"),
        names(training));
    List<Map<String, Object>> lines =
        out.lines().map(line -> Json.parseObject(line, "standard output")).toList();
    assertEquals(List.of(2L, 4L, 6L), lines.stream().map(line -> line.get("step")).toList());
    assertEquals(2.0, lines.getLast().get("epoch"));
    assertEquals(1, (Double) lines.getFirst().get("mse"), 0.2);
    assertTrue((Double) lines.getLast().get("images_per_second") > 0);
    assertTrue(err.contains("6 steps in") && err.lines().count() == 2, err);
    assertTrue(Files.readString(training.resolve("loss.svg")).startsWith("<svg"));
    Path png = folder.resolve("drawn.png");
    String model = training.resolve("model.safetensors").toString();
    assertEquals(0, run("sample", "--model", model, "--steps", "2", "--out", png.toString()), err);
    assertTrue(Files.exists(png));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"--steps 3|but --steps is 3.", "--epochs 1|but --epochs 1.0 is 3."})
  void anEndThatIsPastIsRefused(String end, String about) throws IOException {
    assertEquals(0, run(train(training, "--steps", "5", "--log-every", "1")), err);
    Map<String, FileTime> before = times();
    assertEquals(2, run(resume(training, end.split(" "))), err);
    assertTrue(err.contains(training + " has 5 steps already, " + about), err);
    assertEquals(before, times());
    assertEquals(0, run(resume(training, "--steps", "6")), err);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--micro-batch 3|--micro-batch must divide the batch of 8 pictures, but is 3.",
        "--warm-up 9|--warm-up must be 0 to 5, the steps in all, but is 9.",
        "--ema 2|--ema must be 0 to 1, but is 2.0."
      })
  void whatCannotBeOnTheWayIsRefusedToo(String change, String about) throws IOException {
    assertEquals(0, run(train(training, "--steps", "5")), err);
    assertEquals(2, run(resume(training, change.split(" "))), err);
    assertTrue(err.contains(about), err);
  }

  private Map<String, FileTime> times() throws IOException {
    Map<String, FileTime> times = new HashMap<>();
    for (String name : names(training)) {
      times.put(name, Files.getLastModifiedTime(training.resolve(name)));
    }
    return times;
  }

  private Path vae() throws URISyntaxException {
    return Path.of(getClass().getResource("/golden/diffusers_dit_a/vae").toURI());
  }

  @Test
  void aVaeForOtherLatentsIsRefusedWithNothingWritten() throws IOException, URISyntaxException {
    String vae = vae().toString();
    String about = "of 1 channels, but VAE " + vae + " decodes latents of 4.";
    assertEquals(1, run(train(training, "--vae", vae)));
    assertTrue(err.contains(about), err);
    assertFalse(Files.exists(training.getParent()));
    assertEquals(0, run(train(training, "--steps", "1")), err);
    List<String> names = names(training);
    byte[] before = Files.readAllBytes(training.resolve("training.safetensors"));
    assertEquals(1, run(train(training, "--vae", vae, "--force")));
    assertTrue(err.contains(about), err);
    assertEquals(1, run(resume(training, "--vae", vae, "--steps", "2")));
    assertTrue(err.contains(about), err);
    assertEquals(names, names(training));
    assertArrayEquals(before, Files.readAllBytes(training.resolve("training.safetensors")));
  }

  /** A training of two steps on 12 latents of 4 channels. */
  private List<String> latents(String... more) {
    Path latents = folder.resolve("latents.safetensors");
    float[] moments = new float[12 * 8 * 4 * 4];
    Arrays.fill(moments, 0.5f);
    new SafetensorsWriter()
        .metadata("scaling_factor", "0.5")
        .metadata("class_names", "[\"otter\",\"macaw\"]")
        .add("labels", new long[] {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}, 12)
        .add("moments", moments, 12, 8, 4, 4)
        .writeTo(latents);
    List<String> args = new ArrayList<>(List.of(train(training, "--steps", "2")));
    args.set(args.indexOf("--data") + 1, latents.toString());
    args.addAll(List.of(more));
    return args;
  }

  @Test
  void latentsWorkTheSameWay() throws IOException {
    List<String> args = latents("--samples-every", "1");
    assertEquals(0, run(args.toArray(String[]::new)), err);
    // Without a VAE there are no pictures; and with none that is one, no training.
    assertEquals(List.of("loss.svg", "model.safetensors", "training.safetensors"), names(training));
    try (Pipeline pipeline = Pipeline.load(training.resolve("model.safetensors"))) {
      assertEquals(List.of("otter", "macaw"), pipeline.classes().names());
      assertEquals(4, pipeline.config().inChannels());
    }
    args.addAll(List.of("--force", "--vae", folder.resolve("latents.safetensors").toString()));
    assertEquals(1, run(args.toArray(String[]::new)));
  }

  @Test
  void cancelledItSavesAndGoesOn() throws IOException {
    String[] steps = {"--steps", "30", "--log-every", "4", "--json"};
    assertEquals(0, run(train(folder.resolve("whole"), steps)), err);
    assertEquals(130, run(new ByteArrayOutputStream(), 3, train(training, steps)), err);
    assertTrue(err.contains("stopped and saved after 12 steps"), err);
    assertTrue(err.contains("--resume goes on."), err);
    assertEquals(0, run(resume(training, "--threads", "1")), err);
    assertTrue(err.contains("steps 12 to 30 of 8 pictures"), err);
    assertArrayEquals(model(folder.resolve("whole")), model(training));
  }

  @Test
  void cancelledItSaysWhatGoesOn() throws IOException {
    String[] options = {"--steps", "9", "--samples-every", "9", "--log-every", "4", "--json"};
    assertEquals(130, run(new ByteArrayOutputStream(), 1, train(training, options)), err);
    String line = err.substring(err.indexOf("; lazydit ") + 10, err.indexOf(" goes on."));
    assertEquals(
        "train --out %s --data %s --samples-every 9 --log-every 4 --json --resume"
            .formatted(training, data),
        line);
    assertEquals(0, run(line.split(" ")), err);
    assertTrue(out.contains("\"step\":8") && out.contains("\"step\":9"), out);
    assertTrue(names(training).contains("samples-0000009.png"), err);
  }

  @Test
  void theVaeIsNamedInWhatGoesOn() throws IOException, URISyntaxException {
    Path vae = vae();
    List<String> args = latents("--vae", vae.toString(), "--log-every", "1", "--json");
    assertEquals(130, run(new ByteArrayOutputStream(), 1, args.toArray(String[]::new)), err);
    assertTrue(err.contains(" --vae " + vae + " --log-every 1 --json --resume goes on."), err);
  }

  @Test
  void killedItLosesNoMoreThanTheStepsSinceItWasSaved() throws Exception {
    String[] steps = {"--steps", "100000", "--save-every", "50", "--log-every", "10", "--json"};
    Process process = start(train(training, steps));
    long seen = 0;
    try (BufferedReader lines = process.inputReader()) {
      while (seen < 120) {
        seen = (Long) Json.parseObject(lines.readLine(), "the process").get("step");
      }
    }
    process.toHandle().destroyForcibly();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(KILLED, process.exitValue(), "killed, not ended");
    long saved =
        Long.parseLong(TrainingFile.texts(training.resolve("training.safetensors")).get("step"));
    assertTrue(saved > seen - 50, "saved at " + saved + ", told of " + seen);
    Files.writeString(training.resolve(".training.safetensors.0123.tmp"), "half");
    // Cancelled at the first line after it has gone on.
    assertEquals(
        130, run(new ByteArrayOutputStream(), 1, resume(training, "--log-every", "50", "--json")));
    long resumed = (Long) Json.parseObject(out, "standard output").get("step");
    assertTrue(resumed > saved && resumed <= saved + 50, resumed + " after " + saved);
    int lines = (int) (resumed / 50);
    String[] same = {"--steps", "100000", "--log-every", "50", "--json"};
    Path whole = folder.resolve("whole");
    assertEquals(130, run(new ByteArrayOutputStream(), lines, train(whole, same)));
    assertArrayEquals(model(whole), model(training));
    assertEquals(List.of("loss.svg", "model.safetensors", "training.safetensors"), names(training));
  }

  private static Process start(String... args) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(List.of(args));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
  }

  @Test
  void whatIsThereIsNotReplacedUnasked() throws IOException {
    assertEquals(1, run(resume(training)));
    assertTrue(err.contains("There is no training in " + training), err);
    assertEquals(0, run(train(training, "--steps", "1")), err);
    byte[] before = model(training);
    assertEquals(1, run(train(training, "--steps", "2")));
    assertTrue(err.contains("--resume goes on with it, --force begins anew."), err);
    assertArrayEquals(before, model(training));
    assertEquals(0, run(train(training, "--steps", "2", "--force")), err);
    assertFalse(Arrays.equals(before, model(training)));
    TrainingFolder held = new TrainingFolder(training);
    try (TrainingFolder.Lock lock = held.lock()) {
      assertTrue(lock.channel().isOpen());
      assertEquals(1, run(resume(training)));
      assertTrue(err.contains("is in use by another training"), err);
    }
    assertEquals(0, run(resume(training, "--steps", "3", "--micro-batch", "4")), err);
    try (Checkpoint model = Checkpoint.open(training.resolve("model.safetensors"))) {
      assertEquals("3", model.metadata().get("trained_steps"));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--steps 3 --epochs 1|--steps and --epochs say the same",
        "--epochs 0|--epochs must be above 0 and at most 1e9, but is 0.0.",
        "--steps 0|--steps must be at least 1, but is 0.",
        "--preset DiT-S/2|--preset says what --hidden",
        "--batch-size 0|--batch-size must be 1 to 65536, but is 0.",
        "--batch-size 31|--batch-size must be 1 to 30, the pictures of ",
        "--micro-batch 0|--micro-batch must be at least 1, but is 0.",
        "--micro-batch 3|--micro-batch must divide the batch of 8 pictures, but is 3.",
        "--lr -1|--lr must be a finite number of at least 0, but is -1.0.",
        "--lr NaN|--lr must be a finite number of at least 0, but is NaN.",
        "--last-lr -1|--last-lr must be a finite number of at least 0, but is -1.0.",
        "--last-lr 1|--last-lr must be 0 to 0.001, the peak of the learning rate, but is 1.0.",
        "--warm-up -1|--warm-up must be at least 0, but is -1.",
        "--warm-up 9 --steps 6|--warm-up must be 0 to 6, the steps in all, but is 9.",
        "--weight-decay -1|--weight-decay must be a finite number of at least 0, but is -1.0.",
        "--clip 0|--clip must be a finite number above 0, but is 0.0.",
        "--ema 2|--ema must be 0 to 1, but is 2.0.",
        "--label-dropout 1.5|--label-dropout must be 0 to 1, but is 1.5.",
        "--save-every 0|--save-every must be at least 1, but is 0.",
        "--samples-every -2|--samples-every must be at least 1, but is -2.",
        "--log-every 0|--log-every must be at least 1, but is 0.",
        "--threads 0|--threads must be 1 to",
        "--resume --force|give one of them",
        "--resume --hidden 16|keeps its architecture",
        "--hidden 1000000000|hidden size",
        "--heads 3|multiple",
        "--hidden 15|multiple",
        "--patch 3|multiple"
      })
  void whatCannotBeIsRefused(String options, String about) {
    List<String> args = new ArrayList<>(List.of(train(training)));
    for (String option : options.split(" ")) {
      if (args.contains(option)) {
        int at = args.indexOf(option);
        args.subList(at, at + 2).clear();
      }
      args.add(option);
    }
    assertEquals(2, run(args.toArray(String[]::new)), err);
    assertTrue(err.contains(about), err);
    assertFalse(Files.exists(training.getParent()), "a folder was left behind");
  }

  @Test
  void whatDoesNotFitTheDataLeavesNoFolder() {
    String[] args = {"train", "--data", data.toString(), "--out", training.toString()};
    List<String> preset = new ArrayList<>(List.of(args));
    preset.addAll(List.of("--preset", "foo"));
    assertEquals(2, run(preset.toArray(String[]::new)), err);
    assertTrue(err.contains("There is no preset foo"), err);
    assertEquals(1, run("train", "--data", folder.toString(), "--out", training.toString()));
    assertFalse(Files.exists(training.getParent()));
  }

  @Test
  void aClassifierIsTrainedAndTested() throws IOException {
    Path file = folder.resolve("classifier.safetensors");
    String[] args = {
      "train-classifier",
      "--data",
      data.toString(),
      "--out",
      file.toString(),
      "--epochs",
      "2",
      "--batch-size",
      "10"
    };
    assertEquals(0, run(args), err);
    assertEquals(2, out.lines().filter(line -> line.contains("test accuracy")).count(), out);
    byte[] first = Files.readAllBytes(file);
    List<String> again = new ArrayList<>(List.of(args));
    again.add("--json");
    assertEquals(0, run(again.toArray(String[]::new)), err);
    assertEquals(2L, Json.parseObject(out.lines().toList().getLast(), "line").get("epoch"));
    assertArrayEquals(first, Files.readAllBytes(file));
    Files.delete(file);
    assertEquals(130, run(new ByteArrayOutputStream(), 1, again.toArray(String[]::new)));
    assertFalse(Files.exists(file));
    assertEquals(1, run("train-classifier", "--data", folder.toString(), "--out", file.toString()));
  }
}
