package lazydit.bench.sweep;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.OptionalInt;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What C2 made of a method, read from the hexadecimal dump that {@code -XX:CompileCommand=print}
 * gives where there is no disassembler. Only as much of x86-64 as it takes to see spills.
 */
final class MachineCode {
  /** C2's code for a whole method; what it makes of a running loop (%) is thrown away soon. */
  private static final Pattern COMPILED =
      Pattern.compile(
          "Compiled method \\(c2\\)[ \\d]+4 [^\\[]*?\\[.*?\\[MachCode](.*?)\\[/MachCode]",
          Pattern.DOTALL);

  private static final Pattern LINE =
      Pattern.compile("^ +0x[0-9a-f]+: ([0-9a-f][0-9a-f |]*)$", Pattern.MULTILINE);

  /** A VEX or EVEX prefix. */
  private static final String PREFIX = "(?s:\\x62...|\\xc4..|\\xc5.)";

  private static final Pattern MULTIPLY_ADD = Pattern.compile(PREFIX + "[\\x98\\xa8\\xb8]");

  /** vmovdqu between a register and an address that is the stack pointer and an offset. */
  private static final Pattern STACK =
      Pattern.compile(
          PREFIX
              + "[\\x6f\\x7f][\\x04\\x0c\\x14\\x1c\\x24\\x2c\\x34\\x3c\\x44\\x4c\\x54\\x5c\\x64\\x6c"
              + "\\x74\\x7c\\x84\\x8c\\x94\\x9c\\xa4\\xac\\xb4\\xbc]\\x24");

  private MachineCode() {}

  /**
   * Counts the vectors that go to the stack or come from it amid the multiply-adds: all copies of
   * the loop together, of which there are three or four.
   *
   * @param output of a JVM that printed a method as it compiled it
   * @return how many, in the last code for the method; empty when there is none
   */
  static OptionalInt spills(String output) {
    Matcher compiled = COMPILED.matcher(output);
    String code = null;
    while (compiled.find()) {
      code = bytes(compiled.group(1));
    }
    if (code == null) {
      return OptionalInt.empty();
    }
    int[] loops = MULTIPLY_ADD.matcher(code).results().mapToInt(MatchResult::start).toArray();
    if (loops.length == 0) {
      return OptionalInt.empty();
    }
    // Before and behind them are exits, where everything is stored.
    Matcher stack = STACK.matcher(code).region(loops[0], loops[loops.length - 1]);
    return OptionalInt.of((int) stack.results().count());
  }

  /** One char a byte, so that patterns can be searched for. */
  private static String bytes(String dump) {
    StringBuilder hex = new StringBuilder();
    LINE.matcher(dump).results().forEach(line -> hex.append(line.group(1).replaceAll("[ |]", "")));
    return new String(HexFormat.of().parseHex(hex), StandardCharsets.ISO_8859_1);
  }
}
