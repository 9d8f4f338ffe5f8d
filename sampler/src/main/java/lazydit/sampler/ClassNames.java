package lazydit.sampler;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lazydit.engine.LazyDitException;

/**
 * The classes that a model can draw.
 *
 * @param count how many; labels are 0 to {@code count - 1}
 * @param names their names in the order of the labels; empty when they are not known
 */
public record ClassNames(int count, List<String> names) {
  private static final int MAX_LISTED = 20;

  /**
   * Checks that there are as many names as classes, or none.
   *
   * @throws LazyDitException when there are not
   */
  public ClassNames {
    names = List.copyOf(names);
    if (!names.isEmpty() && names.size() != count) {
      throw new LazyDitException(
          "There are %d names for %d classes; expected one each.".formatted(names.size(), count));
    }
  }

  /**
   * {@return the class's name, or its number where names are not known}
   *
   * @param label a class, 0 to {@code count - 1}
   */
  public String name(int label) {
    return names.isEmpty() ? Integer.toString(label) : names.get(label);
  }

  /**
   * Finds a class by its number or name. Case, hyphens and underscores do not matter, and of a name
   * such as "t-shirt/top" or "otter, sea otter" one part is enough.
   *
   * @param text a number or a name
   * @return the label
   * @throws LazyDitException when there is no such class; the message names those that there are
   */
  public int label(String text) {
    String wanted = normalised(text);
    return IntStream.range(0, count)
        .filter(label -> matches(label, wanted))
        .findFirst()
        .orElseThrow(
            () -> new LazyDitException("There is no class \"%s\": %s.".formatted(text, known())));
  }

  private boolean matches(int label, String wanted) {
    if (wanted.equals(Integer.toString(label))) {
      return true;
    }
    if (names.isEmpty()) {
      return false;
    }
    String name = normalised(names.get(label));
    return name.equals(wanted) || List.of(name.split("/|, *")).contains(wanted);
  }

  private static String normalised(String text) {
    return text.strip().toLowerCase(Locale.ROOT).replace('-', ' ').replace('_', ' ');
  }

  private String known() {
    if (names.isEmpty() || count > MAX_LISTED) {
      return "classes are numbers from 0 to " + (count - 1) + (names.isEmpty() ? "" : ", or names");
    }
    return IntStream.range(0, count)
        .mapToObj(label -> label + " " + names.get(label))
        .collect(Collectors.joining(", ", "the classes are ", ""));
  }
}
