package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The bytes of a pickle, read forward; every length is compared with what is left before use. */
final class PickleInput {
  /** The longest text or number on one line, or in one string. */
  private static final int MAX_STRING = 1 << 26;

  private static final int MAX_LINE = 1 << 12;
  private static final int MAX_INTEGER_BYTES = 256;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble BIG_ENDIAN_DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private final String file;
  private final MemorySegment bytes;
  private long at;

  PickleInput(String file, MemorySegment bytes, long at) {
    this.file = file;
    this.bytes = bytes;
    this.at = at;
  }

  long position() {
    return at;
  }

  long size() {
    return bytes.byteSize();
  }

  int u8() {
    return bytes.get(ValueLayout.JAVA_BYTE, take(1)) & 0xFF;
  }

  int u16() {
    return bytes.get(SHORT, take(2)) & 0xFFFF;
  }

  int i32() {
    return bytes.get(INT, take(4));
  }

  long u32() {
    return i32() & 0xFFFFFFFFL;
  }

  /** A 64-bit length; one beyond {@code long} cannot be in any file. */
  long u64() {
    return bytes.get(LONG, take(8));
  }

  double bigEndianDouble() {
    return bytes.get(BIG_ENDIAN_DOUBLE, take(8));
  }

  MemorySegment slice(long length) {
    return bytes.asSlice(take(length), length);
  }

  String utf8(long length) {
    return text(length, true);
  }

  String latin1(long length) {
    return text(length, false);
  }

  private String text(long length, boolean utf8) {
    byte[] content = array(length, MAX_STRING, "a string");
    if (!utf8) {
      return new String(content, StandardCharsets.ISO_8859_1);
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString();
    } catch (CharacterCodingException e) {
      throw fault("holds text that is not UTF-8");
    }
  }

  /** A little-endian two's complement integer. */
  Object integer(long length) {
    byte[] content = array(length, MAX_INTEGER_BYTES, "an integer");
    if (content.length == 0) {
      return 0L;
    }
    for (int i = 0, j = content.length - 1; i < j; i++, j--) {
      byte swapped = content[i];
      content[i] = content[j];
      content[j] = swapped;
    }
    return narrow(new BigInteger(content));
  }

  /** A decimal integer on a line of its own. */
  Object integer(String digits) {
    try {
      return narrow(new BigInteger(digits));
    } catch (NumberFormatException e) {
      throw fault("holds '" + digits + "' where an integer is expected");
    }
  }

  private static Object narrow(BigInteger value) {
    return value.bitLength() < 64 ? (Object) value.longValue() : value;
  }

  double decimal() {
    String line = line();
    try {
      return Double.parseDouble(line);
    } catch (NumberFormatException e) {
      throw fault("holds '" + line + "' where a number is expected");
    }
  }

  /** The text up to the end of the line, which is skipped. */
  String line() {
    long start = at;
    while (u8() != '\n') {
      if (at - start > MAX_LINE) {
        throw fault("holds a line of more than " + MAX_LINE + " characters");
      }
    }
    byte[] content = new byte[(int) (at - 1 - start)];
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, start, content, 0, content.length);
    return new String(content, StandardCharsets.ISO_8859_1);
  }

  private byte[] array(long length, int limit, String what) {
    long start = take(length);
    if (length > limit) {
      throw fault("holds " + what + " of " + length + " bytes; at most " + limit + " may be");
    }
    byte[] content = new byte[(int) length];
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, start, content, 0, content.length);
    return content;
  }

  private long take(long length) {
    long left = bytes.byteSize() - at;
    if (length < 0 || length > left) {
      throw fault(
          "ends early: %s bytes are expected and only %d follow"
              .formatted(Long.toUnsignedString(length), left));
    }
    at += length;
    return at - length;
  }

  CheckpointException fault(String problem) {
    return new CheckpointException(file, "its pickle, at byte " + at + ", " + problem);
  }
}
