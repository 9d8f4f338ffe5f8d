package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is not in {@link ConversionTest}: large archives, sections, arguments. */
class TorchWriterTest {
  @TempDir Path folder;

  /** Leaves holes where zeros are, so that gigabytes of them take no place. */
  private record Sparse(FileChannel file) implements WritableByteChannel {
    private static final int LARGE = 1 << 20;

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int count = bytes.remaining();
      if (count < LARGE) {
        return file.write(bytes);
      }
      file.position(file.position() + count);
      bytes.position(bytes.limit());
      return count;
    }

    @Override
    public boolean isOpen() {
      return file.isOpen();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  @Test
  void entriesAndArchivesBeyondFourGigabytes() throws IOException {
    long size = (1L << 32) + (1 << 20);
    byte[] zeros = new byte[1 << 20];
    Path path = folder.resolve("large.zip");
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      ZipWriter zip = new ZipWriter(new Sparse(channel));
      zip.begin("a/large", size);
      for (long done = 0; done < size; done += zeros.length) {
        zip.write(zeros, zeros.length);
      }
      zip.end();
      zip.entry("a/behind", new byte[] {1, 2, 3});
      zip.finish();
    }
    try (FileChannel channel = FileChannel.open(path);
        Arena arena = Arena.ofConfined()) {
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      Map<String, ZipIndex.Entry> entries = ZipIndex.read("large.zip", all);
      assertEquals(List.of("a/large", "a/behind"), List.copyOf(entries.keySet()));
      assertEquals(size, entries.get("a/large").bytes().byteSize());
      assertEquals(
          List.of((byte) 1, (byte) 2, (byte) 3),
          entries
              .get("a/behind")
              .bytes()
              .elements(java.lang.foreign.ValueLayout.JAVA_BYTE)
              .map(b -> b.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0))
              .toList());
    }
  }

  @Test
  void moreEntriesThanSixteenBitsCount() throws IOException {
    Path path = folder.resolve("many.zip");
    int count = 70_000;
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ZipWriter zip = new ZipWriter(channel);
      for (int i = 0; i < count; i++) {
        zip.entry("a/" + i, new byte[0]);
      }
      zip.finish();
    }
    try (FileChannel channel = FileChannel.open(path);
        Arena arena = Arena.ofConfined()) {
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      assertEquals(count, ZipIndex.read("many.zip", all).size());
    }
  }

  @Test
  void tensorsMayLieInASection() {
    Path file = folder.resolve("vae.ckpt");
    new TorchWriter("state_dict")
        .add("w", new FloatTensor(new float[] {1, 2}, 2))
        .writeTo(file, Progress.NONE);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertEquals("state_dict", checkpoint.section());
      assertArrayEquals(new float[] {1, 2}, checkpoint.tensor("w").toFloats());
    }
  }

  @Test
  void aNameIsTakenOnce() {
    TorchWriter writer = new TorchWriter().add("w", new FloatTensor(new float[1], 1));
    TensorData other = new FloatTensor(new float[1], 1);
    assertThrows(CheckpointException.class, () -> writer.add("w", other));
  }

  @Test
  void storagesBeginAtMultiplesOf64() {
    Path file = TinyModels.torch(folder.resolve("dit.pt"), RandomWeights.of(TinyModels.DIT, 1));
    try (FileChannel channel = FileChannel.open(file);
        Arena arena = Arena.ofConfined()) {
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      ZipIndex.read("dit.pt", all)
          .values()
          .forEach(entry -> assertEquals(0, (entry.bytes().address() - all.address()) % 64));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
