package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lazydit.engine.LazyDitException;
import lazydit.weights.Checkpoint;
import lazydit.weights.Parity;
import lazydit.weights.ParityReport;
import lazydit.weights.ParityReport.Outcome;
import lazydit.weights.SafetensorsWriter;
import lazydit.weights.StoredTensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sampling loops, with and without gates, against the reference implementations. */
class SamplingParityTest {
  @TempDir Path folder;

  private static Path golden(String name) {
    try {
      return Path.of(SamplingParityTest.class.getResource("/golden/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(name, e);
    }
  }

  private static ParityReport run(Path file) {
    return Parity.run(file, ParitySuites.all(), Optional.empty());
  }

  /** Every expected tensor passes but for a few that nothing here computes. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "diffusion_schedules | 31 |",
        "diffusion_steps     | 43 |",
        "diffusion_model     | 29 |",
        "lazy_dit            | 73 |",
        "dpm_solver          | 31 |",
        "diffusers_dit_a     |  7 |",
        "largedit_lazy       | 38 |",
        "dit_b_p4_hd24       | 12 |"
      })
  void theReferencesNumbersAreComputed(String name, int passed, String notComputed) {
    ParityReport report = run(golden(name + ".safetensors"));
    assertEquals(0, report.count(Outcome.FAIL), report::text);
    assertEquals(passed, report.count(Outcome.PASS), report::text);
    Pattern others = Pattern.compile("out\\." + (notComputed == null ? "" : notComputed));
    for (ParityReport.Row row : report.rows()) {
      boolean listed = others.matcher(row.name()).matches();
      assertEquals(listed, row.outcome() == Outcome.NOT_COMPUTED, row.name());
    }
  }

  /** Copies a golden file, one tensor changed or left out. */
  private Path altered(String name, String tensor, Optional<UnaryOperator<float[]>> change)
      throws IOException {
    Path copy = folder.resolve(name + ".safetensors");
    try (Checkpoint checkpoint = Checkpoint.open(golden(name + ".safetensors"), "")) {
      SafetensorsWriter writer = new SafetensorsWriter();
      for (StoredTensor stored : checkpoint.tensors().values()) {
        if (!stored.name().equals(tensor)) {
          writer.add(stored.name(), stored);
        } else if (change.isPresent()) {
          writer.add(tensor, change.get().apply(stored.toFloats()), stored.shape());
        }
      }
      writer.writeTo(copy);
    }
    // Without its description of the tensors, which one missing would contradict.
    String sidecar = Files.readString(golden(name + ".json"));
    Files.writeString(sidecar(copy), sidecar.replace("\"tensors\"", "\"tensors_before\""));
    return copy;
  }

  private static Path sidecar(Path file) {
    return file.resolveSibling(file.getFileName().toString().replace(".safetensors", ".json"));
  }

  private static float[] nudged(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] += 0.002f;
    }
    return values;
  }

  @ParameterizedTest
  @CsvSource({
    "diffusion_model, blocks.1.attn.proj.weight",
    "diffusion_model, in.noise",
    "diffusion_model, in.cfg.z",
    "lazy_dit, in.gates",
    "lazy_dit, in.p.noise",
    "largedit_lazy, in.gates",
    "largedit_lazy, layers.1.attention.k_norm.bias",
    "largedit_lazy, layers.0.feed_forward.w3.weight",
    "lazy_dit, blocks.2.mlp.fc2.bias",
    "dit_b_p4_hd24, in.cfg.x",
    "dit_b_p4_hd24, out.cfg_2.5",
    "diffusion_steps, in.step.model_output8",
    "diffusers_dit_a, transformer_blocks.1.attn1.to_k.weight",
    "diffusers_dit_a, in.e2e.z",
    "dpm_solver, in.ddim_10_eta05.noise",
    "dpm_solver, out.2m_heun_8.final"
  })
  void aSmallChangeIsNoticed(String name, String tensor) throws IOException {
    Path file = altered(name, tensor, Optional.of(SamplingParityTest::nudged));
    assertFalse(run(file).passed());
  }

  @ParameterizedTest
  @CsvSource({
    "diffusion_model, in.z",
    "diffusion_model, in.noise",
    "diffusion_model, in.cfg.y",
    "lazy_dit, in.gates",
    "lazy_dit, in.p.noise",
    "lazy_dit, in.ddim_cfg.z",
    "dit_b_p4_hd24, in.cfg.t",
    "diffusion_steps, in.q.t",
    "diffusion_steps, in.step.noise",
    "dpm_solver, in.z"
  })
  void aMissingInputIsNamed(String name, String tensor) throws IOException {
    Path file = altered(name, tensor, Optional.empty());
    LazyDitException e = assertThrows(LazyDitException.class, () -> run(file));
    assertTrue(e.getMessage().contains(tensor), e.getMessage());
    assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "diffusion_model | \"timestep_respacing\": *\"10\" | \"timestep_respacing\":\"11\" |"
            + " in.timestep_map",
        "diffusion_model | \"timestep_respacing\" | \"x\" | 'timestep_respacing'",
        "diffusion_model | \"cfg_scale\" | \"x\" | 'cfg_scale'",
        "diffusion_steps | \"steps\": *\"10\" | \"steps\":\"2\" | 'in.step.t'",
        "lazy_dit | \"num_sampling_steps\": *10 | \"num_sampling_steps\":2000 | 2000",
        "lazy_dit | \"thresholds_run_p\": *\\[[^]]*] | \"thresholds_run_p\":[1] | thresholds_run_p",
        "diffusers_dit_a | \"pipeline_dir\": *\"[^\"]*\" | \"pipeline_dir\":\"../a\" |"
            + " pipeline_dir",
        "diffusers_dit_a | \"pipeline_dir\": *\"[^\"]*\" | \"pipeline_dir\":\"/\" | pipeline_dir",
        "dpm_solver | \"trailing\" | \"sideways\" | sideways",
        "diffusion_schedules | \"diffusion_steps\": *1000 | \"diffusion_steps\":2000000000 |"
            + " 2000000000",
        "diffusion_schedules | \"noise_schedule\": *\"linear\" | \"noise_schedule\":\"warped\" |"
            + " warped"
      })
  void configurationsThatMakeNoSenseAreRefused(
      String name, String pattern, String replacement, String named) throws IOException {
    Path file = altered(name, "none", Optional.empty());
    String good = Files.readString(sidecar(file));
    String bad = good.replaceFirst(pattern, replacement);
    assertFalse(bad.equals(good));
    Files.writeString(sidecar(file), bad);
    LazyDitException e = assertThrows(LazyDitException.class, () -> run(file));
    assertTrue(e.getMessage().contains(named), e.getMessage());
  }

  /** A golden file with the folder of its pipeline, whose VAE is changed or left out. */
  private ParityReport withVae(UnaryOperator<float[]> change) throws IOException {
    String name = "diffusers_dit_a";
    for (String part : List.of("model_index.json", "transformer", "vae")) {
      copy(golden(name).resolve(part), folder.resolve(name).resolve(part));
    }
    Path vae = folder.resolve(name).resolve("vae/diffusion_pytorch_model.safetensors");
    SafetensorsWriter writer = new SafetensorsWriter();
    try (Checkpoint checkpoint = Checkpoint.open(vae)) {
      for (StoredTensor stored : checkpoint.tensors().values()) {
        boolean changed = stored.name().equals("decoder.conv_out.bias");
        writer.add(
            stored.name(),
            changed ? change.apply(stored.toFloats()) : stored.toFloats(),
            stored.shape());
      }
    }
    writer.writeTo(vae);
    return run(altered(name, "none", Optional.empty()));
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        Files.createDirectories(target.getParent());
        Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private static List<String> failed(ParityReport report) {
    return report.rows().stream()
        .filter(row -> row.outcome() == Outcome.FAIL)
        .map(ParityReport.Row::name)
        .toList();
  }

  @Test
  void pixelsAreTheVaesBesideTheFile() throws IOException {
    assertEquals(7, withVae(values -> values).count(Outcome.PASS));
    ParityReport brighter = withVae(SamplingParityTest::nudged);
    assertEquals(List.of("out.e2e.image", "out.e2e.image_u8"), failed(brighter));
    // Without the folder there are no pixels to compare, and the network is the golden file's own.
    Path alone = altered("diffusers_dit_a", "none", Optional.empty());
    Files.move(folder.resolve("diffusers_dit_a"), folder.resolve("elsewhere"));
    ParityReport latents = run(alone);
    assertEquals(5, latents.count(Outcome.PASS), latents::text);
    assertEquals(2, latents.count(Outcome.NOT_COMPUTED), latents::text);
  }

  @Test
  void namesSayWhatARunIs() {
    assertEquals(Optional.of(new GoldenRun(false, 0, false, false)), GoldenRun.named("ddim"));
    assertEquals(
        Optional.of(new GoldenRun(false, 0.5, true, true)), GoldenRun.named("ddim_eta05_clip_cfg"));
    assertEquals(Optional.of(new GoldenRun(true, 0, false, true)), GoldenRun.named("p_cfg"));
    for (String other : List.of("loss", "t1", "adam", "p_eta05", "ddimx", "")) {
      assertEquals(Optional.empty(), GoldenRun.named(other));
    }
    assertEquals(0.25, GoldenRun.eta("025"));
    assertEquals(1, GoldenRun.eta("1"));
  }
}
