package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {
  @TempDir Path folder;

  private Path file(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return file(json.length, json, dataBytes);
  }

  private Path file(long headerLength, byte[] header, int dataBytes) {
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(headerLength).put(header);
    return write("made.safetensors", bytes.array());
  }

  private Path write(String name, byte[] content) {
    try {
      return Files.write(folder.resolve(name), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void refused(String reason, Path file) {
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> Checkpoint.open(file).close());
    assertTrue(e.getMessage().contains(reason), e.getMessage());
    assertTrue(e.getMessage().contains(file.getParent().toString()), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}} | 8 | has 4 bytes of data where",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}} | 4 | data_offsets [0, 8] in 4",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}} | 8 | data_offsets [8, 0]",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0]}} | 8 | data_offsets [0]",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[-8,0]}} | 8 | -8 in its data_offsets",
        "{'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}} | 8 | -2 in its shape",
        "{'a':{'dtype':'F32','shape':[1.5],'data_offsets':[0,8]}} | 8 | 1.5 in its shape",
        "{'a':{'dtype':'F32','shape':2,'data_offsets':[0,8]}} | 8 | has no shape",
        "{'a':{'dtype':'F32','data_offsets':[0,8]}} | 8 | has no shape",
        "{'a':{'shape':[2],'data_offsets':[0,8]}} | 8 | has no dtype",
        "{'a':{'dtype':'F8_E4M3','shape':[8],'data_offsets':[0,8]}} | 8 | dtype F8_E4M3",
        "{'a':{'dtype':'F32','shape':[4294967296,4294967296,4],'data_offsets':[0,0]}} | 0 | too"
            + " many",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}} | 12 | there is a gap",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}} | 9 | has 1 bytes behind",
        "{'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2]},'b':{'dtype':'U8','shape':[2],'data_offsets':[1,3]}}"
            + " | 3 | overlap",
        "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]},'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}}"
            + " | 1 | appears twice",
        "{'a':7} | 0 | entry of tensor 'a' is not a JSON object",
        "{'__metadata__':{'k':1}} | 0 | metadata 'k' is not text",
        "{'a':{ | 0 | not valid JSON",
        "{} x | 0 | not valid JSON",
      })
  void damagedHeadersAreRefused(String header, int dataBytes, String reason) {
    refused(reason, file(header.replace('\'', '"'), dataBytes));
  }

  @Test
  void headersThatClaimMoreThanTheFileAreRefused() {
    byte[] header = "{}      ".getBytes(StandardCharsets.UTF_8);
    refused("only 16", file(9, header, 0));
    refused("only 16", file(1L << 40, header, 0));
    refused("neither", file(-1, header, 0));
    refused("neither", write("short", new byte[] {1, 2, 3}));
    refused("neither", write("text", "not a checkpoint".getBytes(StandardCharsets.UTF_8)));
    byte[] latin1 = "{\"\u00e9\":1}".getBytes(StandardCharsets.ISO_8859_1);
    refused("not UTF-8", file(latin1.length, latin1, 0));
  }

  @Test
  void theWriterLaysOutWidestFirstThenByName() throws IOException {
    Path file = folder.resolve("out.safetensors");
    new SafetensorsWriter()
        .metadata("note", "caf\u00e9 \"quoted\"")
        .add("b", new float[] {1, 2}, 2)
        .add("mask", new byte[] {1, 0, 1}, 3)
        .add("a", new float[] {3}, 1, 1)
        .add("z", new long[] {-7})
        .add("y", new double[0], 0, 5)
        .writeTo(file);
    byte[] bytes = Files.readAllBytes(file);
    int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    String header = new String(bytes, 8, length, StandardCharsets.UTF_8);
    assertEquals(0, length % 8);
    assertEquals(
        "{\"__metadata__\":{\"note\":\"caf\u00e9 \\\"quoted\\\"\"},"
            + "\"y\":{\"dtype\":\"F64\",\"shape\":[0,5],\"data_offsets\":[0,0]},"
            + "\"z\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[8,12]},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]},"
            + "\"mask\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[20,23]}}",
        header.stripTrailing());
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertEquals(Checkpoint.Container.SAFETENSORS, checkpoint.container());
      assertEquals(Map.of("note", "caf\u00e9 \"quoted\""), checkpoint.metadata());
      assertArrayEquals(new float[] {1, 2}, checkpoint.tensor("b").toFloats());
      assertArrayEquals(new long[] {-7}, checkpoint.tensor("z").toLongs());
      assertArrayEquals(new long[] {1, 0, 1}, checkpoint.tensor("mask").toLongs());
      assertEquals(0, checkpoint.tensor("y").size());
    }
  }

  @Test
  void theWriterRefusesWhatCannotBe() {
    SafetensorsWriter writer = new SafetensorsWriter().add("a", new float[1], 1);
    assertThrows(CheckpointException.class, () -> writer.add("a", new float[1], 1));
    assertThrows(CheckpointException.class, () -> writer.add("b", new float[2], 3));
    assertThrows(CheckpointException.class, () -> writer.add("__metadata__", new float[1], 1));
  }

  @Test
  void aFailedWriteLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = write("kept.safetensors", new byte[] {42});
    SafetensorsWriter failing =
        new SafetensorsWriter()
            .add(
                "a",
                DType.F32,
                new long[] {1 << 20},
                (first, into, count) -> {
                  if (first > 0) {
                    throw new IllegalStateException("lost");
                  }
                });
    assertThrows(IllegalStateException.class, () -> failing.writeTo(file));
    assertArrayEquals(new byte[] {42}, Files.readAllBytes(file));
    assertEquals(1, filesIn(folder));
    CheckpointException e =
        assertThrows(
            CheckpointException.class,
            () -> new SafetensorsWriter().writeTo(folder.resolve("none").resolve("x")));
    assertTrue(e.getMessage().contains("there is no folder"), e.getMessage());
    assertThrows(CheckpointException.class, () -> new SafetensorsWriter().writeTo(folder));
  }

  private static long filesIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.count();
    }
  }

  @Test
  void aFileCanBeConvertedOntoItself() {
    Path file = folder.resolve("self.safetensors");
    new SafetensorsWriter().metadata("k", "v").add("a", new float[] {1, 2, 3}, 3).writeTo(file);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      Convert.toSafetensors(checkpoint, file, Map.of("more", "text"));
    }
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertArrayEquals(new float[] {1, 2, 3}, checkpoint.tensor("a").toFloats());
      assertEquals(Map.of("k", "v", "more", "text"), checkpoint.metadata());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a_zip", "a2_zip_torch2_layout", "b_legacy", "a3_handmade", "c_dit_training"})
  void conversionKeepsEveryBit(String name) {
    Path out = folder.resolve("converted.safetensors");
    try (Checkpoint before = Checkpoint.open(Resources.path("torch_save/" + name + ".pt"))) {
      Convert.toSafetensors(before, out, Map.of());
      try (Checkpoint after = Checkpoint.open(out)) {
        assertEquals(before.tensors().keySet(), after.tensors().keySet());
        for (StoredTensor tensor : before.tensors().values()) {
          StoredTensor copy = after.tensor(tensor.name());
          assertEquals(tensor.dtype(), copy.dtype());
          assertArrayEquals(tensor.shape(), copy.shape());
          assertArrayEquals(tensor.toBytes(), copy.toBytes());
        }
        assertEquals(Fingerprint.of(before), Fingerprint.of(after));
      }
    }
  }

  @Test
  void shardedSetsAreReadThroughTheirIndex() {
    shard("one.safetensors", "a", 1);
    shard("two.safetensors", "b", 2);
    Path index = index("{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}");
    try (Checkpoint checkpoint = Checkpoint.open(index)) {
      assertEquals(Checkpoint.Container.SAFETENSORS_SHARDS, checkpoint.container());
      assertEquals(List.of("a", "b"), checkpoint.names());
      assertArrayEquals(new float[] {2}, checkpoint.tensor("b").toFloats());
    }
  }

  @Test
  void shardsMustLieInTheFolderAndHoldWhatTheIndexSays() {
    shard("one.safetensors", "a", 1);
    for (String outside : List.of("../one.safetensors", "/etc/passwd", "..", "x\\\\y", "C:one")) {
      refused("not a file of the same folder", index("{\"a\":\"" + outside + "\"}"));
    }
    refused("not a file of the same folder", index("{\"a\":1}"));
    refused("which lacks it", index("{\"b\":\"one.safetensors\"}"));
    refused("does not exist", index("{\"a\":\"three.safetensors\"}"));
    refused("weight_map is not", write("no.index.json", "{}".getBytes(StandardCharsets.UTF_8)));
    write("pickle.pt", Resources.bytes("torch_save/a_zip.pt"));
    refused("is not a safetensors file", index("{\"a\":\"pickle.pt\"}"));
  }

  private void shard(String name, String tensor, float value) {
    new SafetensorsWriter().add(tensor, new float[] {value}, 1).writeTo(folder.resolve(name));
  }

  private Path index(String weightMap) {
    String json = "{\"metadata\":{\"total_size\":8},\"weight_map\":" + weightMap + "}";
    return write("model.safetensors.index.json", json.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void theFingerprintKnowsEveryNumberNameAndShape() {
    String base = fingerprint("a", new float[] {1, 2}, 2);
    assertEquals(64, base.length());
    assertEquals(base, fingerprint("a", new float[] {1, 2}, 2));
    assertFalse(base.equals(fingerprint("a", new float[] {1, Math.nextUp(2f)}, 2)));
    assertFalse(base.equals(fingerprint("b", new float[] {1, 2}, 2)));
    assertFalse(base.equals(fingerprint("a", new float[] {1, 2}, 1, 2)));
    // Computed from the definition by an independent program.
    assertEquals("80d540bc48e4bcee806d426c325f6d6fe6f0bd7eb55ae4575b021585eea5ffa9", base);
  }

  private String fingerprint(String name, float[] values, long... shape) {
    Path file = folder.resolve("f.safetensors");
    new SafetensorsWriter().add(name, values, shape).writeTo(file);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      return Fingerprint.of(checkpoint);
    }
  }
}
