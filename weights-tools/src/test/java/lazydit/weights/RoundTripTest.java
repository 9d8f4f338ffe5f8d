package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** What the writer writes, the reader reads: every type, any shape, any bits. */
class RoundTripTest {
  private static Path folder;

  @BeforeContainer
  static void makeFolder() throws IOException {
    folder = Files.createTempDirectory("round-trip");
  }

  @AfterContainer
  static void removeFolder() throws IOException {
    Files.deleteIfExists(folder.resolve("t.safetensors"));
    Files.delete(folder);
  }

  record Tensor(DType dtype, long[] shape, byte[] bytes) {}

  @Provide
  Arbitrary<List<Tensor>> tensors() {
    Arbitrary<DType> dtypes = Arbitraries.of(DType.values());
    Arbitrary<List<Long>> shapes = Arbitraries.longs().between(0, 6).list().ofMaxSize(4);
    return Combinators.combine(dtypes, shapes, Arbitraries.longs())
        .as(RoundTripTest::tensor)
        .list()
        .ofMaxSize(6);
  }

  private static Tensor tensor(DType dtype, List<Long> dimensions, long seed) {
    long[] shape = dimensions.stream().mapToLong(Long::longValue).toArray();
    byte[] bytes = new byte[(int) StoredTensor.elements("", "", shape) * dtype.width()];
    new Random(seed).nextBytes(bytes);
    return new Tensor(dtype, shape, bytes);
  }

  @Property(tries = 300)
  void everyBitSurvives(@ForAll("tensors") List<Tensor> tensors) {
    SafetensorsWriter writer = new SafetensorsWriter();
    for (int i = 0; i < tensors.size(); i++) {
      Tensor tensor = tensors.get(i);
      writer.add(
          "t" + i,
          tensor.dtype,
          tensor.shape,
          (first, into, count) ->
              System.arraycopy(
                  tensor.bytes,
                  (int) first * tensor.dtype.width(),
                  into,
                  0,
                  count * tensor.dtype.width()));
    }
    Path file = folder.resolve("t.safetensors");
    writer.writeTo(file);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertEquals(tensors.size(), checkpoint.names().size());
      for (int i = 0; i < tensors.size(); i++) {
        StoredTensor read = checkpoint.tensor("t" + i);
        assertEquals(tensors.get(i).dtype, read.dtype());
        assertArrayEquals(tensors.get(i).shape, read.shape());
        assertArrayEquals(tensors.get(i).bytes, read.toBytes());
      }
    }
  }
}
