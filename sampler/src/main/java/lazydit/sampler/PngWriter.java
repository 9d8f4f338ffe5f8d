package lazydit.sampler;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import lazydit.engine.LazyDitException;
import lazydit.weights.AtomicFile;

/**
 * Writes 8-bit grey and RGB pictures as PNG (ISO/IEC 15948) with text chunks.
 *
 * <p>Our own writer because the JDK's would start AWT, a quarter of a second on the way from the
 * command line to a picture.
 */
public final class PngWriter {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  private static final byte FILTER_UP = 2;
  private static final int MAX_KEYWORD = 79;

  private PngWriter() {}

  /**
   * Writes a picture to a file, whole or not at all (see {@link AtomicFile}).
   *
   * @param file where to; replaced if it exists
   * @param image the picture
   * @param text entries to store with it, in the map's order: keywords of 1 to 79 printable ASCII
   *     characters, any text
   * @throws LazyDitException when the file cannot be written or a keyword is not allowed
   */
  public static void write(Path file, PixelImage image, Map<String, String> text) {
    ByteBuffer png = ByteBuffer.wrap(encode(image, text));
    AtomicFile.write(
        file,
        channel -> {
          while (png.hasRemaining()) {
            channel.write(png);
          }
        });
  }

  /**
   * {@return the bytes of a PNG file}
   *
   * @param image the picture
   * @param text entries to store with it, see {@link #write}
   * @throws LazyDitException when a keyword is not allowed
   */
  public static byte[] encode(PixelImage image, Map<String, String> text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream png = new DataOutputStream(bytes)) {
      png.write(SIGNATURE);
      writeChunk(png, "IHDR", header(image));
      for (Map.Entry<String, String> entry : text.entrySet()) {
        writeText(png, entry.getKey(), entry.getValue());
      }
      writeChunk(png, "IDAT", compress(image));
      writeChunk(png, "IEND", new byte[0]);
    } catch (IOException e) {
      throw new AssertionError("Writing to memory cannot fail", e);
    }
    return bytes.toByteArray();
  }

  private static byte[] header(PixelImage image) throws IOException {
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(header);
    out.writeInt(image.width());
    out.writeInt(image.height());
    out.writeByte(8); // bits a channel
    out.writeByte(image.channels() == 1 ? 0 : 2); // grey or RGB
    out.write(new byte[3]); // deflate, the five filters, no interlace
    return header.toByteArray();
  }

  /** Each row as its difference to the one above: rows of an enlarged pixel cost nothing. */
  private static byte[] compress(PixelImage image) throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    int rowSize = image.width() * image.channels();
    byte[] row = new byte[1 + rowSize];
    row[0] = FILTER_UP;
    Deflater deflater = new Deflater();
    try (OutputStream out = new DeflaterOutputStream(compressed, deflater, 1 << 16)) {
      for (int i = 0; i < image.bytes().length; i++) {
        byte above = i < rowSize ? 0 : image.bytes()[i - rowSize];
        row[1 + i % rowSize] = (byte) (image.bytes()[i] - above);
        if (i % rowSize == rowSize - 1) {
          out.write(row);
        }
      }
    } finally {
      deflater.end();
    }
    return compressed.toByteArray();
  }

  /** A tEXt chunk where Latin-1 is enough, else an iTXt chunk. */
  private static void writeText(DataOutputStream png, String keyword, String value)
      throws IOException {
    boolean printable = keyword.chars().allMatch(c -> c >= ' ' && c <= '~');
    if (keyword.isBlank() || keyword.length() > MAX_KEYWORD || !printable) {
      throw new LazyDitException(
          "A PNG keyword must be 1 to 79 printable ASCII characters, but is \"" + keyword + "\".");
    }
    String safe = value.replace('\0', ' '); // a zero would end the text
    boolean latin = StandardCharsets.ISO_8859_1.newEncoder().canEncode(safe);
    Charset charset = latin ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8;
    ByteArrayOutputStream chunk = new ByteArrayOutputStream();
    chunk.write(keyword.getBytes(StandardCharsets.US_ASCII));
    chunk.write(new byte[latin ? 1 : 5]); // iTXt: not compressed, no language, no translation
    chunk.write(safe.getBytes(charset));
    writeChunk(png, latin ? "tEXt" : "iTXt", chunk.toByteArray());
  }

  private static void writeChunk(DataOutputStream png, String type, byte[] data)
      throws IOException {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(data);
    png.writeInt(data.length);
    png.write(name);
    png.write(data);
    png.writeInt((int) crc.getValue());
  }
}
