package lazydit.weights.fuzz;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * Changes to pickles, opcode by opcode: an archive's one, or the five of a legacy file with the
 * storages behind them.
 */
final class PickleBytes {
  private static final byte PROTOCOL = (byte) 0x80;
  private static final int LEGACY_PICKLES = 5;
  private static final int MOST_REPEATS = 500;

  /** Opcodes that stand alone. */
  private static final String PLAIN =
      "(012N\u0088\u0089)]}\u008f\u0085\u0086\u0087ldtaesu\u0090\u0091\u0092\u0093\u0094RbQ\u0081.o";

  /** Calls and storages as a pickle writes them, and what would make them dear or impossible. */
  private static final List<String> PHRASES =
      List.of(
          "(X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\0" + "0X\u0003\0\0\0cpuK\u0004tQ",
          "(X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\0"
              + "0X\u0003\0\0\0cpuK\u0006"
              + "(X\u0001\0\0\0vK\0K\u0001ttQ",
          "K\0)K\u0001\u0085",
          "ctorch._utils\n_rebuild_tensor_v2\n",
          "cbuiltins\nlist\nh\u0001\u0085R",
          "cbuiltins\ndict\nh\u0001\u0085R",
          "ccollections\nOrderedDict\n)R",
          "c_codecs\nencode\nX\u0001\0\0\0xX\u0006\0\0\0latin1\u0086R",
          "cnumpy.core.multiarray\n_reconstruct\n)R",
          "(K\u0001K\u0002\u0085cnumpy\ndtype\nU\u0002f4\u0085R\u0089C\u0008\0\0\0\0\0\0\0\0tb",
          "cnumpy\ndtype\nU\u0002f4\u0085R",
          "cargparse\nNamespace\n)\u0081}(X\u0001\0\0\0aK\u0001ub",
          "h\u0001h\u0001\u0086q\u0001",
          "h\u0001h\u0001h\u0001h\u0001(lq\u0001",
          "}q\u0001h\u0001h\u0001s",
          "Nb",
          "Q",
          "\u0095\u0008\0\0\0\0\0\0\0");

  private PickleBytes() {}

  static boolean matches(byte[] bytes) {
    return bytes.length > 2 && bytes[0] == PROTOCOL;
  }

  /** The pickles at the beginning of a file, opcode by opcode, then its rest as if one opcode. */
  static List<byte[]> legacy(byte[] bytes) {
    return opcodes(bytes, LEGACY_PICKLES);
  }

  /** One pickle. */
  static List<byte[]> single(byte[] bytes) {
    return opcodes(bytes, 1);
  }

  private static List<byte[]> opcodes(byte[] bytes, int pickles) {
    List<byte[]> opcodes = new ArrayList<>();
    int at = 0;
    for (int left = pickles; at < bytes.length; ) {
      int length = left == 0 ? bytes.length - at : length(bytes, at);
      opcodes.add(Arrays.copyOfRange(bytes, at, at + length));
      left -= bytes[at] == '.' ? 1 : 0;
      at += length;
    }
    return opcodes;
  }

  /** The length of an opcode with its argument, cut off at the end of the file. */
  private static int length(byte[] bytes, int at) {
    long length =
        switch (bytes[at] & 0xFF) {
          case 'K', 'h', 'q', 0x80 -> 2;
          case 'M' -> 3;
          case 'J', 'r', 'j' -> 5;
          case 'G', 0x95 -> 9;
          case 'U', 'C', 0x8A, 0x8C -> 2 + Numbers.at(bytes, at + 1, 1);
          case 'X', 'T', 'B', 0x8B -> 5 + Numbers.at(bytes, at + 1, 4);
          case 0x8D, 0x8E, 0x96 -> 9 + Math.clamp(Numbers.at(bytes, at + 1, 8), 0, bytes.length);
          case 'I', 'L', 'F', 'V', 'S', 'p', 'g', 'P' -> line(bytes, at) - at;
          case 'c', 'i' -> line(bytes, line(bytes, at)) - at;
          default -> 1;
        };
    return Math.clamp(length, 1, bytes.length - at);
  }

  private static int line(byte[] bytes, int at) {
    int end = at;
    while (end < bytes.length && bytes[end] != '\n') {
      end++;
    }
    return Math.min(end + 1, bytes.length);
  }

  /**
   * @param opcodes changed in place
   * @param others opcodes of another pickle, to take some from
   */
  static byte[] mutate(List<byte[]> opcodes, List<byte[]> others, Dice dice) {
    int at = dice.below(opcodes.size());
    switch (dice.below(14)) {
      case 0, 1, 2 -> opcodes.set(at, argument(opcodes.get(at), dice));
      case 3 -> opcodes.set(at, random(dice));
      case 4 -> opcodes.add(at, random(dice));
      case 5 -> opcodes.set(at, dice.pick(opcodes));
      case 6 -> opcodes.subList(at, Math.min(opcodes.size(), at + dice.few(8))).clear();
      case 7 -> repeat(opcodes, at, dice);
      case 8 -> opcodes.set(at, opcodes.set(dice.below(opcodes.size()), opcodes.get(at)));
      case 9 -> opcodes.addAll(at, value(others, dice.below(others.size())));
      case 10 -> opcodes.set(at, Bytes.mutate(opcodes.get(at), dice));
      case 11 -> replace(opcodes, at, List.of(random(dice)));
      default -> replace(opcodes, at, value(dice.oneIn(2) ? opcodes : others, dice));
    }
    return Bytes.concat(opcodes);
  }

  private static void replace(List<byte[]> opcodes, int last, List<byte[]> by) {
    List<byte[]> value = opcodes.subList(begins(opcodes)[last], last + 1);
    value.clear();
    value.addAll(by);
  }

  private static List<byte[]> value(List<byte[]> opcodes, Dice dice) {
    return value(opcodes, dice.below(opcodes.size()));
  }

  /** The opcodes that make the value which is on top of the stack after one of them. */
  private static List<byte[]> value(List<byte[]> opcodes, int last) {
    return List.copyOf(opcodes.subList(begins(opcodes)[last], last + 1));
  }

  /** For each opcode the first of those that make the value on top of the stack after it. */
  private static int[] begins(List<byte[]> opcodes) {
    int[] begins = new int[opcodes.size()];
    Deque<Integer> stack = new ArrayDeque<>();
    Deque<Integer> marks = new ArrayDeque<>();
    for (int i = 0; i < begins.length; i++) {
      int begin = i;
      switch (opcodes.get(i)[0] & 0xFF) {
        case '(' -> marks.push(stack.size());
        case 'q', 'r', 'p', 0x94, 'Q', 0x85 -> begin = pop(stack, 1, i);
        case 'a', 'R', 'b', 0x81, 0x86, 0x93 -> begin = pop(stack, 2, i);
        case 's', 0x87, 0x92 -> begin = pop(stack, 3, i);
        case 't', 'l', 'd', 0x91 -> begin = pop(stack, aboveMark(stack, marks), i);
        case 'e', 'u', 0x90 -> begin = pop(stack, aboveMark(stack, marks) + 1, i);
        default -> {
          // All others make a value of their own, or next to none.
        }
      }
      stack.push(begin);
      begins[i] = begin;
    }
    return begins;
  }

  /** Values above the last mark, which itself was counted as one. */
  private static int aboveMark(Deque<Integer> stack, Deque<Integer> marks) {
    return marks.isEmpty() ? 0 : Math.max(0, stack.size() - marks.pop());
  }

  private static int pop(Deque<Integer> stack, int count, int otherwise) {
    int begin = otherwise;
    for (int i = 0; i < count && !stack.isEmpty(); i++) {
      begin = stack.pop();
    }
    return begin;
  }

  private static void repeat(List<byte[]> opcodes, int at, Dice dice) {
    List<byte[]> part =
        List.copyOf(opcodes.subList(at, Math.min(opcodes.size(), at + dice.few(16))));
    int times = dice.oneIn(6) ? dice.below(MOST_REPEATS) : dice.few(8);
    for (int i = 0; i < times; i++) {
      opcodes.addAll(at, part);
    }
  }

  /** The same opcode of something else, where that can be said of it. */
  private static byte[] argument(byte[] opcode, Dice dice) {
    return switch (opcode[0] & 0xFF) {
      case 'K', 'M', 'J', 0x8A -> integer(Numbers.instead(value(opcode), dice), dice);
      case 'X', 'U', 0x8C, 'T', 'V', 'S' -> text(dice.pick(Words.PICKLED), dice);
      case 'c', 'i', 0x93 -> name(dice);
      case 'h', 'q' -> new byte[] {opcode[0], (byte) dice.below(1 << dice.below(9))};
      default -> Bytes.mutate(opcode, dice);
    };
  }

  private static long value(byte[] opcode) {
    return opcode[0] == (byte) 0x8A ? Numbers.at(opcode, 2, 8) : Numbers.at(opcode, 1, 4);
  }

  private static byte[] random(Dice dice) {
    return switch (dice.below(10)) {
      case 0, 1, 2 -> new byte[] {(byte) PLAIN.charAt(dice.below(PLAIN.length()))};
      case 3 -> integer(Numbers.extreme(dice), dice);
      case 4 -> text(dice.pick(Words.PICKLED), dice);
      case 5 -> name(dice);
      case 6 -> new byte[] {(byte) (dice.oneIn(3) ? 'q' : 'h'), (byte) dice.below(8)};
      case 7 -> dice.bytes(dice.few(8));
      default -> Bytes.latin1(dice.pick(PHRASES));
    };
  }

  private static byte[] integer(long value, Dice dice) {
    return switch (dice.below(5)) {
      case 0 -> with("J", Numbers.bytes(value, 4));
      case 1 -> Bytes.utf8("I" + value + "\n");
      case 2 -> Bytes.utf8("L" + value + "0".repeat(dice.below(30)) + "L\n");
      default -> with("\u008a\u0008", Numbers.bytes(value, 8));
    };
  }

  private static byte[] text(String word, Dice dice) {
    byte[] utf8 = Bytes.utf8(word.repeat(dice.oneIn(20) ? dice.below(MOST_REPEATS) : 1));
    byte[] shorter = Arrays.copyOf(utf8, Math.min(utf8.length, 255));
    return switch (dice.below(5)) {
      case 0 -> with("U" + (char) shorter.length, shorter);
      case 1 -> Bytes.utf8("V" + word + "\n");
      case 2 -> Bytes.utf8("S'" + word + "'\n");
      case 3 -> with("\u008c" + (char) shorter.length, shorter);
      default -> with("X", Bytes.concat(List.of(Numbers.bytes(utf8.length, 4), utf8)));
    };
  }

  private static byte[] name(Dice dice) {
    String[] parts = dice.pick(Words.PYTHON).split(":");
    return Bytes.latin1(
        dice.oneIn(4)
            ? "X" + size(parts[0]) + parts[0] + "X" + size(parts[1]) + parts[1] + "\u0093"
            : "c" + parts[0] + "\n" + parts[1] + "\n");
  }

  private static String size(String ascii) {
    return (char) ascii.length() + "\0\0\0";
  }

  private static byte[] with(String opcode, byte[] argument) {
    return Bytes.concat(List.of(Bytes.latin1(opcode), argument));
  }
}
