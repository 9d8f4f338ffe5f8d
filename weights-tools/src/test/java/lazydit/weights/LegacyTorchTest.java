package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The legacy container: magic, protocol, system, object, keys, storages. */
class LegacyTorchTest {
  private static final String MAGIC = "\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019";

  @TempDir Path folder;

  /** A legacy file of one tensor; the fields are what tests change. */
  private static final class Legacy {
    String magic = MAGIC;
    String protocol = "M\u00e9\u0003";
    String littleEndian = "\u0088";
    String listed = "7";
    long count = 2;
    float[] values = {1.5f, -2};

    byte[] bytes() {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.writeBytes(TorchFiles.pickle().op(magic).stop());
      out.writeBytes(TorchFiles.pickle().op(protocol).stop());
      out.writeBytes(
          TorchFiles.pickle().op("}").string("little_endian").op(littleEndian).op("s").stop());
      out.writeBytes(
          TorchFiles.pickle()
              .op("}")
              .string("w")
              .tensor("FloatStorage", "7", 2, 0, new long[] {2}, new long[] {1})
              .op("s")
              .stop());
      out.writeBytes(TorchFiles.pickle().op("](").string(listed).op("e").stop());
      out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(count).array());
      out.writeBytes(TorchFiles.floats(values));
      return out.toByteArray();
    }
  }

  private Path write(byte[] bytes) {
    try {
      return Files.write(folder.resolve("legacy.pt"), bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void refused(String reason, Legacy legacy) {
    Path file = write(legacy.bytes());
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> Checkpoint.open(file).close());
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  @Test
  void aSoundFileIsRead() {
    try (Checkpoint checkpoint = Checkpoint.open(write(new Legacy().bytes()))) {
      assertEquals(Checkpoint.Container.TORCH_LEGACY, checkpoint.container());
      assertArrayEquals(new float[] {1.5f, -2}, checkpoint.tensor("w").toFloats());
    }
  }

  @Test
  void newerPickleProtocolsBeginWithAFrame() {
    Legacy framed = new Legacy();
    framed.magic = "\u0095\r" + "\0".repeat(7) + MAGIC;
    try (Checkpoint checkpoint = Checkpoint.open(write(framed.bytes()))) {
      assertEquals(Checkpoint.Container.TORCH_LEGACY, checkpoint.container());
    }
  }

  @Test
  void everyPartMustBeWhatItShouldBe() {
    Legacy magic = new Legacy();
    magic.magic = "\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u001a";
    refused("does not begin with the magic number", magic);

    Legacy protocol = new Legacy();
    protocol.protocol = "M\u00ea\u0003";
    refused("protocol 1002 where 1001 is expected", protocol);

    Legacy bigEndian = new Legacy();
    bigEndian.littleEndian = "\u0089";
    refused("big-endian machine", bigEndian);

    Legacy unlisted = new Legacy();
    unlisted.listed = "8";
    refused("storage '8', which no tensor refers to", unlisted);

    for (long count : new long[] {1, 3, -1, Long.MAX_VALUE}) {
      Legacy other = new Legacy();
      other.count = count;
      refused(count + " elements where 2 were announced", other);
    }

    Legacy cut = new Legacy();
    cut.values = new float[] {1.5f};
    refused("8 bytes are expected and 4 are left", cut);
  }

  @Test
  void everyTruncationIsRefused() {
    byte[] whole = new Legacy().bytes();
    for (int length = 0; length < whole.length; length++) {
      Path file = write(Arrays.copyOf(whole, length));
      assertThrows(CheckpointException.class, () -> Checkpoint.open(file).close());
    }
  }
}
