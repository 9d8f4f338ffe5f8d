package lazydit.sampler.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/** Writes small idx files. */
public final class Idx {
  private Idx() {}

  /** The bytes of a file that claims a shape, whatever its data. */
  public static byte[] bytes(byte[] data, int... shape) {
    ByteBuffer file = ByteBuffer.allocate(4 + 4 * shape.length + data.length);
    file.putInt(0x0800 + shape.length);
    for (int size : shape) {
      file.putInt(size);
    }
    return file.put(data).array();
  }

  public static byte[] packed(byte[] plain) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write(plain);
    }
    return bytes.toByteArray();
  }

  /** A data set of count pictures of 4 x 4, each pixel of picture i of value 7 i, label i % 3. */
  public static Path write(Path folder, String part, int count) throws IOException {
    byte[] images = new byte[count * 16];
    byte[] labels = new byte[count];
    for (int i = 0; i < count; i++) {
      for (int p = 0; p < 16; p++) {
        images[i * 16 + p] = (byte) (7 * i + p);
      }
      labels[i] = (byte) (i % 3);
    }
    Files.createDirectories(folder);
    Files.write(folder.resolve(part + "-images-idx3-ubyte.gz"), packed(bytes(images, count, 4, 4)));
    Files.write(folder.resolve(part + "-labels-idx1-ubyte"), bytes(labels, count));
    return folder;
  }
}
