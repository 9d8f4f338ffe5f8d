package lazydit.weights.fuzz;

import java.util.Arrays;
import java.util.List;

/** Changes to a safetensors file: to its header's length, its header, its data. */
final class SafetensorsBytes {
  private static final int LENGTH = Long.BYTES;

  private SafetensorsBytes() {}

  static boolean matches(byte[] bytes) {
    long length = Numbers.at(bytes, 0, LENGTH);
    return length > 1 && length <= bytes.length - LENGTH && bytes[LENGTH] == '{';
  }

  static byte[] mutate(byte[] bytes, Dice dice) {
    int length = (int) Numbers.at(bytes, 0, LENGTH);
    byte[] header = Arrays.copyOfRange(bytes, LENGTH, LENGTH + length);
    byte[] data = Arrays.copyOfRange(bytes, LENGTH + length, bytes.length);
    long stated = -1;
    switch (dice.below(10)) {
      case 0 -> stated = Numbers.instead(length, dice);
      case 1 -> data = Bytes.mutate(data, dice);
      default -> header = Bytes.latin1(JsonText.mutate(Bytes.latin1(header), dice));
    }
    byte[] prefix = Numbers.bytes(stated == -1 ? header.length : stated, LENGTH);
    return Bytes.concat(List.of(prefix, header, data));
  }
}
