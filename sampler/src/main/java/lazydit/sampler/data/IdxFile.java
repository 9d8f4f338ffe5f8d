package lazydit.sampler.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import lazydit.weights.CheckpointException;

/**
 * A file of unsigned bytes in the idx format of MNIST, plain or packed by gzip: two zero bytes, 8
 * for the type, the number of dimensions, each dimension (32-bit big-endian), the data.
 *
 * @param shape the dimensions
 * @param items the data, cut along the first dimension if there are several, else as one
 * @param sha256 of the unpacked file, in hexadecimal digits
 */
record IdxFile(int[] shape, byte[][] items, String sha256) {
  private static final int UNSIGNED_BYTE = 8;
  private static final int MOST_PER_ITEM = 1 << 28;

  /** What a byte of gzip can become at most. */
  private static final long DEFLATE_RATIO = 1032;

  /** An item's share of the heap beside its bytes. */
  private static final int ITEM_OVERHEAD = 32;

  /**
   * Reads a file.
   *
   * @param file the file, packed if its name ends in .gz
   * @param dimensions how many dimensions it has to have
   * @throws CheckpointException when it cannot be read, or is not such a file, or too short or long
   */
  static IdxFile read(Path file, int dimensions) {
    try (InputStream raw = Files.newInputStream(file)) {
      boolean packed = file.getFileName().toString().endsWith(".gz");
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      InputStream in = packed ? new GZIPInputStream(raw, 1 << 16) : raw;
      long most = Files.size(file) * (packed ? DEFLATE_RATIO : 1);
      return new Reader(file, in, digest, most).read(dimensions);
    } catch (NoSuchFileException e) {
      throw new CheckpointException(file.toString(), "does not exist", e);
    } catch (EOFException e) {
      throw new CheckpointException(
          file.toString(), "is truncated: the packed data end too early", e);
    } catch (ZipException e) {
      throw new CheckpointException(
          file.toString(), "is damaged: gzip finds \"" + e.getMessage() + "\"", e);
    } catch (IOException e) {
      throw new CheckpointException(file.toString(), "cannot be read (" + e + ")", e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }

  /** {@return one value of a file of one dimension} */
  int value(int index) {
    return Byte.toUnsignedInt(items[0][index]);
  }

  /** Reads one stream. */
  private record Reader(Path file, InputStream in, MessageDigest digest, long most) {
    IdxFile read(int dimensions) throws IOException {
      byte[] magic = next(4);
      if (magic[0] != 0 || magic[1] != 0 || magic[2] != UNSIGNED_BYTE || magic[3] != dimensions) {
        throw fault(
            "begins with %s; an idx file of bytes in %d dimensions begins with 00 00 08 %02x"
                .formatted(HexFormat.ofDelimiter(" ").formatHex(magic), dimensions, dimensions));
      }
      int[] shape = new int[dimensions];
      ByteBuffer sizes = ByteBuffer.wrap(next(4 * dimensions));
      Arrays.setAll(shape, i -> sizes.getInt());
      int length = itemLength(shape);
      byte[][] items = new byte[dimensions == 1 ? 1 : shape[0]][];
      for (int i = 0; i < items.length; i++) {
        items[i] = next(dimensions == 1 ? shape[0] : length);
      }
      if (in.read() >= 0) {
        throw fault("goes on after the %s values it claims".formatted(Arrays.toString(shape)));
      }
      return new IdxFile(shape, items, HexFormat.of().formatHex(digest.digest()));
    }

    /** Sizes are checked before memory is taken. */
    private int itemLength(int[] shape) {
      double length = 1;
      for (int i = 0; i < shape.length; i++) {
        length *= i == 0 ? 1 : shape[i];
        if (shape[i] < 1 || length > MOST_PER_ITEM) {
          throw fault("claims %s values".formatted(Arrays.toString(shape)));
        }
      }
      double bytes = shape[0] * length;
      if (bytes > most) {
        throw fault(
            "is truncated: it claims %s values, more than its size can hold"
                .formatted(Arrays.toString(shape)));
      }
      Memory.require(file.toString(), bytes + shape[0] * (double) ITEM_OVERHEAD);
      return (int) length;
    }

    private byte[] next(int count) throws IOException {
      byte[] bytes = in.readNBytes(count);
      if (bytes.length < count) {
        throw fault("is truncated: it ends before the values that it claims");
      }
      digest.update(bytes);
      return bytes;
    }

    private CheckpointException fault(String problem) {
      return new CheckpointException(file.toString(), problem);
    }
  }
}
