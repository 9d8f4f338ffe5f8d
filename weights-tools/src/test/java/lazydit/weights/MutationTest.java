package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/**
 * Sound files with bytes changed, cut off, doubled or swapped: each either loads or is refused by a
 * {@link CheckpointException}, soon. Nothing else may come out.
 */
class MutationTest {
  private static final long PATIENCE_NANOS = 3_000_000_000L;

  private static Path folder;

  @BeforeContainer
  static void makeFolder() throws IOException {
    folder = Files.createTempDirectory("mutation");
  }

  @AfterContainer
  static void removeFolder() throws IOException {
    Files.deleteIfExists(folder.resolve("mutant"));
    Files.delete(folder);
  }

  @Provide
  Arbitrary<Path> sources() {
    return Arbitraries.of(
        Stream.of(
                Resources.list("torch_save", ".pt").stream()
                    .filter(file -> file.getFileName().toString().matches("[a-e].*")),
                Resources.list("torch_save", ".safetensors").stream(),
                Resources.list("pickles", ".pt").stream())
            .flatMap(files -> files)
            .toList());
  }

  @Property(tries = 3000)
  void mutantsLoadOrAreRefused(@ForAll("sources") Path source, @ForAll long seed)
      throws IOException {
    Random random = new Random(seed);
    Path file = folder.resolve("mutant");
    Files.write(file, mutate(Files.readAllBytes(source), random));
    long start = System.nanoTime();
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      for (StoredTensor tensor : checkpoint.allTensors().values()) {
        tensor.toBytes();
      }
      CheckpointReport.of(checkpoint, "").text();
      Json.write(CheckpointReport.of(checkpoint, "").json());
    } catch (CheckpointException e) {
      assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
    }
    assertTrue(System.nanoTime() - start < PATIENCE_NANOS, "took too long");
  }

  /** Archives are mutated below their checksum too, or no mutant would get past it. */
  private static byte[] mutate(byte[] bytes, Random random) {
    if (random.nextBoolean()) {
      forgetChecksums(bytes);
    }
    for (int changes = 1 + random.nextInt(4); changes > 0 && bytes.length > 1; changes--) {
      int at = random.nextInt(Math.min(bytes.length, 1 << (4 + random.nextInt(10))));
      switch (random.nextInt(7)) {
        case 0 -> bytes = Arrays.copyOf(bytes, at);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes[at] = (byte) random.nextInt();
        case 3 -> bytes[at] = List.of((byte) 0, (byte) -1, (byte) 127).get(random.nextInt(3));
        case 4 -> bytes[at] = (byte) ".(]})tQRbsu\u0085\u0086\u0093".charAt(random.nextInt(14));
        case 5 -> System.arraycopy(bytes, 0, bytes, at, Math.min(at, bytes.length - at));
        default -> bytes[bytes.length - 1 - random.nextInt(Math.min(bytes.length, 80))]++;
      }
    }
    return bytes;
  }

  /** A recorded checksum of 0 means that there is none. */
  private static void forgetChecksums(byte[] bytes) {
    for (int i = 0; i + 20 < bytes.length; i++) {
      if (bytes[i] == 'P' && bytes[i + 1] == 'K' && bytes[i + 2] == 1 && bytes[i + 3] == 2) {
        Arrays.fill(bytes, i + 16, i + 20, (byte) 0);
      }
    }
  }
}
