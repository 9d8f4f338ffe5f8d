package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import lazydit.dit.LargeDitConfig;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Int8;
import lazydit.engine.WeightType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizeTest {
  @TempDir Path folder;

  private Path model(TransformerConfig config) {
    return TinyModels.torch(folder.resolve("model.pt"), RandomWeights.of(config, 7));
  }

  private Quantize.Report quantize(Path in, Path out) {
    try (ModelFile model = ModelFile.open(in, null, OptionalInt.of(4))) {
      return Quantize.run(model, out, Progress.NONE).withOutputError(model, out);
    }
  }

  @Test
  void matricesOfBlocksAreStoredInEightBits() {
    Path in = model(TinyModels.DIT);
    Path out = folder.resolve("int8.safetensors");
    Quantize.Report report = quantize(in, out);
    assertEquals(5 * TinyModels.DIT.depth(), report.errors().size());
    assertTrue(
        report.errors().values().stream().allMatch(e -> e > 1e-3 && e < 0.01), report.text());
    assertTrue(report.outputError().getAsDouble() < 0.03, report.text());
    assertTrue(report.outputError().getAsDouble() > 1e-4, report.text());
    try (ModelFile before = ModelFile.open(in, null, OptionalInt.of(4));
        ModelFile after = ModelFile.open(out)) {
      assertEquals(before.transformer(), after.transformer());
      assertEquals(before.tensors().keySet(), after.tensors().keySet());
      for (StoredTensor tensor : after.tensors().values()) {
        StoredTensor original = before.tensors().get(tensor.name());
        if (report.errors().containsKey(tensor.name())) {
          assertEquals("I8*F32", tensor.storedType());
          assertWithinHalfAStep(original, tensor);
        } else {
          assertArrayEquals(original.toBytes(), tensor.toBytes(), tensor.name());
        }
      }
      long stored = after.tensors().values().stream().mapToLong(StoredTensor::storedBytes).sum();
      assertEquals(report.bytesAfter(), stored);
    }
  }

  /** Rows have scales of their own: the largest number of each is exact. */
  private static void assertWithinHalfAStep(StoredTensor original, StoredTensor quantised) {
    float[] exact = original.toFloats();
    float[] found = quantised.toFloats();
    int rowSize = (int) original.shape()[1];
    for (int row = 0; row < original.shape()[0]; row++) {
      float largest = 0;
      for (int i = row * rowSize; i < (row + 1) * rowSize; i++) {
        largest = Math.max(largest, Math.abs(exact[i]));
      }
      for (int i = row * rowSize; i < (row + 1) * rowSize; i++) {
        assertEquals(exact[i], found[i], largest / 127 * 0.5001);
      }
    }
    float[] part = new float[rowSize];
    quantised.readFloats(rowSize / 2, part, 0, rowSize);
    for (int i = 0; i < rowSize; i++) {
      assertEquals(found[rowSize / 2 + i], part[i]);
    }
    double[] doubles = quantised.toDoubles();
    assertEquals(found[1], doubles[1]);
  }

  @Test
  void largeDitsToo() {
    LargeDitConfig config = new LargeDitConfig(16, 2, 4, 64, 2, 4, 2, 128, 3, true, true);
    Path in = model(config);
    Path out = folder.resolve("int8.safetensors");
    Quantize.Report report = quantize(in, out);
    assertEquals(8 * 2, report.errors().size());
    assertTrue(report.outputError().getAsDouble() < 0.03, report.text());
  }

  /** Only files that lose nothing by it stay integers in memory without being told. */
  @Test
  void filesOfIntegersAreKeptAsIntegers() {
    Path in = model(TinyModels.DIT);
    Path out = folder.resolve("int8.safetensors");
    quantize(in, out);
    assertEquals(WeightType.FLOAT32, weightType(in));
    assertEquals(WeightType.INT8, weightType(out));
    Path mixed = folder.resolve("mixed.safetensors");
    String exact = "blocks.1.mlp.fc2.weight";
    try (Checkpoint file = Checkpoint.open(out)) {
      SafetensorsWriter writer = new SafetensorsWriter().metadata(Int8Rows.KEY, Int8Rows.VALUE);
      for (StoredTensor tensor : file.tensors().values()) {
        if (Quantize.isMatrix(tensor) && !tensor.name().equals(exact)) {
          Int8Rows rows = Int8Rows.of("file", tensor.name(), tensor, Progress.NONE);
          writer.add(tensor.name(), rows);
          writer.add(tensor.name() + Int8Rows.SCALE, rows.scales(), rows.scales().length);
        } else {
          writer.add(tensor.name(), tensor);
        }
      }
      writer.writeTo(mixed);
    }
    assertEquals(WeightType.FLOAT32, weightType(mixed));
  }

  private static WeightType weightType(Path file) {
    try (DitFile network = DitFile.open(file)) {
      return network.weightType();
    }
  }

  /** Rows of a matrix that diffusers keeps in three have the scales of these. */
  @Test
  void diffusersScalesAreFound() {
    SafetensorsWriter writer = new SafetensorsWriter().metadata(Int8Rows.KEY, Int8Rows.VALUE);
    List<String> parts = DiffusersDitNames.parts("blocks.0.attn.qkv.weight");
    for (int i = 0; i < 3; i++) {
      writer.add(parts.get(i), DType.I8, new long[] {2, 3}, (first, into, count) -> {});
      writer.add(parts.get(i) + Int8Rows.SCALE, new float[] {10 * i + 1, 10 * i + 2}, 2);
    }
    Path file = folder.resolve("diffusers.safetensors");
    writer.writeTo(file);
    try (DitFile network = DitFile.open(file)) {
      float[] scales = new float[6];
      for (int row = 0; row < 6; row++) {
        scales[row] = network.weights().scale("blocks.0.attn.qkv.weight", row);
      }
      assertArrayEquals(new float[] {1, 2, 11, 12, 21, 22}, scales);
      assertThrows(
          CheckpointException.class, () -> network.weights().scale("blocks.0.attn.qkv.weight", 6));
    }
  }

  @Test
  void aConvertedCopyIsFloat32() {
    Path out = folder.resolve("int8.safetensors");
    quantize(model(TinyModels.DIT), out);
    Path copy = folder.resolve("copy.safetensors");
    try (ModelFile model = ModelFile.open(out)) {
      Convert.run(model, copy, Convert.Options.COPY, Progress.NONE);
      try (ModelFile converted = ModelFile.open(copy)) {
        assertFalse(converted.metadata().containsKey(Int8Rows.KEY));
        assertTrue(WeightsDiff.of(model, converted, 0, Progress.NONE).equal());
      }
    }
  }

  @Test
  void zerosAndTinyNumbersStayAndNoNumbersAreRefused() {
    float tiny = Float.MIN_VALUE;
    TensorData matrix = new FloatTensor(new float[] {0, 0, tiny, -tiny, 1, -127}, 3, 2);
    Int8Rows rows = Int8Rows.of("file", "t", matrix, Progress.NONE);
    byte[] bytes = new byte[6];
    rows.readBytes(0, bytes, 0, 6);
    assertArrayEquals(new byte[] {0, 0, 0, 0, 1, -127}, bytes);
    assertThrows(
        CheckpointException.class,
        () ->
            Int8Rows.of(
                "file", "t", new FloatTensor(new float[] {Float.NaN, 1}, 1, 2), Progress.NONE));
  }

  /** Some way into a matrix, and more than is read at once. */
  @Test
  void integersAreTheSameInPieces() {
    int columns = 9001;
    float[] values = new float[4 * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (1 + i / columns) * (float) Math.sin(i);
    }
    Int8Rows rows = Int8Rows.of("file", "t", new FloatTensor(values, 4, columns), Progress.NONE);
    int first = columns - 5;
    byte[] bytes = new byte[3 + 2 * columns];
    rows.readBytes(first, bytes, 3, 2 * columns);
    for (int i = 0; i < 2 * columns; i++) {
      float scale = rows.scales()[(first + i) / columns];
      assertEquals(Int8.round(values[first + i], scale), bytes[3 + i], "element " + i);
    }
  }

  /** Integers that stand for themselves are written as the numbers they are. */
  @Test
  void otherIntegersAreNotMistakenForMatrices() {
    Map<String, TensorData> tensors = new LinkedHashMap<>(RandomWeights.of(TinyModels.DIT, 7));
    String name = "blocks.0.mlp.fc1.bias";
    SafetensorsWriter writer = new SafetensorsWriter();
    tensors.forEach(
        (key, tensor) -> {
          if (key.equals(name)) {
            writer.add(key, DType.I8, tensor.shape(), (first, into, count) -> into[0] = 3);
          } else {
            writer.add(key, tensor);
          }
        });
    Path in = folder.resolve("in.safetensors");
    Path out = folder.resolve("out.safetensors");
    writer.writeTo(in);
    quantize(in, out);
    try (Checkpoint before = Checkpoint.open(in);
        Checkpoint after = Checkpoint.open(out)) {
      assertArrayEquals(before.tensor(name).toFloats(), after.tensor(name).toFloats());
    }
  }

  // ---- broken files

  private void refused(String reason, String kind, float[] scales, long... shape) {
    Path file = folder.resolve("broken.safetensors");
    SafetensorsWriter writer =
        new SafetensorsWriter()
            .metadata(Int8Rows.KEY, kind)
            .add("w", DType.I8, shape, (first, into, count) -> {});
    if (scales != null) {
      writer.add("w.scale", scales, scales.length);
    }
    writer.writeTo(file);
    String message =
        assertThrows(CheckpointException.class, () -> Checkpoint.open(file)).getMessage();
    assertTrue(message.contains(reason), message);
  }

  @Test
  void filesThatContradictThemselvesAreRefused() {
    refused("only int8-per-row", "int4", new float[] {1, 1}, 2, 3);
    refused("there is none", Int8Rows.VALUE, null, 2, 3);
    refused("a scale for every row", Int8Rows.VALUE, new float[] {1}, 2, 3);
    refused("a scale for every row", Int8Rows.VALUE, new float[] {1, 1}, 2);
    refused("a scale for every row", Int8Rows.VALUE, new float[] {1, 1}, 2, 0);
    refused("holds the scale -1.0", Int8Rows.VALUE, new float[] {1, -1}, 2, 3);
    refused("holds the scale NaN", Int8Rows.VALUE, new float[] {Float.NaN, 1}, 2, 3);
    refused(
        "holds the scale Infinity", Int8Rows.VALUE, new float[] {1, Float.POSITIVE_INFINITY}, 2, 3);
  }

  @Test
  void onlyTransformersAreQuantised() {
    Map<String, TensorData> vae = new LinkedHashMap<>(RandomWeights.of(TinyModels.VAE, 1));
    Path file = TinyModels.torch(folder.resolve("vae.pt"), vae);
    Path out = folder.resolve("out");
    assertThrows(CheckpointException.class, () -> quantize(file, out));
    assertFalse(out.toFile().exists());
  }
}
