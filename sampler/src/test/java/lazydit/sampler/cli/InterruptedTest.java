package lazydit.sampler.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import lazydit.weights.Json;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Real signals in the middle of work on weights: one sentence says what is left, if anything. */
@DisabledOnOs(OS.WINDOWS)
class InterruptedTest {
  private static final int WIDTH = 1024;
  private static final int DEPTH = 4;

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "INT, 130, convert",
    "TERM, 143, convert",
    "INT, 130, quantize",
    "TERM, 143, quantize",
    "INT, 130, init",
    "TERM, 143, init",
    "INT, 130, folder"
  })
  void nothingIsLeft(String signal, int exit, String work) throws Exception {
    Path in = folder.resolve("in.safetensors");
    Path out = folder.resolve("out");
    List<Object> command =
        switch (work) {
          case "convert" -> List.of("convert", "--dtype", "bf16", in, out);
          case "folder" -> List.of("init", "--preset", "DiT-XL/2", "--layout", "diffusers", out);
          case "quantize" -> List.of("quantize", "--no-forward", "--heads", "16", in, out);
          default -> List.of("init", "--preset", "DiT-XL/2", out);
        };
    List<String> before = command.contains(in) ? List.of("in.safetensors") : List.of();
    if (command.contains(in)) {
      writeZeros(in);
    }
    Path said = Files.createTempFile("lazydit", ".txt");
    try {
      Process process = start(command, "64m", said);
      try {
        await(process, said, name -> name.endsWith(".tmp"));
        signal(process, signal);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
      } finally {
        process.destroyForcibly();
      }
      String text = Files.readString(said);
      assertEquals(exit, process.exitValue(), text);
      assertEquals(before, names());
      assertEquals(List.of("lazydit: cancelled; no file was written."), sentences(text));
    } finally {
      Files.delete(said);
    }
  }

  /** Comparing the outputs takes seconds; whether it is still done before the end may be. */
  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void aFileThatIsThereIsNotDenied(String signal) throws Exception {
    Path in = folder.resolve("in.safetensors");
    Path out = folder.resolve("out");
    writeZeros(in);
    Path said = Files.createTempFile("lazydit", ".txt");
    try {
      Process process = start(List.of("quantize", "--heads", "16", in, out), "600m", said);
      try {
        await(process, said, "out"::equals);
        signal(process, signal);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
      } finally {
        process.destroyForcibly();
      }
      assertEquals(List.of("in.safetensors", "out"), names());
      String end = sentences(Files.readString(said)).getLast();
      String cancelled =
          "lazydit: cancelled; %s was written, but its outputs were not compared.".formatted(out);
      assertTrue(List.of(cancelled, "Wrote " + out).contains(end), end);
    } finally {
      Files.delete(said);
    }
  }

  private static Process start(List<Object> weights, String memory, Path said) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-XX:+UseSerialGC"));
    command.addAll(List.of("-Xmx" + memory, "-XX:+DisplayVMOutputToStderr"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.add("weights");
    weights.stream().map(Object::toString).forEach(command::add);
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(said.toFile())
        .start();
  }

  private void await(Process process, Path said, Predicate<String> name) throws Exception {
    while (names().stream().noneMatch(name)) {
      assertTrue(process.isAlive(), () -> "ended before it wrote: " + read(said));
      Thread.sleep(2);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  private static void signal(Process process, String name) throws Exception {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static List<String> sentences(String text) {
    return text.lines().filter(line -> !line.startsWith("WARNING: Using incubator")).toList();
  }

  /** A DiT of zeros, of which the file system keeps next to nothing. */
  private static void writeZeros(Path file) throws IOException {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("pos_embed", new long[] {1, 256, WIDTH});
    shapes.put("x_embedder.proj.weight", new long[] {WIDTH, 4, 2, 2});
    shapes.put("x_embedder.proj.bias", new long[] {WIDTH});
    linear(shapes, "t_embedder.mlp.0", WIDTH, 256);
    linear(shapes, "t_embedder.mlp.2", WIDTH, WIDTH);
    shapes.put("y_embedder.embedding_table.weight", new long[] {11, WIDTH});
    for (int block = 0; block < DEPTH; block++) {
      String prefix = "blocks." + block + ".";
      linear(shapes, prefix + "attn.qkv", 3 * WIDTH, WIDTH);
      linear(shapes, prefix + "attn.proj", WIDTH, WIDTH);
      linear(shapes, prefix + "mlp.fc1", 4 * WIDTH, WIDTH);
      linear(shapes, prefix + "mlp.fc2", WIDTH, 4 * WIDTH);
      linear(shapes, prefix + "adaLN_modulation.1", 6 * WIDTH, WIDTH);
    }
    linear(shapes, "final_layer.linear", 32, WIDTH);
    linear(shapes, "final_layer.adaLN_modulation.1", 2 * WIDTH, WIDTH);
    write(file, shapes);
  }

  private static void linear(Map<String, long[]> shapes, String name, long out, long in) {
    shapes.put(name + ".weight", new long[] {out, in});
    shapes.put(name + ".bias", new long[] {out});
  }

  private static void write(Path file, Map<String, long[]> shapes) throws IOException {
    Map<String, Object> header = new LinkedHashMap<>();
    long end = 0;
    for (Map.Entry<String, long[]> tensor : shapes.entrySet()) {
      long begin = end;
      List<Object> shape = new ArrayList<>();
      long size = Float.BYTES;
      for (long n : tensor.getValue()) {
        shape.add(n);
        size *= n;
      }
      end += size;
      header.put(
          tensor.getKey(),
          Map.of("dtype", "F32", "shape", shape, "data_offsets", List.of(begin, end)));
    }
    byte[] text = Json.write(header).getBytes(StandardCharsets.UTF_8);
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.writeLong(Long.reverseBytes(text.length));
      out.write(text);
      out.setLength(Long.BYTES + text.length + end);
    }
  }
}
