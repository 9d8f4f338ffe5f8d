package lazydit.weights.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Changes to JSON, token by token: numbers become other numbers, names are repeated, brackets go
 * missing. The text is held one char a byte, so that it may be no UTF-8 as well.
 */
final class JsonText {
  private static final Pattern TOKEN =
      Pattern.compile(
          "\"[^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+\"?+|-?[0-9][-+.0-9eE]*+|[a-z]++|\\s++|.",
          Pattern.DOTALL);

  private static final List<String> VALUES =
      List.of("null", "true", "0", "-1", "1.5", "\"\"", "[]", "{}", "[0]", "[1,2]", "{\"a\":0}");

  private static final List<String> STRAY =
      List.of("{ } [ ] , : \" \\ // NaN \u0000 \u00ff \u00ed\u00a0\u0080".split(" "));

  private static final int DEEP = 3000;

  private JsonText() {}

  static String mutate(String text, Dice dice) {
    List<String> tokens = tokens(text);
    if (tokens.isEmpty()) {
      return dice.pick(VALUES);
    }
    int at = dice.below(tokens.size());
    switch (dice.below(14)) {
      case 0, 1, 2 -> number(tokens, at, dice);
      case 3, 4 -> string(tokens, at, dice);
      case 5 -> tokens.set(at, dice.pick(tokens));
      case 6, 7 -> replace(value(tokens, at), List.of(dice.pick(VALUES)));
      case 8 -> replace(value(tokens, at), value(tokens, dice.below(tokens.size())));
      case 9 -> tokens.add(at, dice.pick(STRAY));
      case 10 -> tokens.subList(at, Math.min(tokens.size(), at + dice.few(12))).clear();
      case 11 -> repeat(tokens, at, dice);
      case 12 -> swap(tokens, at, dice.below(tokens.size()));
      default -> nest(tokens, at, dice);
    }
    return String.join("", tokens);
  }

  private static List<String> tokens(String text) {
    List<String> tokens = new ArrayList<>();
    for (Matcher matcher = TOKEN.matcher(text); matcher.find(); ) {
      tokens.add(matcher.group());
    }
    return tokens;
  }

  /** A token, or all from an opening bracket to the one that closes it. */
  private static List<String> value(List<String> tokens, int at) {
    int open = 0;
    int end = at;
    do {
      String token = tokens.get(end++);
      open += "[{".contains(token) ? 1 : "]}".contains(token) ? -1 : 0;
    } while (open > 0 && end < tokens.size());
    return tokens.subList(at, end);
  }

  private static void replace(List<String> part, List<String> by) {
    List<String> copy = List.copyOf(by);
    part.clear();
    part.addAll(copy);
  }

  /** The first token from a place on, round the end, that begins as wanted; else the place. */
  private static int find(List<String> tokens, int at, String beginnings) {
    for (int i = 0; i < tokens.size(); i++) {
      int candidate = (at + i) % tokens.size();
      if (beginnings.indexOf(tokens.get(candidate).charAt(0)) >= 0) {
        return candidate;
      }
    }
    return at;
  }

  private static void number(List<String> tokens, int at, Dice dice) {
    int found = find(tokens, at, "-0123456789");
    tokens.set(found, Numbers.text(tokens.get(found), dice));
  }

  private static void string(List<String> tokens, int at, Dice dice) {
    int found = find(tokens, at, "\"");
    String old = tokens.get(found);
    tokens.set(
        found,
        switch (dice.below(6)) {
          case 0 -> tokens.get(find(tokens, dice.below(tokens.size()), "\""));
          case 1 -> Bytes.latin1(Bytes.mutate(Bytes.latin1(old), dice));
          case 2 -> "\"" + "n".repeat(1 << dice.below(14)) + "\"";
          default -> "\"" + dice.pick(dice.pick(Words.JSON)) + "\"";
        });
  }

  private static void repeat(List<String> tokens, int at, Dice dice) {
    List<String> part = List.copyOf(tokens.subList(at, Math.min(tokens.size(), at + dice.few(20))));
    for (int times = dice.oneIn(8) ? dice.below(300) : 1; times > 0; times--) {
      tokens.addAll(at, part);
    }
  }

  private static void swap(List<String> tokens, int a, int b) {
    tokens.set(a, tokens.set(b, tokens.get(a)));
  }

  private static void nest(List<String> tokens, int at, Dice dice) {
    boolean list = dice.oneIn(2);
    int depth = dice.below(dice.oneIn(4) ? DEEP : 80);
    tokens.set(
        at,
        (list ? "[" : "{\"a\":").repeat(depth)
            + tokens.get(at)
            + (list ? "]" : "}").repeat(dice.oneIn(8) ? dice.below(depth + 1) : depth));
  }
}
