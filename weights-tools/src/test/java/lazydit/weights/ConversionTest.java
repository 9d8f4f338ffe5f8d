package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.Stream;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.DitConfig;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;

/** What goes from one layout to another and back is what it was, to the bit. */
class ConversionTest {
  private Path folder;

  @BeforeTry
  void makeFolder() throws IOException {
    folder = Files.createTempDirectory("conversion");
  }

  @AfterTry
  void removeFolder() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private static Convert.Options to(Convert.Form form, Convert.Names names) {
    return new Convert.Options(
        form, Optional.ofNullable(names), Optional.empty(), Optional.empty());
  }

  private Path convert(Path in, String out, Convert.Options options, OptionalInt heads) {
    try (ModelFile model = ModelFile.open(in, null, heads)) {
      Convert.run(model, folder.resolve(out), options, Progress.NONE);
    }
    return folder.resolve(out);
  }

  private static void assertHolds(Map<String, ? extends TensorData> expected, Path path) {
    try (ModelFile model = ModelFile.open(path)) {
      assertEquals(expected.keySet(), model.tensors().keySet());
      expected.forEach(
          (name, tensor) -> {
            StoredTensor found = model.tensors().get(name);
            assertEquals(tensor.dtype(), found.dtype(), name);
            assertArrayEquals(tensor.shape(), found.shape(), name);
            assertArrayEquals(TinyModels.bytes(tensor), found.toBytes(), name);
          });
    }
  }

  // ---- any tensors

  /** A tensor of any bits. */
  record Bits(DType dtype, long[] shape, byte[] bytes) implements TensorData {
    @Override
    public long size() {
      return bytes.length / dtype.width();
    }

    @Override
    public void readFloats(long first, float[] into, int at, int count) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void readBytes(long first, byte[] into, int at, int count) {
      int width = dtype.width();
      System.arraycopy(bytes, (int) first * width, into, at, count * width);
    }
  }

  @Provide
  Arbitrary<List<Bits>> tensors() {
    Arbitrary<List<Long>> shapes = Arbitraries.longs().between(0, 6).list().ofMaxSize(4);
    return Combinators.combine(Arbitraries.of(DType.values()), shapes, Arbitraries.longs())
        .as(ConversionTest::bits)
        .list()
        .ofMinSize(1)
        .ofMaxSize(6);
  }

  private static Bits bits(DType dtype, List<Long> dimensions, long seed) {
    long[] shape = dimensions.stream().mapToLong(Long::longValue).toArray();
    byte[] bytes = new byte[(int) StoredTensor.elements("", "", shape) * dtype.width()];
    new Random(seed).nextBytes(bytes);
    return new Bits(dtype, shape, bytes);
  }

  @Property(tries = 200)
  void everyBitSurvivesTorchSaveAndSafetensors(@ForAll("tensors") List<Bits> tensors) {
    Map<String, TensorData> named = new LinkedHashMap<>();
    tensors.forEach(tensor -> named.put("t" + named.size() + ".weight", tensor));
    Path torch = TinyModels.torch(folder.resolve("t.pt"), named);
    assertHolds(named, torch);
    assertHolds(named, convert(torch, "t.safetensors", Convert.Options.COPY, OptionalInt.empty()));
  }

  // ---- networks

  @Provide
  Arbitrary<DitConfig> dits() {
    return Combinators.combine(
            Arbitraries.integers().between(1, 3),
            Arbitraries.integers().between(1, 4),
            Arbitraries.of(1, 2, 4),
            Arbitraries.integers().between(1, 4),
            Arbitraries.of(true, false))
        .as(
            (depth, heads, patch, grid, sigma) ->
                new DitConfig(
                    grid * patch, patch, 4, 8 * heads, depth, heads, 32 * heads, 3, sigma));
  }

  @Property(tries = 60)
  void aDitSurvivesDiffusers(
      @ForAll("dits") DitConfig config, @ForAll long seed, @ForAll("floating") DType dtype) {
    Map<String, TensorData> weights = CastTensor.all(RandomWeights.of(config, seed), dtype);
    OptionalInt heads = OptionalInt.of(config.numHeads());
    Path facebook = TinyModels.torch(folder.resolve("dit.pt"), weights);
    Path diffusers = convert(facebook, "dit", to(Convert.Form.DIFFUSERS, null), heads);
    try (ModelFile model = ModelFile.open(diffusers)) {
      assertEquals(config, model.transformer());
    }
    // No heads given: from here on the files tell them.
    Convert.Options back = to(Convert.Form.SAFETENSORS, Convert.Names.FACEBOOK);
    Path returned = convert(diffusers, "dit.safetensors", back, OptionalInt.empty());
    assertHolds(weights, returned);
    try (ModelFile model = ModelFile.open(returned)) {
      assertEquals(config, model.transformer());
    }
    Convert.Options names = to(Convert.Form.SAFETENSORS, Convert.Names.DIFFUSERS);
    Path renamed = convert(returned, "renamed.safetensors", names, OptionalInt.empty());
    assertHolds(weights, convert(renamed, "again.safetensors", back, OptionalInt.empty()));
  }

  @Provide
  Arbitrary<DType> floating() {
    return Arbitraries.of(DType.F32, DType.BF16, DType.F16, DType.F64);
  }

  @Property(tries = 30)
  void aVaeSurvivesCompVis(
      @ForAll("levels") List<Integer> levels, @ForAll boolean quantConv, @ForAll long seed) {
    AutoencoderKlConfig config =
        new AutoencoderKlConfig(3, 3, 4, levels, 1, 32, quantConv, 0.18215f);
    Map<String, TensorData> weights = RandomWeights.of(config, seed);
    Path diffusers = TinyModels.torch(folder.resolve("vae.bin"), weights);
    Convert.Options away = to(Convert.Form.SAFETENSORS, Convert.Names.COMPVIS);
    Path compVis = convert(diffusers, "vae.safetensors", away, OptionalInt.empty());
    try (VaeFile file = VaeFile.open(compVis)) {
      assertEquals(VaeNames.Naming.COMPVIS, file.naming());
      assertEquals(config, file.config());
    }
    assertHolds(
        weights, convert(compVis, "vae", to(Convert.Form.DIFFUSERS, null), OptionalInt.empty()));
  }

  @Provide
  Arbitrary<List<Integer>> levels() {
    return Arbitraries.of(32, 64).list().ofMinSize(1).ofMaxSize(3);
  }
}
