package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A process that is killed in the middle of writing leaves nothing under the final name. */
class KilledTest {
  @TempDir Path folder;

  /** What the process writes. */
  enum Work {
    SAFETENSORS,
    TORCH,
    DIFFUSERS,
    REPLACED_FOLDER,
    QUANTIZED
  }

  /** The process: says that it has written a part, and stays there. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) {
      Path in = Path.of(args[1]);
      Path out = Path.of(args[2]);
      Progress stop =
          (done, total) -> {
            if (done < total && done >= total / 4 * 3) {
              System.out.println("writing");
              sleep();
            }
          };
      try (ModelFile model = ModelFile.open(in)) {
        switch (Work.valueOf(args[0])) {
          case SAFETENSORS -> Convert.run(model, out, Convert.Options.COPY, stop);
          case TORCH -> {
            TorchWriter writer = new TorchWriter();
            model.tensors().forEach(writer::add);
            writer.writeTo(out, stop);
          }
          case DIFFUSERS, REPLACED_FOLDER ->
              Convert.run(
                  model,
                  out,
                  new Convert.Options(
                      Convert.Form.DIFFUSERS, Optional.empty(), Optional.empty(), Optional.empty()),
                  stop);
          case QUANTIZED -> Quantize.run(model, out, stop);
        }
      }
    }

    private static void sleep() {
      try {
        Thread.sleep(TimeUnit.MINUTES.toMillis(5));
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void nothingIsThere(Work work) throws Exception {
    Path in =
        TinyModels.safetensors(
            folder.resolve("in.safetensors"),
            RandomWeights.of(TinyModels.DIT, 1),
            java.util.Map.of("num_heads", "4"));
    Path out = folder.resolve("out");
    if (work == Work.REPLACED_FOLDER) {
      Files.createDirectory(out);
      Files.writeString(out.resolve("config.json"), "mine");
    }
    kill(work, in, out);
    if (work == Work.REPLACED_FOLDER) {
      assertEquals("mine", Files.readString(out.resolve("config.json")));
      assertEquals(List.of("config.json"), names(out));
    } else {
      assertFalse(Files.exists(out));
    }
    List<String> left = names(folder);
    assertTrue(left.stream().anyMatch(name -> name.startsWith(".out.")), "was writing: " + left);
  }

  private static void kill(Work work, Path in, Path out) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx64m",
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                Writer.class.getName(),
                work.name(),
                in.toString(),
                out.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      assertEquals("writing", process.inputReader().readLine());
      process.toHandle().destroyForcibly();
      assertTrue(process.waitFor(60, TimeUnit.SECONDS));
      assertEquals(128 + 9, process.exitValue(), "killed, not ended");
    } finally {
      process.destroyForcibly();
    }
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
