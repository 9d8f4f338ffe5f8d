package lazydit.sampler.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import lazydit.weights.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Models of full size with random weights through the whole command line, each command a JVM of its
 * own: in the Maven profile {@code full-size} alone, see docs/models.md. Needs about 20 GB on the
 * disk of {@code java.io.tmpdir}, and as much memory for the largest.
 */
class FullSizeRun {
  private static final Path RECORD = Path.of("target", "full-size.txt");

  @TempDir private Path folder;

  /** The same weights in both layouts give the same pixels; bfloat16 fits into 2.2 GB. */
  @Test
  void ditXl2() throws Exception {
    Path file = folder.resolve("dit.pt");
    Path pipeline = folder.resolve("pipeline");
    lazydit("weights", "init", "--preset", "DiT-XL/2", "--seed", "1", file);
    lazydit(
        "weights",
        "init",
        "--preset",
        "DiT-XL/2",
        "--layout",
        "diffusers",
        "--seed",
        "1",
        pipeline);
    Path vae = pipeline.resolve("vae");
    Path one = folder.resolve("one.png");
    Path other = folder.resolve("other.png");

    sample("facebook .pt", one, "--steps", "4", "--model", file, "--vae", vae);
    sample("diffusers folder", other, "--steps", "4", "--model", pipeline);
    assertArrayEquals(pixels(one), pixels(other));

    Path half = folder.resolve("half.safetensors");
    lazydit("weights", "convert", "--dtype", "bf16", file, half);
    Map<String, Object> run =
        sample(
            "bfloat16",
            other,
            "--steps",
            "4",
            "--classes",
            "207",
            "--count",
            "1",
            "--model",
            half,
            "--vae",
            vae);
    assertTrue(peak(run) < 2.2e9, "peak of %.3g bytes".formatted(peak(run)));
  }

  /** A forward pass of both rows of guidance at 256 pixels. */
  @ParameterizedTest
  @CsvSource({"Large-DiT-3B, 9e9", "Large-DiT-7B, 19e9"})
  void largeDit(String preset, double limit) throws Exception {
    Path model = folder.resolve("large");
    lazydit("weights", "init", "--preset", preset, "--dtype", "bf16", "--seed", "1", model);
    Path out = folder.resolve("latents.safetensors");
    Map<String, Object> run =
        sample(preset, out, "--steps", "2", "--classes", "207", "--count", "1", "--model", model);
    assertTrue(peak(run) < limit, "peak of %.3g bytes".formatted(peak(run)));
  }

  private static double peak(Map<String, Object> run) {
    return ((Number) run.get("peak_memory_bytes")).doubleValue();
  }

  private static int[] pixels(Path png) throws IOException {
    BufferedImage image = ImageIO.read(png.toFile());
    return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
  }

  /** Draws classes 207 and 360, where nothing else is asked for, and records time and memory. */
  private Map<String, Object> sample(String what, Path out, Object... options) throws Exception {
    List<Object> args = new ArrayList<>(List.of("sample", "--cfg", "4", "--json", "--out", out));
    if (Stream.of(options).noneMatch("--classes"::equals)) {
      args.addAll(List.of("--classes", "207,360", "--count", "2"));
    }
    args.addAll(List.of(options));
    Map<String, Object> run = Json.parseObject(lazydit(args.toArray()), "standard output");
    String line =
        String.format(
            Locale.ROOT,
            "%-17s loaded in %5.1f s, %6.2f s a step, %d picture(s), at most %.2f GB%n",
            what,
            run.get("load_seconds"),
            run.get("seconds_per_step"),
            run.get("images"),
            peak(run) / 1e9);
    System.out.print(line);
    Files.writeString(RECORD, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    return run;
  }

  /** Runs a command with the launcher's flags, and returns what it printed. */
  private static String lazydit(Object... args) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-XX:+UseSerialGC"));
    command.addAll(List.of("-XX:MaxDirectMemorySize=1t", "-Xms64m"));
    command.add("-XX:+DisplayVMOutputToStderr");
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    Stream.of(args).map(Object::toString).forEach(command::add);
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), String.join(" ", command));
    return out;
  }
}
