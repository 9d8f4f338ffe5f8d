package lazydit.weights.fuzz;

import java.math.BigInteger;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Integers at which sizes, offsets and counts go wrong. */
final class Numbers {
  /** Powers of two, their neighbours and what is negative to them. */
  private static final List<Long> EXTREMES =
      IntStream.range(0, 64)
          .mapToObj(bit -> 1L << bit)
          .flatMapToLong(power -> LongStream.of(power - 1, power, power + 1, -power))
          .boxed()
          .distinct()
          .toList();

  private static final List<String> TEXTS =
      List.of(
          "-0", "00", "01", "1e999", "-1e999", "1e-999", "1.5", "1E2", "0x10", "1.", ".5", "+1");

  private Numbers() {}

  static long extreme(Dice dice) {
    return dice.pick(EXTREMES);
  }

  /** Another number for one that was found in a file. */
  static long instead(long value, Dice dice) {
    return switch (dice.below(8)) {
      case 0 -> value + 1;
      case 1 -> value - 1;
      case 2 -> value << dice.below(64);
      case 3 -> value >> dice.below(16);
      case 4 -> -value;
      case 5 -> value + extreme(dice);
      case 6 -> dice.below(300);
      default -> extreme(dice);
    };
  }

  /** As JSON would have it, or would not. */
  static String text(String digits, Dice dice) {
    return switch (dice.below(8)) {
      case 0 -> dice.pick(TEXTS);
      case 1 -> digits.repeat(dice.few(80));
      case 2 -> BigInteger.TWO.pow(60 + dice.below(100)).toString();
      default -> Long.toString(instead(value(digits), dice));
    };
  }

  private static long value(String digits) {
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      return digits.length();
    }
  }

  /** Little-endian bytes. */
  static byte[] bytes(long value, int width) {
    byte[] bytes = new byte[width];
    for (int i = 0; i < width; i++) {
      bytes[i] = (byte) (value >> 8 * i);
    }
    return bytes;
  }

  /** The little-endian number at a place; what is behind the end counts as 0. */
  static long at(byte[] bytes, int place, int width) {
    long value = 0;
    for (int i = 0; i < width && place + i < bytes.length; i++) {
      value |= (bytes[place + i] & 0xFFL) << 8 * i;
    }
    return value;
  }

  /** Writes a little-endian number as far as there is room. */
  static void put(byte[] bytes, int place, int width, long value) {
    for (int i = 0; i < width && place + i < bytes.length; i++) {
      bytes[place + i] = (byte) (value >> 8 * i);
    }
  }
}
