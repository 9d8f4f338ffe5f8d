package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lazydit.dit.AutoencoderKl.Parts;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.engine.LazyDitException;
import lazydit.engine.Tensor;
import lazydit.engine.Workers;
import lazydit.weights.VaeNames.Naming;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** VAEs as they are published: one network under every naming, prefix and folder. */
class VaeFileTest {
  private static final Path GOLDEN = Resources.path("golden/vae_a_g8.safetensors");
  private static final int LEVELS = 4;

  private static final String CONFIG =
      """
      {"_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [8, 8, 16, 16],
       "down_block_types": ["DownEncoderBlock2D"], "up_block_types": ["UpDecoderBlock2D"],
       "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 8,
       "scaling_factor": 0.25, "shift_factor": null, "use_post_quant_conv": true}
      """;

  @TempDir Path folder;

  /** A tensor's name under another naming, given diffusers' present one. */
  private static String renamed(String name, Naming naming) {
    if (naming == Naming.DIFFUSERS || name.startsWith("in.") || name.startsWith("out.")) {
      return name;
    }
    if (naming == Naming.DIFFUSERS_OLD) {
      return name.replace(".to_q.", ".query.")
          .replace(".to_k.", ".key.")
          .replace(".to_v.", ".value.")
          .replace(".to_out.0.", ".proj_attn.");
    }
    String result = name;
    for (int i = 0; i < LEVELS; i++) {
      result = result.replace("encoder.down_blocks." + i + ".", "encoder.down." + i + ".");
      result = result.replace("decoder.up_blocks." + i + ".", "decoder.up." + (3 - i) + ".");
    }
    return result
        .replace("mid_block.resnets.0.", "mid.block_1.")
        .replace("mid_block.resnets.1.", "mid.block_2.")
        .replace("mid_block.attentions.0.group_norm.", "mid.attn_1.norm.")
        .replace("mid_block.attentions.0.to_q.", "mid.attn_1.q.")
        .replace("mid_block.attentions.0.to_k.", "mid.attn_1.k.")
        .replace("mid_block.attentions.0.to_v.", "mid.attn_1.v.")
        .replace("mid_block.attentions.0.to_out.0.", "mid.attn_1.proj_out.")
        .replace("resnets", "block")
        .replace("conv_shortcut", "nin_shortcut")
        .replace("downsamplers.0.", "downsample.")
        .replace("upsamplers.0.", "upsample.")
        .replace("conv_norm_out", "norm_out");
  }

  /** What {@link #write} makes of the golden file. */
  private record Layout(Naming naming, String prefix, boolean golden, List<String> without) {
    static Layout of(Naming naming) {
      return new Layout(naming, "", false, List.of());
    }
  }

  private static void write(Path target, Layout layout, Map<String, long[]> extra) {
    try (Checkpoint checkpoint = Checkpoint.open(GOLDEN, "")) {
      SafetensorsWriter writer = new SafetensorsWriter();
      for (StoredTensor tensor : checkpoint.tensors().values()) {
        boolean weight = !tensor.name().matches("(in|out|alt)\\..*");
        String name = (weight ? layout.prefix : "") + renamed(tensor.name(), layout.naming);
        if ((weight || layout.golden && !tensor.name().startsWith("alt."))
            && !layout.without.contains(name)) {
          boolean projection = name.matches(".*mid\\.attn_1\\.(q|k|v|proj_out)\\.weight");
          long[] shape = tensor.shape();
          writer.add(
              name, tensor.toFloats(), projection ? new long[] {shape[0], shape[1], 1, 1} : shape);
        }
      }
      extra.forEach((name, shape) -> writer.add(name, new float[size(shape)], shape));
      writer.writeTo(target);
    }
  }

  private static int size(long[] shape) {
    return (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  private Path file(Layout layout, Map<String, long[]> extra, String config) throws IOException {
    Path file = folder.resolve("vae.safetensors");
    write(file, layout, extra);
    Files.writeString(folder.resolve("config.json"), config);
    return file;
  }

  private static float[] decoded(VaeFile vae) {
    try (Workers workers = new Workers(1);
        GoldenFile golden = GoldenFile.open(GOLDEN)) {
      Tensor z = Tensor.of(golden.input("dec0.z").toFloats(), 1, 4, 8, 8);
      return vae.load(Parts.BOTH).newRun(workers).decode(z).data();
    }
  }

  @ParameterizedTest
  @EnumSource
  void theReferencesNumbersAreComputedUnderEveryNaming(Naming naming) throws IOException {
    Path file = folder.resolve("vae_a_g8.safetensors");
    write(file, new Layout(naming, "", true, List.of()), Map.of());
    String sidecar = Files.readString(Resources.path("golden/vae_a_g8.json"));
    Files.writeString(
        folder.resolve("vae_a_g8.json"), sidecar.replace("\"tensors\"", "\"tensors_before\""));
    ParityReport report = Parity.run(file, List.of(new VaeParity()), Optional.empty());
    assertTrue(report.passed(), report::text);
    assertEquals(24, report.count(ParityReport.Outcome.PASS), report::text);
  }

  @ParameterizedTest
  @CsvSource({
    "DIFFUSERS, ''",
    "DIFFUSERS, vae.",
    "DIFFUSERS_OLD, ''",
    "COMPVIS, ''",
    "COMPVIS, first_stage_model."
  })
  void allNamingsAreTheSameNetwork(Naming naming, String prefix) throws IOException {
    float[] expected;
    Path original = file(Layout.of(Naming.DIFFUSERS), Map.of(), CONFIG);
    try (VaeFile vae = VaeFile.open(original)) {
      expected = decoded(vae);
    }
    Map<String, long[]> extra =
        Map.of("loss.logvar", new long[0], "model.x.weight", new long[] {3});
    Path file = file(new Layout(naming, prefix, false, List.of()), extra, CONFIG);
    try (VaeFile vae = VaeFile.open(file)) {
      assertEquals(naming, vae.naming());
      assertEquals(List.of(8, 8, 16, 16), vae.config().blockOutChannels());
      assertEquals(0.25f, vae.config().scalingFactor());
      assertArrayEquals(expected, decoded(vae));
      List<String> ignored = new ArrayList<>(vae.ignored());
      ignored.sort(null);
      assertEquals(List.of("loss.logvar", "model.x.weight"), ignored);
    }
  }

  @Test
  void theDecoderAloneIsEnough() throws IOException {
    List<String> encoder = new ArrayList<>();
    try (Checkpoint checkpoint = Checkpoint.open(GOLDEN, "")) {
      checkpoint.names().stream()
          .filter(name -> name.startsWith("encoder.") || name.startsWith("quant_conv."))
          .forEach(encoder::add);
    }
    Path file = file(new Layout(Naming.DIFFUSERS, "", false, encoder), Map.of(), CONFIG);
    try (VaeFile vae = VaeFile.open(file)) {
      vae.load(Parts.DECODER);
      assertEquals(List.of(), vae.ignored());
      refused("has no encoder, only the decoder", () -> vae.load(Parts.ENCODER));
    }
  }

  @Test
  void foldersAreRead() throws IOException {
    Path pipeline = Files.createDirectories(folder.resolve("pipeline"));
    refused("has no VAE: neither it nor a folder 'vae'", () -> VaeFile.open(pipeline));
    Path inner = Files.createDirectories(pipeline.resolve("vae"));
    write(
        inner.resolve("diffusion_pytorch_model.safetensors"),
        Layout.of(Naming.DIFFUSERS_OLD),
        Map.of());
    Files.writeString(inner.resolve("config.json"), CONFIG);
    for (Path path : List.of(pipeline, inner)) {
      try (VaeFile vae = VaeFile.open(path)) {
        assertEquals(8, vae.config().normGroups());
      }
    }
  }

  /** Without its config, or beside one of something else, a VAE is taken for one of 32 groups. */
  @Test
  void anotherConfigIsNotTheVaes() throws IOException {
    Path file = file(Layout.of(Naming.COMPVIS), Map.of(), "{\"_class_name\": \"Transformer2D\"}");
    refused("blocks of 8 channels cannot be normalised in 32 groups", () -> VaeFile.open(file));
  }

  @Test
  void defaultsAreThoseOfTheReference() throws IOException {
    String bare = "{\"_class_name\": \"AutoencoderKL\", \"norm_num_groups\": 8}";
    try (VaeFile vae = VaeFile.open(file(Layout.of(Naming.DIFFUSERS), Map.of(), bare))) {
      AutoencoderKlConfig config = vae.config();
      assertEquals(
          new AutoencoderKlConfig(3, 3, 4, List.of(8, 8, 16, 16), 2, 8, true, 0.18215f), config);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"silu\" | \"relu\" | its 'act_fn' is relu; silu is expected",
        "[8, 8, 16, 16] | [8, 8, 16, 32] | its 'block_out_channels' is [8, 8, 16, 32]",
        "\"layers_per_block\": 2 | \"layers_per_block\": 3 | its 'layers_per_block' is 3; 2 is",
        "\"latent_channels\": 4 | \"latent_channels\": 16 | its 'latent_channels' is 16",
        "\"norm_num_groups\": 8 | \"norm_num_groups\": 3 | cannot be normalised in 3 groups",
        "\"norm_num_groups\": 8 | \"norm_num_groups\": \"8\" | its 'norm_num_groups' is 8, no"
            + " number",
        "\"norm_num_groups\": 8 | \"norm_num_groups\": 0 | norm groups must be between 1",
        "\"shift_factor\": null | \"shift_factor\": 0.1159 | its 'shift_factor' is 0.1159",
        "[\"DownEncoderBlock2D\"] | [\"AttnDownEncoderBlock2D\"] | its 'down_block_types' is [Attn",
        "0.25 | -1 | scaling factor",
        "\"use_post_quant_conv\": true | \"use_post_quant_conv\": false | has not a convolution"
      })
  void aConfigThatDoesNotFitIsRefused(String before, String after, String part) throws IOException {
    String config = CONFIG.replace(before, after);
    assertTrue(!config.equals(CONFIG), before);
    Path file = file(Layout.of(Naming.DIFFUSERS), Map.of(), config);
    refused(part, () -> VaeFile.open(file));
  }

  /** Messages name the file and its own name of the tensor. */
  @ParameterizedTest
  @CsvSource({
    "DIFFUSERS, '', decoder.up_blocks.1.resnets.2.conv2.bias",
    "DIFFUSERS, vae., decoder.mid_block.attentions.0.to_out.0.weight",
    "DIFFUSERS_OLD, '', encoder.mid_block.attentions.0.proj_attn.weight",
    "DIFFUSERS_OLD, '', decoder.mid_block.attentions.0.group_norm.bias",
    "COMPVIS, '', decoder.up.3.upsample.conv.weight",
    "COMPVIS, first_stage_model., encoder.down.2.block.0.nin_shortcut.weight",
    "COMPVIS, '', decoder.mid.attn_1.q.weight",
    "COMPVIS, '', encoder.mid.block_2.norm1.weight",
    "COMPVIS, '', decoder.norm_out.weight"
  })
  void whatIsMissingOrMisshapenIsNamed(Naming naming, String prefix, String tensor)
      throws IOException {
    String name = prefix + tensor;
    Layout layout = new Layout(naming, prefix, false, List.of(name));
    for (Map<String, long[]> extra :
        List.of(Map.<String, long[]>of(), Map.of(name, new long[] {7}))) {
      Path file = file(layout, extra, CONFIG);
      try (VaeFile vae = VaeFile.open(file)) {
        String what = extra.isEmpty() ? "has no tensor " + name : name + " has shape [7]";
        refused(what, () -> vae.load(Parts.BOTH));
        refused(file.toString(), () -> vae.load(Parts.BOTH));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "COMPVIS, decoder.up.2.attn.0.norm.weight",
    "COMPVIS, encoder.down.3.attn.1.q.weight",
    "DIFFUSERS, encoder.down_blocks.3.attentions.0.to_q.weight"
  })
  void attentionElsewhereIsRefused(Naming naming, String tensor) throws IOException {
    Path file = file(Layout.of(naming), Map.of(tensor, new long[] {16}), CONFIG);
    refused(tensor, () -> VaeFile.open(file));
  }

  @Test
  void otherCheckpointsAreRefused() throws IOException {
    Map<String, long[]> tensors = new LinkedHashMap<>();
    tensors.put("decoder.weight", new long[] {3});
    SafetensorsWriter writer = new SafetensorsWriter();
    tensors.forEach((name, shape) -> writer.add(name, new float[size(shape)], shape));
    Path file = folder.resolve("other.safetensors");
    writer.writeTo(file);
    refused(file + ": holds no VAE", () -> VaeFile.open(file));
    refused("does not exist", () -> VaeFile.open(folder.resolve("nothing.pt")));
  }

  private static void refused(String part, Executable action) {
    String message = assertThrows(LazyDitException.class, action).getMessage();
    assertTrue(message.contains(part), message);
  }
}
