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
import java.util.OptionalInt;
import lazydit.dit.DitConfig;
import lazydit.dit.LargeDitConfig;
import lazydit.dit.WeightSource;
import lazydit.engine.LazyDitException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Networks in the files and folders that they are published in. */
class DitFileTest {
  private static final LargeDitConfig LARGE =
      new LargeDitConfig(8, 2, 4, 96, 2, 4, 2, 64, 5, false, true);

  @TempDir Path folder;

  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private final Map<String, float[]> values = new LinkedHashMap<>();

  @BeforeEach
  void readWeights() {
    try (GoldenFile golden = GoldenFile.open(Resources.path("golden/largedit_b_gqa.safetensors"))) {
      WeightSource weights = golden.weights();
      for (String name : weights.names()) {
        long[] shape = weights.shape(name);
        float[] all = new float[(int) StoredTensor.elements("golden", name, shape)];
        weights.read(name, 0, all, 0, all.length);
        shapes.put(name, shape);
        values.put(name, all);
      }
    }
  }

  /** Writes some of the tensors as torch.save does. */
  private Path save(String file, List<String> names) throws IOException {
    TorchFiles.Pickle pickle = TorchFiles.pickle().op("}");
    Map<String, byte[]> storages = new LinkedHashMap<>();
    for (String name : names) {
      String key = Integer.toString(storages.size());
      long[] shape = shapes.get(name);
      long[] strides = new long[shape.length];
      long stride = 1;
      for (int i = shape.length - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape[i];
      }
      pickle.string(name).tensor("FloatStorage", key, stride, 0, shape, strides).op("s");
      storages.put(key, TorchFiles.floats(values.get(name)));
    }
    Path made = TorchFiles.zip(folder, pickle.stop(), storages);
    return Files.move(made, folder.resolve(file));
  }

  /** Writes the Namespace of a training script. */
  private void saveArguments(String key, long value) throws IOException {
    TorchFiles.Pickle pickle = TorchFiles.pickle().global("argparse", "Namespace").op(")\u0081}");
    pickle.string("model").string("DiT_Llama_3B_patch2").op("s");
    pickle.string("image_size").integer(64).op("s");
    pickle.string(key).integer(value).op("sb");
    Path made = TorchFiles.zip(folder, pickle.stop(), Map.of());
    Files.move(made, folder.resolve("model_args.pth"));
  }

  private List<String> names() {
    return new ArrayList<>(values.keySet());
  }

  private void assertHolds(WeightSource weights) {
    for (String name : values.keySet()) {
      float[] found = new float[values.get(name).length];
      weights.read(name, 0, found, 0, found.length);
      assertArrayEquals(shapes.get(name), weights.shape(name), name);
      assertArrayEquals(values.get(name), found, name);
    }
  }

  @Test
  void largeDitAndItsArguments() throws IOException {
    save("consolidated.00-of-01.pth", names().subList(0, 1));
    save("consolidated_ema.00-of-01.pth", names());
    saveArguments("n_heads", 4);
    try (DitFile file = DitFile.open(folder)) {
      assertEquals(DitFile.Layout.LARGE_DIT, file.layout());
      assertEquals(LARGE, file.config(OptionalInt.empty()));
      assertEquals(List.of(), file.classNames(5));
      assertHolds(file.weights());
    }
    try (DitFile file = DitFile.open(folder.resolve("consolidated_ema.00-of-01.pth"))) {
      assertEquals(LARGE, file.config(OptionalInt.of(4)));
    }
  }

  @Test
  void whatLargeDitsFilesDoNotSayIsAskedFor() throws IOException {
    save("consolidated.00-of-01.pth", names());
    try (DitFile file = DitFile.open(folder)) {
      refused("--heads", () -> file.config(OptionalInt.empty()));
      assertEquals(32, file.config(OptionalInt.of(4)).inputSize());
      refused("do not divide into 5 heads", () -> file.config(OptionalInt.of(5)));
      refused("do not divide into 0 heads", () -> file.config(OptionalInt.of(0)));
    }
    saveArguments("n_heads", 1L << 40);
    try (DitFile file = DitFile.open(folder)) {
      refused("n_heads", () -> file.config(OptionalInt.empty()));
    }
  }

  @Test
  void shardsTogetherHoldTheNetwork() throws IOException {
    save("consolidated.00-of-02.pth", names().subList(0, 20));
    Path second = save("consolidated.01-of-02.pth", names().subList(20, names().size()));
    for (Path path : List.of(folder, second)) {
      try (DitFile file = DitFile.open(path)) {
        assertEquals(8 * 4, file.config(OptionalInt.of(4)).inputSize());
        assertHolds(file.weights());
        assertEquals(values.size(), file.weights().names().size());
      }
    }
    Files.delete(second);
    refused("consolidated.01-of-02.pth is missing", () -> DitFile.open(folder));
    save("consolidated.01-of-02.pth", names().subList(19, names().size()));
    refused("model parallelism", () -> DitFile.open(folder));
  }

  @ParameterizedTest
  @CsvSource({"consolidated.00-of-00.pth, no shards", "notes.txt, has no network"})
  void foldersWithoutANetworkAreRefused(String file, String reason) throws IOException {
    Files.writeString(folder.resolve(file), "nothing");
    refused(reason, () -> DitFile.open(folder));
  }

  // ---- diffusers

  /** A DiT under diffusers' names, each tensor of one value of its own. */
  private Map<String, Float> saveDiffusers(Path file) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    Map<String, Float> marks = new LinkedHashMap<>();
    addDiffusers(writer, marks, "pos_embed.proj", 8, 4, 2, 2);
    for (int i = 0; i < 2; i++) {
      String block = "transformer_blocks." + i + ".";
      addDiffusers(writer, marks, block + "norm1.emb.timestep_embedder.linear_1", 8, 256);
      addDiffusers(writer, marks, block + "norm1.emb.timestep_embedder.linear_2", 8, 8);
      add(writer, marks, block + "norm1.emb.class_embedder.embedding_table.weight", 4, 8);
      addDiffusers(writer, marks, block + "norm1.linear", 48, 8);
      for (String part : List.of("to_q", "to_k", "to_v", "to_out.0")) {
        addDiffusers(writer, marks, block + "attn1." + part, 8, 8);
      }
      addDiffusers(writer, marks, block + "ff.net.0.proj", 32, 8);
      addDiffusers(writer, marks, block + "ff.net.2", 8, 32);
    }
    addDiffusers(writer, marks, "proj_out_1", 16, 8);
    addDiffusers(writer, marks, "proj_out_2", 32, 8);
    Files.createDirectories(file.getParent());
    writer.writeTo(file);
    return marks;
  }

  private static void addDiffusers(
      SafetensorsWriter writer, Map<String, Float> marks, String layer, long... shape) {
    add(writer, marks, layer + ".weight", shape);
    add(writer, marks, layer + ".bias", shape[0]);
  }

  private static void add(
      SafetensorsWriter writer, Map<String, Float> marks, String name, long... shape) {
    float[] filled = new float[(int) StoredTensor.elements("made", name, shape)];
    marks.put(name, (float) marks.size() + 1);
    Arrays.fill(filled, marks.get(name));
    writer.add(name, filled, shape);
  }

  @Test
  void diffusersNamesAreSeenUnderFacebooks() throws IOException {
    Path pipeline = folder.resolve("DiT");
    Path transformer = pipeline.resolve("transformer");
    Map<String, Float> marks =
        saveDiffusers(transformer.resolve("diffusion_pytorch_model.safetensors"));
    Files.writeString(
        transformer.resolve("config.json"), "{\"num_attention_heads\": 2, \"sample_size\": 8}");
    Files.writeString(
        pipeline.resolve("model_index.json"),
        "{\"id2label\": {\"0\": \"tench, Tinca tinca\", \"1\": \"goldfish\", \"2\": \"otter\"}}");
    for (Path path : List.of(pipeline, transformer)) {
      try (DitFile file = DitFile.open(path)) {
        assertEquals(DitFile.Layout.DIFFUSERS, file.layout());
        assertEquals(
            new DitConfig(8, 2, 4, 8, 2, 2, 32, 3, true), file.config(OptionalInt.empty()));
        assertEquals(List.of("tench, Tinca tinca", "goldfish", "otter"), file.classNames(3));
        refused("class 3 of 4", () -> file.classNames(4));
        WeightSource weights = file.weights();
        // Every tensor but the further copies of the embedders; queries, keys and values are one.
        assertEquals(marks.size() - 5 - 2 * 4, weights.names().size());
        String block = "transformer_blocks.1.attn1.";
        float[] qkv = new float[3 * 64 - 20];
        weights.read("blocks.1.attn.qkv.weight", 10, qkv, 0, qkv.length);
        for (int i = 0; i < qkv.length; i++) {
          String part = List.of("to_q", "to_k", "to_v").get((i + 10) / 64);
          assertEquals(marks.get(block + part + ".weight"), qkv[i], "element " + (i + 10));
        }
        float[] embedder = new float[1];
        weights.read("t_embedder.mlp.2.bias", 7, embedder, 0, 1);
        String first = "transformer_blocks.0.norm1.emb.timestep_embedder.linear_2.bias";
        assertEquals(marks.get(first), embedder[0]);
        refused("qkv.bias", () -> weights.read("blocks.0.attn.qkv.bias", 20, new float[9], 0, 9));
        refused("pos_embed", () -> weights.shape("pos_embed"));
      }
    }
  }

  private static void refused(String part, Executable action) {
    String message = assertThrows(LazyDitException.class, action).getMessage();
    assertTrue(message.contains(part), message);
  }

  @ParameterizedTest
  @CsvSource({"abc", "-4", "04", "4.5", "99999999999"})
  void headsThatAreNoNumberAreNamed(String heads) {
    Path file =
        TinyModels.safetensors(
            folder.resolve("dit.safetensors"),
            RandomWeights.of(TinyModels.DIT, 1),
            Map.of("num_heads", heads));
    try (DitFile dit = DitFile.open(file)) {
      String message =
          assertThrows(CheckpointException.class, () -> dit.config(OptionalInt.empty()))
              .getMessage();
      assertTrue(message.contains("num_heads is stated to be '" + heads + "'"), message);
    }
  }
}
