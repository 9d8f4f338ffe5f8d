package lazydit.sampler.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import lazydit.sampler.TinyDit;
import lazydit.weights.Checkpoint;
import lazydit.weights.DitFile;
import lazydit.weights.Fingerprint;
import lazydit.weights.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code lazydit weights} as a user meets it. */
class WeightsCommandTest {
  @TempDir private Path folder;

  private record Outcome(int exit, String out, String err) {
    Outcome expect(int expected, String... words) {
      assertEquals(expected, exit, err);
      for (String word : words) {
        assertTrue((out + err).contains(word), out + err);
      }
      return this;
    }
  }

  private static Outcome weights(Object... args) {
    String[] words = new String[args.length + 1];
    words[0] = "weights";
    for (int i = 0; i < args.length; i++) {
      words[i + 1] = args[i].toString();
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exit = Main.run(words, print(out), print(err));
    return new Outcome(
        exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private static PrintStream print(ByteArrayOutputStream stream) {
    return new PrintStream(stream, true, StandardCharsets.UTF_8);
  }

  private Path tiny() {
    return TinyDit.write(folder.resolve("tiny.safetensors"), 3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"inspect", "convert", "diff", "init", "quantize"})
  void helpDescribesAndGivesAnExample(String command) {
    weights(command, "--help")
        .expect(0, "Usage: lazydit weights " + command, "Example", "  lazydit weights " + command);
  }

  @Test
  void withoutACommandThereIsHelp() {
    weights().expect(0, "inspect", "convert", "diff", "init", "quantize", "Example");
  }

  @Test
  void fromLayoutToLayoutAndBack() throws IOException {
    Path in = tiny();
    Path pipeline = folder.resolve("pipeline");
    weights("convert", "--heads", 2, in, pipeline + "/").expect(1, "pos_embed");
    // Random positions have no place in diffusers; facebook's table comes with a folder.
    Path model = folder.resolve("model.pt");
    String[] preset = {"--preset", "DiT-S/8", "--classes", "2", "--dtype", "bf16"};
    init(model, preset).expect(0, "DiT-S/8: 12 blocks", "Wrote " + model);
    init(model, preset).expect(1, "--force");
    weights("convert", model, pipeline + "/").expect(0, "--vae", "Wrote");
    weights("diff", model, pipeline).expect(0, "132 of 132 tensors are equal");
    weights("convert", "--to", "diffusers", model, pipeline).expect(1, "--force");
    Path back = folder.resolve("back.safetensors");
    weights("convert", "--names", "facebook", "--dtype", "f32", pipeline, back).expect(0);
    weights("diff", model, back).expect(0);
    Outcome inspected = weights("inspect", "--quick", pipeline).expect(0, "diffusers' names");
    assertFalse(inspected.out.contains("mean"), inspected.out);
  }

  private static Outcome init(Path out, String... options) {
    Object[] args = new Object[options.length + 2];
    args[0] = "init";
    System.arraycopy(options, 0, args, 1, options.length);
    args[args.length - 1] = out;
    return weights(args);
  }

  @Test
  void differencesAreShownAndGiveExitCodeOne() {
    Path in = tiny();
    Path rounded = folder.resolve("rounded.safetensors");
    weights("convert", "--dtype", "f16", in, rounded).expect(0);
    weights("diff", in, rounded).expect(1, "x_embedder.proj.bias", "absolute", "F32 and F16");
    weights("diff", "--tolerance", "0.001", in, rounded).expect(0, "equal within 0.00100");
    weights("diff", "--tolerance", "-1", in, rounded).expect(2, "--tolerance");
    Outcome json = weights("diff", "--json", in, rounded).expect(1);
    Map<String, Object> object = Json.parseObject(json.out, "standard output");
    assertEquals(false, object.get("equal"));
    assertEquals("", json.err);
  }

  @Test
  void aQuantisedModelIsSmallerAndSamples() {
    Path in = tiny();
    Path out = folder.resolve("int8.safetensors");
    weights("quantize", in, out).expect(1, "--heads");
    weights("quantize", "--heads", 2, in, out).expect(0, "saved", "the network's output");
    weights("quantize", "--heads", 2, in, out).expect(1, "--force");
    Outcome json = weights("quantize", "--force", "--json", "--no-forward", "--heads", 2, in, out);
    Map<String, Object> object = Json.parseObject(json.expect(0).out, "standard output");
    assertTrue((Long) object.get("bytes_after") < (Long) object.get("bytes_before"));
    // The number of heads is in the file now.
    weights("inspect", out).expect(0, "I8*F32", "2 blocks, hidden size 16, 2 heads");
    Path picture = folder.resolve("picture.png");
    String[] sample = {
      "sample", "--model", out.toString(), "--steps", "2", "--out", picture.toString()
    };
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    assertEquals(0, Main.run(sample, print(err), print(err)), () -> err.toString());
    assertTrue(Files.exists(picture));
  }

  @Test
  void gatesCanNameTheirModel() {
    Map<String, long[]> official = new LinkedHashMap<>();
    official.put("block_0_attn_lazy_learning_weight_0", new long[] {1, 8});
    official.put("block_0_mlp_lazy_learning_weight_0", new long[] {1, 8});
    Path gates = TinyDit.write(folder.resolve("official.safetensors"), official);
    Path out = folder.resolve("gates.safetensors");
    Path base = tiny();
    weights("convert", "--base", base, gates, out).expect(0);
    try (Checkpoint checkpoint = Checkpoint.open(out);
        DitFile network = DitFile.open(base)) {
      assertEquals(
          Fingerprint.of(network.weights()), checkpoint.metadata().get("base_model_sha256"));
    }
    weights("convert", "--dtype", "bf16", "--force", gates, out).expect(1, "own form");
    weights("convert", "--base", base, "--force", base, out).expect(1, "no gates");
  }

  @Test
  void unknownLayoutsAndTypesAreNotUnderstood() {
    Path out = folder.resolve("out");
    init(out, "--preset", "DiT-S/8", "--layout", "nobody").expect(2, "facebook-pt");
    init(out, "--preset", "DiT-S/8", "--dtype", "i8").expect(2, "bf16");
    init(out, "--preset", "DiT-S/3").expect(1, "preset");
    assertArrayEquals(new String[0], folder.toFile().list());
  }
}
