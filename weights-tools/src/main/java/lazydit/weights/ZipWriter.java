package lazydit.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Writes a zip archive as torch.save does: entries stored, each beginning at a multiple of 64
 * bytes, checksums behind the data (so nothing is written twice), zip64 where 32 bits do not do.
 */
final class ZipWriter {
  private static final int ALIGNMENT = 64;
  private static final long SATURATED_32 = 0xFFFFFFFFL;
  private static final int SATURATED_16 = 0xFFFF;

  /** Sizes and checksum follow the data; names are UTF-8. */
  private static final short FLAGS = 0x0808;

  private static final short VERSION = 20;
  private static final short VERSION_64 = 45;

  /** Of extra fields: the sizes that need 64 bits, and torch's padding. */
  private static final short ZIP64_FIELD = 1;

  private static final short PADDING_FIELD = 0x4246;
  private static final int FIELD_HEADER_BYTES = 4;

  /** The longest name of an entry; ours are short. */
  private static final int RECORD_BYTES = 1 << 10;

  private record Written(byte[] name, long size, int crc, long offset) {}

  private final WritableByteChannel channel;
  private final ByteBuffer record =
      ByteBuffer.allocate(RECORD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final CRC32 crc = new CRC32();
  private final List<Written> entries = new ArrayList<>();
  private long position;
  private long left;

  ZipWriter(WritableByteChannel channel) {
    this.channel = channel;
  }

  /** Begins an entry of that many bytes, which {@link #write} then delivers. */
  void begin(String name, long size) throws IOException {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    entries.add(new Written(utf8, size, 0, position));
    boolean wide = size >= SATURATED_32;
    record.clear();
    record.putInt(0x04034b50).putShort(wide ? VERSION_64 : VERSION).putShort(FLAGS);
    record.putShort((short) 0).putInt(0).putInt(0);
    putSize(size);
    putSize(size);
    int zip64 = wide ? FIELD_HEADER_BYTES + 16 : 0;
    long unpadded = position + 30 + utf8.length + zip64 + FIELD_HEADER_BYTES;
    int padding = (int) (Math.ceilDiv(unpadded, ALIGNMENT) * ALIGNMENT - unpadded);
    record.putShort((short) utf8.length);
    record.putShort((short) (zip64 + FIELD_HEADER_BYTES + padding)).put(utf8);
    if (wide) {
      record.putShort(ZIP64_FIELD).putShort((short) 16).putLong(size).putLong(size);
    }
    record.putShort(PADDING_FIELD).putShort((short) padding);
    for (int i = 0; i < padding; i++) {
      record.put((byte) 'Z');
    }
    flush();
    crc.reset();
    left = size;
  }

  void write(byte[] bytes, int count) throws IOException {
    crc.update(bytes, 0, count);
    left -= count;
    writeFully(ByteBuffer.wrap(bytes, 0, count));
  }

  /** Ends the entry that was begun. */
  void end() throws IOException {
    if (left != 0) {
      throw new IllegalStateException(left + " bytes of the entry are missing");
    }
    Written entry = entries.removeLast();
    entries.add(new Written(entry.name, entry.size, (int) crc.getValue(), entry.offset));
    record.clear();
    record.putInt(0x08074b50).putInt((int) crc.getValue());
    if (entry.size >= SATURATED_32) {
      record.putLong(entry.size).putLong(entry.size);
    } else {
      record.putInt((int) entry.size).putInt((int) entry.size);
    }
    flush();
  }

  void entry(String name, byte[] content) throws IOException {
    begin(name, content.length);
    write(content, content.length);
    end();
  }

  /** Writes the directory, with which the archive is complete. */
  void finish() throws IOException {
    long offset = position;
    for (Written entry : entries) {
      directory(entry);
    }
    long size = position - offset;
    int count = entries.size();
    if (count >= SATURATED_16 || size >= SATURATED_32 || offset >= SATURATED_32) {
      long end64 = position;
      record.clear();
      record.putInt(0x06064b50).putLong(44).putShort(VERSION_64).putShort(VERSION_64);
      record.putInt(0).putInt(0).putLong(count).putLong(count).putLong(size).putLong(offset);
      record.putInt(0x07064b50).putInt(0).putLong(end64).putInt(1);
      flush();
    }
    short narrowCount = (short) Math.min(count, SATURATED_16);
    record.clear();
    record.putInt(0x06054b50).putShort((short) 0).putShort((short) 0);
    record.putShort(narrowCount).putShort(narrowCount);
    putSize(size);
    putSize(offset);
    record.putShort((short) 0);
    flush();
  }

  private void directory(Written entry) throws IOException {
    boolean wideSize = entry.size >= SATURATED_32;
    boolean wideOffset = entry.offset >= SATURATED_32;
    int fields = (wideSize ? 16 : 0) + (wideOffset ? 8 : 0);
    record.clear();
    record.putInt(0x02014b50).putShort((short) 0);
    record.putShort(fields > 0 ? VERSION_64 : VERSION).putShort(FLAGS);
    record.putShort((short) 0).putInt(0).putInt(entry.crc);
    putSize(entry.size);
    putSize(entry.size);
    record.putShort((short) entry.name.length);
    record.putShort((short) (fields > 0 ? FIELD_HEADER_BYTES + fields : 0));
    record.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0);
    putSize(entry.offset);
    record.put(entry.name);
    if (fields > 0) {
      record.putShort(ZIP64_FIELD).putShort((short) fields);
      if (wideSize) {
        record.putLong(entry.size).putLong(entry.size);
      }
      if (wideOffset) {
        record.putLong(entry.offset);
      }
    }
    flush();
  }

  private void putSize(long size) {
    record.putInt((int) Math.min(size, SATURATED_32));
  }

  private void flush() throws IOException {
    writeFully(record.flip());
  }

  private void writeFully(ByteBuffer bytes) throws IOException {
    position += bytes.remaining();
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
