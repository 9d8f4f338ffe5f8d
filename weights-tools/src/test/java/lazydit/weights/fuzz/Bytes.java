package lazydit.weights.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Changes that need to know nothing about a format. */
final class Bytes {
  private static final byte[] TELLING = {0, 1, -1, 127, -128, '"', '\\', '{', '[', ',', ' ', '\n'};

  private Bytes() {}

  static byte[] mutate(byte[] bytes, Dice dice) {
    if (bytes.length == 0) {
      return dice.bytes(dice.few(16));
    }
    int at = dice.place(bytes.length);
    int length = Math.min(dice.few(16), bytes.length - at);
    byte[] copy = bytes.clone();
    switch (dice.below(11)) {
      case 0 -> copy[at] ^= (byte) (1 << dice.below(8));
      case 1 -> copy[at] = (byte) dice.below(256);
      case 2 -> copy[at] = TELLING[dice.below(TELLING.length)];
      case 3 -> number(copy, at, 2, dice);
      case 4 -> number(copy, at, 4, dice);
      case 5 -> number(copy, at, 8, dice);
      case 6 -> {
        return Arrays.copyOf(bytes, at);
      }
      case 7 -> {
        return replace(bytes, at, length, new byte[0]);
      }
      case 8 -> {
        return replace(bytes, at, 0, Arrays.copyOfRange(bytes, at, at + length));
      }
      case 9 -> {
        return replace(bytes, at, 0, dice.oneIn(2) ? new byte[length] : dice.bytes(length));
      }
      default -> {
        int to = dice.place(bytes.length);
        System.arraycopy(bytes, at, copy, to, Math.min(length, bytes.length - to));
      }
    }
    return copy;
  }

  private static void number(byte[] bytes, int at, int width, Dice dice) {
    Numbers.put(bytes, at, width, Numbers.instead(Numbers.at(bytes, at, width), dice));
  }

  /** The beginning of one file and the end of another. */
  static byte[] splice(byte[] head, byte[] tail, Dice dice) {
    int from = dice.place(tail.length);
    return concat(
        List.of(
            Arrays.copyOf(head, dice.place(head.length)),
            Arrays.copyOfRange(tail, from, tail.length)));
  }

  /** A part of a file, as much of it as there is. */
  static byte[] slice(byte[] bytes, long from, long length) {
    int begin = Math.clamp(from, 0, bytes.length);
    return Arrays.copyOfRange(bytes, begin, Math.clamp(begin + length, begin, bytes.length));
  }

  static byte[] replace(byte[] bytes, int at, int length, byte[] by) {
    return concat(
        List.of(
            Arrays.copyOf(bytes, at), by, Arrays.copyOfRange(bytes, at + length, bytes.length)));
  }

  static byte[] concat(List<byte[]> parts) {
    byte[] all = new byte[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  /** One char a byte, both ways: text formats can be damaged in any byte. */
  static String latin1(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
