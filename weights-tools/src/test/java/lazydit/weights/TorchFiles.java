package lazydit.weights;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes torch.save archives around pickles made opcode by opcode, to test what nobody would save.
 */
final class TorchFiles {
  private TorchFiles() {}

  /** A pickle in the making. */
  static final class Pickle {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** Raw opcodes, one char a byte. */
    Pickle op(String latin1) {
      out.writeBytes(latin1.getBytes(StandardCharsets.ISO_8859_1));
      return this;
    }

    Pickle string(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      op("X").i32(utf8.length);
      out.writeBytes(utf8);
      return this;
    }

    Pickle integer(long value) {
      op("\u008a\u0008");
      out.writeBytes(littleEndian(Long.BYTES).putLong(value).array());
      return this;
    }

    Pickle i32(int value) {
      out.writeBytes(littleEndian(Integer.BYTES).putInt(value).array());
      return this;
    }

    Pickle global(String module, String name) {
      return op("c" + module + "\n" + name + "\n");
    }

    Pickle tuple(long... values) {
      op("(");
      for (long value : values) {
        integer(value);
      }
      return op("t");
    }

    Pickle storage(String type, String key, long count) {
      op("(").string("storage").global("torch", type).string(key).string("cpu").integer(count);
      return op("tQ");
    }

    Pickle tensor(String type, String key, long count, long offset, long[] shape, long[] strides) {
      global("torch._utils", "_rebuild_tensor_v2");
      op("(").storage(type, key, count).integer(offset).tuple(shape).tuple(strides);
      op("\u0089").global("collections", "OrderedDict");
      return op(")RtR");
    }

    byte[] stop() {
      op(".");
      return out.toByteArray();
    }
  }

  static Pickle pickle() {
    return new Pickle().op("\u0080\u0002");
  }

  private static ByteBuffer littleEndian(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  static byte[] floats(float... values) {
    ByteBuffer bytes = littleEndian(values.length * Float.BYTES);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes.array();
  }

  /** An archive of one pickle and its storages by key. */
  static Path zip(Path folder, byte[] pickle, Map<String, byte[]> storages) {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("archive/data.pkl", pickle);
    storages.forEach((key, bytes) -> entries.put("archive/data/" + key, bytes));
    return archive(folder.resolve("made.pt"), entries);
  }

  static Path archive(Path file, Map<String, byte[]> entries) {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        ZipEntry header = new ZipEntry(entry.getKey());
        CRC32 crc = new CRC32();
        crc.update(entry.getValue());
        header.setMethod(ZipEntry.STORED);
        header.setSize(entry.getValue().length);
        header.setCrc(crc.getValue());
        zip.putNextEntry(header);
        zip.write(entry.getValue());
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
