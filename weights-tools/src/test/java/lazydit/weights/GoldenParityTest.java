package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import lazydit.engine.LazyDitException;
import lazydit.weights.ParityReport.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** This engine against the reference implementations: kernels, embeddings, networks. */
class GoldenParityTest {
  private static final List<ParitySuite> SUITES =
      List.of(
          new KernelParity(),
          new ImageKernelParity(),
          new EmbeddingParity(),
          new NetworkParity(),
          new VaeParity());

  @TempDir Path folder;

  /** Every expected tensor passes but for those that nothing here computes. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "kernels_gemm        | 12 |",
        "kernels_attention   | 14 |",
        "kernels_norm        | 28 |",
        "kernels_softmax     |  1 |",
        "kernels_activation  | 11 |",
        "kernels_conv        |  8 |",
        "embeddings          |  7 |",
        "dit_a_p2_hd16       | 11 | cfg_1.5 cfg_4",
        "dit_b_p4_hd24       | 11 | cfg_2.5",
        "dit_c_p2_hd72_mlp2  | 11 | cfg_1 cfg_7.5",
        "largedit_a_mha      | 14 | cfg_1.5 cfg_4",
        "largedit_b_gqa      | 14 | cfg_3",
        "vae_a_g8            | 24 |",
        "vae_b_g32_dec       |  8 |"
      })
  void theReferencesNumbersAreComputed(String name, int passed, String notComputed) {
    Path file = Resources.path("golden/" + name + ".safetensors");
    ParityReport report = Parity.run(file, SUITES, Optional.empty());
    assertEquals(0, report.count(Outcome.FAIL), report::text);
    assertEquals(passed, report.count(Outcome.PASS), report::text);
    List<Pattern> expected =
        notComputed == null
            ? List.of()
            : Arrays.stream(notComputed.split(" "))
                .map(n -> Pattern.compile("out\\." + n))
                .toList();
    for (ParityReport.Row row : report.rows()) {
      boolean listed = expected.stream().anyMatch(p -> p.matcher(row.name()).matches());
      assertEquals(listed, row.outcome() == Outcome.NOT_COMPUTED, row.name());
    }
  }

  /** Copies a golden file without one tensor, or with some of one's values changed. */
  private Path altered(String name, String tensor, Optional<Float> added) throws IOException {
    Path source = Resources.path("golden/" + name + ".safetensors");
    Path copy = folder.resolve(name + ".safetensors");
    try (Checkpoint checkpoint = Checkpoint.open(source, "")) {
      SafetensorsWriter writer = new SafetensorsWriter();
      for (StoredTensor stored : checkpoint.tensors().values()) {
        if (!stored.name().equals(tensor)) {
          writer.add(stored.name(), stored);
        } else if (added.isPresent()) {
          float[] values = stored.toFloats();
          for (int i = 0; i < values.length; i++) {
            values[i] += added.get();
          }
          writer.add(tensor, values, stored.shape());
        }
      }
      writer.writeTo(copy);
    }
    // Without its description of the tensors, which one missing would contradict.
    String sidecar = Files.readString(source.resolveSibling(name + ".json"));
    Files.writeString(
        folder.resolve(name + ".json"), sidecar.replace("\"tensors\"", "\"tensors_before\""));
    return copy;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x_embedder.proj.weight",
        "pos_embed",
        "t_embedder.mlp.2.bias",
        "y_embedder.embedding_table.weight",
        "blocks.0.attn.qkv.weight",
        "blocks.0.attn.proj.bias",
        "blocks.1.mlp.fc1.weight",
        "blocks.1.adaLN_modulation.1.bias",
        "final_layer.linear.weight",
        "in.x",
        "out.final"
      })
  void aSmallChangeIsNoticed(String tensor) throws IOException {
    Path file = altered("dit_a_p2_hd16", tensor, Optional.of(0.002f));
    assertFalse(Parity.run(file, SUITES, Optional.empty()).passed());
  }

  @ParameterizedTest
  @CsvSource({
    "dit_a_p2_hd16, in.x",
    "dit_a_p2_hd16, in.t",
    "dit_a_p2_hd16, in.y",
    "dit_a_p2_hd16, blocks.1.mlp.fc2.weight",
    "embeddings, in.t",
    "embeddings, in.big_rows",
    "kernels_gemm, in.3x5x7.b",
    "kernels_attention, in.s7_d8.v",
    "kernels_norm, in.x",
    "kernels_norm, in.mod.shift",
    "kernels_softmax, in.x",
    "kernels_activation, in.x_ext",
    "kernels_conv, in.patch.weight",
    "kernels_conv, in.conv2.bias",
    "kernels_norm, in.gn1.x_offset",
    "vae_b_g32_dec, in.dec1.z",
    "vae_b_g32_dec, decoder.up_blocks.1.resnets.1.norm2.bias"
  })
  void aMissingTensorIsNamed(String name, String tensor) throws IOException {
    Path file = altered(name, tensor, Optional.empty());
    LazyDitException e =
        assertThrows(LazyDitException.class, () -> Parity.run(file, SUITES, Optional.empty()));
    assertTrue(e.getMessage().contains(tensor), e.getMessage());
    assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "in.t | [2] | in.t",
        "in.x | [3, 4, 16, 15] | in.x",
        "in.x | [0, 4, 16, 16] | in.x",
        "in.y | [3, 1] | in.y"
      })
  void inputsOfOtherShapesAreRefused(String tensor, String shape, String named) throws IOException {
    long[] sizes =
        Arrays.stream(shape.replaceAll("[\\[\\] ]", "").split(","))
            .mapToLong(Long::parseLong)
            .toArray();
    Path file = altered("dit_a_p2_hd16", tensor, Optional.empty());
    Path changed = folder.resolve("changed.safetensors");
    try (Checkpoint checkpoint = Checkpoint.open(file, "")) {
      SafetensorsWriter writer = new SafetensorsWriter();
      checkpoint.tensors().values().forEach(stored -> writer.add(stored.name(), stored));
      int size = (int) Arrays.stream(sizes).reduce(1, (a, b) -> a * b);
      if (tensor.equals("in.x")) {
        writer.add(tensor, new float[size], sizes);
      } else {
        writer.add(tensor, new long[size], sizes);
      }
      writer.writeTo(changed);
    }
    Files.copy(folder.resolve("dit_a_p2_hd16.json"), folder.resolve("changed.json"));
    LazyDitException e =
        assertThrows(LazyDitException.class, () -> Parity.run(changed, SUITES, Optional.empty()));
    assertTrue(e.getMessage().contains("'" + named + "' has shape"), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"depth\"            | \"height\"            | no 'depth'",
        "\"depth\": *2        | \"depth\":3           | blocks.2.",
        "\"depth\": *2        | \"depth\":-1          | depth must be",
        "\"num_heads\": *2    | \"num_heads\":5       | heads, 5",
        "\"num_heads\": *2    | \"num_heads\":0       | heads must be",
        "\"mlp_ratio\": *4.0  | \"mlp_ratio\":1e300   | feed-forward",
        "\"hidden_size\": *32 | \"hidden_size\":16000 | has shape",
        "\"num_classes\": *10 | \"num_classes\":9     | embedding_table"
      })
  void configurationsThatDoNotFitAreRefused(String pattern, String replacement, String reason)
      throws IOException {
    Path file = altered("dit_a_p2_hd16", "none", Optional.empty());
    Path sidecar = folder.resolve("dit_a_p2_hd16.json");
    String good = Files.readString(sidecar);
    String bad = good.replaceFirst(pattern, replacement);
    assertFalse(bad.equals(good));
    Files.writeString(sidecar, bad);
    LazyDitException e =
        assertThrows(LazyDitException.class, () -> Parity.run(file, SUITES, Optional.empty()));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
    assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
    assertEquals(e.getMessage().lastIndexOf(file.toString()), 0, e.getMessage());
  }

  @Test
  void labelsBeyondTheNullClassAreRefused() throws IOException {
    Path file = altered("dit_a_p2_hd16", "in.y", Optional.empty());
    Path changed = folder.resolve("changed.safetensors");
    try (Checkpoint checkpoint = Checkpoint.open(file, "")) {
      SafetensorsWriter writer = new SafetensorsWriter();
      checkpoint.tensors().values().forEach(stored -> writer.add(stored.name(), stored));
      writer.add("in.y", new long[] {0, 11, 0}, 3).writeTo(changed);
    }
    Files.copy(folder.resolve("dit_a_p2_hd16.json"), folder.resolve("changed.json"));
    LazyDitException e =
        assertThrows(LazyDitException.class, () -> Parity.run(changed, SUITES, Optional.empty()));
    assertTrue(e.getMessage().contains("no class 11"), e.getMessage());
    assertTrue(e.getMessage().startsWith(changed.toString()), e.getMessage());
  }
}
