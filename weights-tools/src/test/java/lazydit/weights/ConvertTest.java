package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import lazydit.dit.DitConfig;
import lazydit.dit.LargeDitConfig;
import lazydit.engine.LazyDitException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Conversions that are not to the bit, or not possible; {@link ConversionTest} has the others. */
class ConvertTest {
  @TempDir Path folder;

  private final Map<String, TensorData> weights =
      new LinkedHashMap<>(RandomWeights.of(TinyModels.DIT, 1));

  private Path dit() {
    return TinyModels.safetensors(
        folder.resolve("dit.safetensors"),
        weights,
        Map.of("num_heads", "4", "class_names", "[\"a\",\"b\",\"c\",\"d\",\"e\"]"));
  }

  private static Convert.Options options(Convert.Form form, Convert.Names names, DType dtype) {
    return new Convert.Options(
        form, Optional.ofNullable(names), Optional.ofNullable(dtype), Optional.empty());
  }

  private List<String> convert(Path in, Path out, Convert.Options options) {
    try (ModelFile model = ModelFile.open(in)) {
      return Convert.run(model, out, options, Progress.NONE);
    }
  }

  private void refused(String reason, Path in, Convert.Options options) throws IOException {
    Path out = folder.resolve("out");
    String message =
        assertThrows(LazyDitException.class, () -> convert(in, out, options)).getMessage();
    assertTrue(message.contains(reason), message);
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(in), files.toList());
    }
  }

  @Test
  void aPipelineHoldsAllThatDiffusersAsksFor() {
    Path vae = TinyModels.torch(folder.resolve("vae.ckpt"), RandomWeights.of(TinyModels.VAE, 2));
    Path out = folder.resolve("pipeline");
    // A VAE alone has 32 groups; 8 channels do not divide by them, so it needs its config.
    LazyDitException refusal =
        assertThrows(
            LazyDitException.class,
            () ->
                convert(
                    dit(),
                    out,
                    new Convert.Options(
                        Convert.Form.DIFFUSERS,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(vae))));
    assertTrue(refusal.getMessage().contains("groups"), refusal.getMessage());
    DiffusersFolder.write(
        folder.resolve("vae"),
        new DiffusersFolder.Vae(TinyModels.VAE, RandomWeights.of(TinyModels.VAE, 2)),
        Progress.NONE);
    Convert.Options options =
        new Convert.Options(
            Convert.Form.DIFFUSERS,
            Optional.empty(),
            Optional.of(DType.BF16),
            Optional.of(folder.resolve("vae")));
    assertEquals(List.of(), convert(dit(), out, options));
    Map<String, Object> index = Json.read(out.resolve("model_index.json"));
    assertEquals("DiTPipeline", index.get("_class_name"));
    assertEquals(List.of("diffusers", "AutoencoderKL"), index.get("vae"));
    assertEquals(
        0.0001, Json.read(out.resolve("scheduler/scheduler_config.json")).get("beta_start"));
    try (DitFile file = DitFile.open(out);
        VaeFile decoder = VaeFile.open(out)) {
      assertEquals(TinyModels.DIT, file.config(OptionalInt.empty()));
      assertEquals(List.of("a", "b", "c", "d", "e"), file.classNames(5));
      assertEquals(TinyModels.VAE, decoder.config());
      assertEquals(DType.BF16, file.checkpoints().getFirst().tensor("proj_out_2.weight").dtype());
    }
    // From folder to folder everything comes along.
    Path again = folder.resolve("again");
    assertEquals(List.of(), convert(out, again, options(Convert.Form.DIFFUSERS, null, DType.F32)));
    try (ModelFile first = ModelFile.open(out);
        ModelFile second = ModelFile.open(again);
        VaeFile decoder = VaeFile.open(again)) {
      assertTrue(WeightsDiff.of(first, second, 0, Progress.NONE).equal());
      assertEquals(TinyModels.VAE, decoder.config());
    }
  }

  @Test
  void whatIsOutOfRangeOrHasNoNameIsSaid() {
    weights.put("blocks.0.mlp.fc1.bias", new FloatTensor(filled(128, 1e6f), 128));
    weights.put("optimizer.step", new FloatTensor(new float[1], 1));
    List<String> notes =
        convert(dit(), folder.resolve("out"), options(Convert.Form.DIFFUSERS, null, DType.F16));
    assertEquals(
        List.of(
            "Left out 1 tensors that have no name there: optimizer.step.",
            "The folder holds no VAE; add one with --vae.",
            "128 numbers of transformer_blocks.0.ff.net.0.proj.bias are too large for F16 and"
                + " became infinite."),
        notes);
  }

  private static float[] filled(int size, float value) {
    float[] values = new float[size];
    java.util.Arrays.fill(values, value);
    return values;
  }

  @Test
  void positionsOfTheirOwnHaveNoPlaceInDiffusers() throws IOException {
    weights.put("pos_embed", new FloatTensor(filled(16 * 32, 0.5f), 1, 16, 32));
    refused("pos_embed", dit(), options(Convert.Form.DIFFUSERS, null, null));
  }

  @Test
  void feedForwardNetworksOfAnotherSizeHaveNoPlaceInDiffusers() throws IOException {
    weights.clear();
    weights.putAll(RandomWeights.of(new DitConfig(8, 2, 4, 32, 2, 4, 64, 5, true), 1));
    refused("4 times", dit(), options(Convert.Form.DIFFUSERS, null, null));
  }

  @Test
  void embeddersThatDifferBetweenBlocksAreNotLostSilently() throws IOException {
    Map<String, TensorData> tensors =
        new LinkedHashMap<>(Renaming.toDiffusers(weights, TinyModels.DIT, "").tensors());
    String copy = "transformer_blocks.1.norm1.emb.timestep_embedder.linear_2.bias";
    tensors.put(copy, new FloatTensor(filled(32, 9), 32));
    Path file = TinyModels.safetensors(folder.resolve("d.safetensors"), tensors, Map.of());
    refused(copy, file, options(Convert.Form.SAFETENSORS, Convert.Names.FACEBOOK, null));
  }

  /** A network that has lost a tensor is not taken for one of fewer blocks. */
  @Test
  void aBlockThatIsNotWholeIsNotLostSilently() throws IOException {
    Map<String, TensorData> diffusers =
        new LinkedHashMap<>(Renaming.toDiffusers(weights, TinyModels.DIT, "").tensors());
    String missing = "no tensor blocks.1.attn.qkv.weight, but it has blocks.1.";
    weights.remove("blocks.1.attn.qkv.weight");
    refused(missing, dit(), options(Convert.Form.SAFETENSORS, Convert.Names.DIFFUSERS, null));
    refused(missing, dit(), options(Convert.Form.DIFFUSERS, null, null));

    diffusers.remove("transformer_blocks.1.attn1.to_k.weight");
    Path file = TinyModels.safetensors(folder.resolve("d.safetensors"), diffusers, Map.of());
    Convert.Options toFacebook = options(Convert.Form.SAFETENSORS, Convert.Names.FACEBOOK, null);
    List<String> notes = convert(file, folder.resolve("out"), toFacebook);
    assertTrue(
        notes.getFirst().contains("transformer_blocks.1.attn1.to_q.weight"), notes::toString);
    try (ModelFile model = ModelFile.open(folder.resolve("out"))) {
      assertTrue(model.architecture().contains(missing), model.architecture());
    }
  }

  @Test
  void namesMustFitTheModel() throws IOException {
    refused(
        "names of compvis", dit(), options(Convert.Form.SAFETENSORS, Convert.Names.COMPVIS, null));
    refused(
        "diffusers' names", dit(), options(Convert.Form.DIFFUSERS, Convert.Names.FACEBOOK, null));
    weights.clear();
    weights.putAll(
        RandomWeights.of(new LargeDitConfig(16, 2, 4, 64, 1, 4, 2, 128, 3, true, true), 1));
    refused("Large-DiT", dit(), options(Convert.Form.DIFFUSERS, null, null));
  }

  @Test
  void aFolderOfOtherThingsIsNotReplaced() throws IOException {
    Path out = Files.createDirectory(folder.resolve("home"));
    Files.writeString(out.resolve("thesis.txt"), "years");
    LazyDitException refusal =
        assertThrows(
            LazyDitException.class,
            () -> convert(dit(), out, options(Convert.Form.DIFFUSERS, null, null)));
    assertTrue(refusal.getMessage().contains("not replaced"), refusal.getMessage());
    assertEquals("years", Files.readString(out.resolve("thesis.txt")));
  }

  @Test
  void aFailureLeavesTheOldFolder() throws IOException {
    Path out = folder.resolve("out");
    convert(dit(), out, options(Convert.Form.DIFFUSERS, null, null));
    try (ModelFile model = ModelFile.open(dit())) {
      assertThrows(
          IllegalStateException.class,
          () ->
              Convert.run(
                  model,
                  out,
                  options(Convert.Form.DIFFUSERS, null, DType.BF16),
                  (done, total) -> {
                    throw new IllegalStateException("stop");
                  }));
    }
    try (ModelFile first = ModelFile.open(dit());
        ModelFile second = ModelFile.open(out);
        Stream<Path> files = Files.list(folder)) {
      assertTrue(WeightsDiff.of(first, second, 0, Progress.NONE).equal());
      assertFalse(files.anyMatch(file -> file.toString().endsWith(".tmp")));
    }
    assertEquals(
        List.of("The folder holds no VAE; add one with --vae."),
        convert(dit(), out, options(Convert.Form.DIFFUSERS, null, DType.BF16)));
  }

  @Test
  void aLargeDitKeepsWhatItsArgumentsSay() {
    LargeDitConfig config = new LargeDitConfig(16, 2, 4, 64, 1, 4, 2, 128, 3, true, true);
    TinyModels.torch(folder.resolve("consolidated.00-of-01.pth"), RandomWeights.of(config, 1));
    Map<String, Object> arguments = new LinkedHashMap<>();
    arguments.put("model", "DiT_Llama_tiny");
    arguments.put("n_heads", 4);
    arguments.put("image_size", 128);
    arguments.put("qk_norm", true);
    TorchWriter.writeNamespace(arguments, folder.resolve("model_args.pth"));
    Path out = folder.resolve("elsewhere/out.safetensors");
    assertTrue(out.getParent().toFile().mkdir());
    convert(folder, out, Convert.Options.COPY);
    try (ModelFile model = ModelFile.open(out)) {
      assertEquals(config, model.transformer());
    }
  }
}
