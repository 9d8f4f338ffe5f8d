package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import lazydit.dit.WeightSource;

/**
 * A name for the values of a network's weights: the same for a float32 torch.save file and its
 * safetensors conversion, different when any number differs.
 *
 * <p>SHA-256 over the tensors in the order of their names; of each its name in UTF-8, a zero byte,
 * the number of its dimensions, the dimensions (64-bit little-endian each) and its elements as
 * little-endian float32.
 */
public final class Fingerprint {
  private static final int CHUNK = 1 << 16;

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Fingerprint() {}

  /**
   * Reads all weights once.
   *
   * @param source the weights
   * @return 64 hexadecimal digits
   */
  public static String of(WeightSource source) {
    MessageDigest digest = sha256();
    List<String> names = source.names().stream().sorted().toList();
    for (String name : names) {
      long[] shape = source.shape(name);
      digest.update(name.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
      digest.update(littleEndian(shape));
      update(digest, source, name, shape);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static byte[] littleEndian(long[] shape) {
    ByteBuffer bytes =
        ByteBuffer.allocate((1 + shape.length) * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(shape.length);
    for (long dimension : shape) {
      bytes.putLong(dimension);
    }
    return bytes.array();
  }

  private static void update(MessageDigest digest, WeightSource source, String name, long[] shape) {
    long size = 1;
    for (long dimension : shape) {
      size *= dimension;
    }
    float[] values = new float[(int) Math.min(CHUNK, size)];
    byte[] bytes = new byte[values.length * Float.BYTES];
    for (long first = 0; first < size; first += CHUNK) {
      int count = (int) Math.min(CHUNK, size - first);
      source.read(name, first, values, 0, count);
      MemorySegment.copy(values, 0, MemorySegment.ofArray(bytes), FLOAT, 0, count);
      digest.update(bytes, 0, count * Float.BYTES);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }
}
