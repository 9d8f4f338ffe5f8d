package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

class ZipIndexTest {
  /** A zip archive whose every field can be set; the defaults make a sound one. */
  private static final class Zip {
    final ByteBuffer out = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    final List<byte[]> directory = new ArrayList<>();
    boolean wideEntries;
    boolean wideEnd;
    int flags;
    int method;
    long sizeError;
    int countError;

    int add(String name, String content) {
      return add(name, name, content.getBytes(StandardCharsets.UTF_8), out.position());
    }

    int add(String name, String localName, byte[] content, int header) {
      byte[] local = localName.getBytes(StandardCharsets.UTF_8);
      out.putInt(0x04034b50).putShort((short) 20).putShort((short) flags);
      out.putShort((short) method).putInt(0).putInt(0).putInt(0).putInt(0);
      out.putShort((short) local.length).putShort((short) 0).put(local).put(content);
      directory.add(entry(name, content, header));
      return header;
    }

    byte[] entry(String name, byte[] content, int header) {
      CRC32 crc = new CRC32();
      crc.update(content);
      byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
      int extra = wideEntries ? 28 : 0;
      ByteBuffer entry =
          ByteBuffer.allocate(46 + utf8.length + extra).order(ByteOrder.LITTLE_ENDIAN);
      int size = wideEntries ? -1 : content.length;
      entry.putInt(0x02014b50).putShort((short) 20).putShort((short) 20).putShort((short) flags);
      entry.putShort((short) method).putInt(0).putInt((int) crc.getValue());
      entry.putInt(size).putInt((int) (size + sizeError));
      entry.putShort((short) utf8.length).putShort((short) extra).putShort((short) 0);
      entry.putShort((short) 0).putShort((short) 0).putInt(0).putInt(wideEntries ? -1 : header);
      entry.put(utf8);
      if (wideEntries) {
        entry.putShort((short) 1).putShort((short) 24);
        entry.putLong(content.length).putLong(content.length).putLong(header);
      }
      return entry.array();
    }

    MemorySegment end() {
      int offset = out.position();
      directory.forEach(out::put);
      int size = out.position() - offset;
      int count = directory.size() + countError;
      if (wideEnd) {
        int at = out.position();
        out.putInt(0x06064b50).putLong(44).putInt(0).putInt(0).putInt(0);
        out.putLong(count).putLong(count).putLong(size).putLong(offset);
        out.putInt(0x07064b50).putInt(0).putLong(at).putInt(1);
      }
      out.putInt(0x06054b50).putInt(0).putShort((short) count).putShort((short) count);
      out.putInt(wideEnd ? -1 : size).putInt(wideEnd ? -1 : offset).putShort((short) 0);
      byte[] bytes = new byte[out.position()];
      out.flip().get(bytes);
      return MemorySegment.ofArray(bytes);
    }
  }

  private static void refused(String reason, MemorySegment bytes) {
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> ZipIndex.read("x.pt", bytes));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  @Test
  void entriesAreSlicesWithTheirChecksum() {
    Zip zip = new Zip();
    zip.add("a/data.pkl", "hello");
    zip.add("a/data/0", "");
    Map<String, ZipIndex.Entry> entries = ZipIndex.read("x.pt", zip.end());
    assertEquals(List.of("a/data.pkl", "a/data/0"), List.copyOf(entries.keySet()));
    ZipIndex.Entry hello = entries.get("a/data.pkl");
    assertArrayEquals(
        "hello".getBytes(StandardCharsets.UTF_8), hello.bytes().toArray(ValueLayout.JAVA_BYTE));
    assertEquals(0x3610a686L, hello.crc());
    assertEquals(0, entries.get("a/data/0").bytes().byteSize());
  }

  @Test
  void sizesBeyondFourGigabytesAreReadFromTheZip64Fields() {
    Zip zip = new Zip();
    zip.wideEntries = true;
    zip.wideEnd = true;
    zip.add("a/one", "1");
    zip.add("a/three", "333");
    Map<String, ZipIndex.Entry> entries = ZipIndex.read("x.pt", zip.end());
    assertEquals(3, entries.get("a/three").bytes().byteSize());
    assertEquals('1', entries.get("a/one").bytes().get(ValueLayout.JAVA_BYTE, 0));
  }

  @Test
  void whatTorchNeverWritesIsRefused() {
    Zip encrypted = new Zip();
    encrypted.flags = 1;
    encrypted.add("a", "x");
    refused("is encrypted", encrypted.end());

    Zip compressed = new Zip();
    compressed.method = 8;
    compressed.add("a", "x");
    refused("is compressed", compressed.end());

    Zip twice = new Zip();
    twice.add("a", "x");
    twice.add("a", "y");
    refused("two entries named 'a'", twice.end());
  }

  @Test
  void contradictionsAreRefused() {
    Zip renamed = new Zip();
    renamed.add("a", "b", new byte[1], 0);
    refused("another name in its own header", renamed.end());

    Zip sizes = new Zip();
    sizes.sizeError = 1;
    sizes.add("a", "x");
    refused("two sizes differ", sizes.end());

    Zip overlapping = new Zip();
    int first = overlapping.add("a", "content");
    overlapping.directory.add(overlapping.entry("a", new byte[3], first));
    refused("two entries named", overlapping.end());

    Zip fewer = new Zip();
    fewer.add("a", "x");
    fewer.add("b", "x");
    fewer.countError = -1;
    refused("longer than its 1 entries", fewer.end());

    Zip more = new Zip();
    more.add("a", "x");
    more.countError = 1;
    refused("too small for 2 entries", more.end());

    Zip far = new Zip();
    far.add("a", "a", new byte[1], 5000);
    refused("said to begin at byte 5000", far.end());
  }

  @Test
  void overlappingEntriesAreRefused() {
    Zip zip = new Zip();
    // The second entry's header and data lie inside the first one's data.
    Zip inner = new Zip();
    inner.add("b", "x");
    byte[] nested = new byte[inner.out.position()];
    inner.out.get(0, nested);
    zip.add("a", "a", nested, 0);
    zip.directory.add(zip.entry("b", new byte[] {'x'}, 31));
    refused("two of its entries overlap", zip.end());
  }

  @Test
  void everyTruncationIsRefused() {
    Zip zip = new Zip();
    zip.wideEnd = true;
    zip.add("a/data.pkl", "hello");
    byte[] whole = zip.end().toArray(ValueLayout.JAVA_BYTE);
    for (int length = 0; length < whole.length; length++) {
      MemorySegment cut = MemorySegment.ofArray(whole).asSlice(0, length);
      assertThrows(CheckpointException.class, () -> ZipIndex.read("x.pt", cut));
    }
  }
}
