package lazydit.weights;

/** Text from a file, made safe to print: names in a hostile file may hold terminal commands. */
final class Printable {
  private Printable() {}

  /** Replaces control characters by their code. */
  static String of(String text) {
    if (text.chars().noneMatch(Character::isISOControl)) {
      return text;
    }
    StringBuilder result = new StringBuilder();
    text.chars()
        .forEach(
            c -> {
              if (Character.isISOControl(c)) {
                result.append("\\u%04x".formatted(c));
              } else {
                result.append((char) c);
              }
            });
    return result.toString();
  }
}
