package lazydit.sampler;

import java.text.Normalizer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lazydit.engine.LazyDitException;

/** Finds classes by what people call them; {@link ClassNames} says by which rules. */
final class ClassIndex {
  /** So few classes are all listed when one is not found. */
  private static final int MAX_LISTED = 20;

  private static final int MAX_SUGGESTED = 3;

  /** Longer names are not compared letter by letter. */
  private static final int MAX_COMPARED = 100;

  private static final String COMMA = ", ";
  private static final Pattern PARTS = Pattern.compile("\\s*[,/]\\s*");
  private static final Pattern APOSTROPHE = Pattern.compile("['\u2019]");
  private static final Pattern SPACE = Pattern.compile("[-_\\s]+");
  private static final Pattern SPACED_COMMA = Pattern.compile(" ?, ?");

  private final ClassNames classes;
  private final Map<String, SortedSet<Integer>> whole = new HashMap<>();
  private final Map<String, SortedSet<Integer>> first = new HashMap<>();
  private final Map<String, SortedSet<Integer>> any = new HashMap<>();
  private int mostPieces = 1;

  ClassIndex(ClassNames classes) {
    this.classes = classes;
    for (int label = 0; label < classes.names().size(); label++) {
      String name = classes.names().get(label);
      String[] parts = PARTS.split(name);
      add(whole, normalised(name), label);
      for (int i = 0; i < parts.length; i++) {
        add(i == 0 ? first : any, normalised(parts[i]), label);
      }
      mostPieces = Math.max(mostPieces, pieces(name).length);
    }
  }

  private static void add(Map<String, SortedSet<Integer>> index, String name, int label) {
    if (!name.isEmpty()) {
      index.computeIfAbsent(name, key -> new TreeSet<>()).add(label);
    }
  }

  private static String normalised(String text) {
    String folded =
        Normalizer.normalize(text, Normalizer.Form.NFKC)
            .toUpperCase(Locale.ROOT)
            .toLowerCase(Locale.ROOT);
    String words = SPACE.matcher(APOSTROPHE.matcher(folded).replaceAll("")).replaceAll(" ");
    return SPACED_COMMA.matcher(words).replaceAll(COMMA).strip();
  }

  private static String[] pieces(String list) {
    return list.split(",", -1);
  }

  int[] labels(String list) {
    String[] pieces = pieces(list);
    IntStream.Builder labels = IntStream.builder();
    for (int i = 0; i < pieces.length; ) {
      int end = Math.min(pieces.length, i + mostPieces);
      while (end > i + 1 && !whole.containsKey(normalised(joined(pieces, i, end)))) {
        end--;
      }
      if (pieces[i].isBlank()) {
        throw new LazyDitException(
            "The list of classes \"%s\" has an empty entry.".formatted(list));
      }
      labels.add(label(joined(pieces, i, end)));
      i = end;
    }
    return labels.build().toArray();
  }

  private static String joined(String[] pieces, int from, int to) {
    return String.join(",", Arrays.asList(pieces).subList(from, to)).strip();
  }

  int label(String text) {
    if (text.strip().matches("\\d+")) {
      return number(text.strip());
    }
    String wanted = normalised(text);
    return Stream.of(whole, first, any)
        .map(index -> index.get(wanted))
        .filter(labels -> labels != null)
        .findFirst()
        .map(labels -> only(text, labels))
        .orElseThrow(() -> unknown(text, advice(wanted)));
  }

  private int number(String digits) {
    String label = digits.replaceFirst("^0+(?=.)", "");
    int most = Integer.toString(classes.count()).length();
    if (label.length() > most || Long.parseLong(label) >= classes.count()) {
      throw unknown(digits, known());
    }
    return Integer.parseInt(label);
  }

  private int only(String text, SortedSet<Integer> labels) {
    if (labels.size() > 1) {
      throw new LazyDitException(
          "Class \"%s\" is %s; give its number."
              .formatted(
                  text,
                  labels.stream().map(this::numbered).collect(Collectors.joining(" as well as "))));
    }
    return labels.getFirst();
  }

  private static LazyDitException unknown(String text, String advice) {
    return new LazyDitException("There is no class \"%s\"%s.".formatted(text, advice));
  }

  private String numbered(int label) {
    return label + " " + classes.name(label);
  }

  private String advice(String wanted) {
    if (classes.names().isEmpty() || classes.count() <= MAX_LISTED) {
      return known();
    }
    List<String> near = near(wanted);
    return near.isEmpty()
        ? known()
        : "; the nearest %s %s"
            .formatted(near.size() == 1 ? "is" : "are", String.join(COMMA, near));
  }

  private String known() {
    if (classes.names().isEmpty()) {
      return ": the classes of this model have no names, but are numbers from 0 to "
          + (classes.count() - 1);
    }
    return classes.count() > MAX_LISTED
        ? ": classes are numbers from 0 to %d, or names such as \"%s\""
            .formatted(classes.count() - 1, classes.name(0))
        : IntStream.range(0, classes.count())
            .mapToObj(this::numbered)
            .collect(Collectors.joining(COMMA, ": the classes are ", ""));
  }

  // ---- suggestions

  /** A part of a class's name, and how far it is from what was asked for. */
  private record Near(int label, String part, int distance) {
    String text() {
      return label + " " + part;
    }
  }

  /** The nearest parts of names, one of a class. */
  private List<String> near(String wanted) {
    Map<Integer, Near> nearest = new TreeMap<>();
    Comparator<Near> order =
        Comparator.comparingInt(Near::distance).thenComparingInt(near -> near.part().length());
    for (int label = 0; label < classes.count(); label++) {
      for (String part : PARTS.split(classes.names().get(label))) {
        near(wanted, label, part)
            .ifPresent(
                near ->
                    nearest.merge(near.label(), near, (a, b) -> order.compare(a, b) <= 0 ? a : b));
      }
    }
    return nearest.values().stream().sorted(order).limit(MAX_SUGGESTED).map(Near::text).toList();
  }

  /** Names that share the words come before misspelt ones: a third of the letters may be wrong. */
  private static Optional<Near> near(String wanted, int label, String part) {
    String name = normalised(part);
    int most = Math.max(1, wanted.length() / 3);
    if (holds(name, wanted) || holds(wanted, name)) {
      return Optional.of(new Near(label, part, 0));
    }
    boolean longer = wanted.length() > MAX_COMPARED;
    if (longer || Math.abs(name.length() - wanted.length()) > most) {
      return Optional.empty();
    }
    int distance = distance(name, wanted);
    return distance <= most ? Optional.of(new Near(label, part, distance)) : Optional.empty();
  }

  private static boolean holds(String text, String words) {
    return !words.isEmpty() && (" " + text + " ").contains(" " + words + " ");
  }

  /** How many letters to insert, delete, replace or swap with their neighbour to get b from a. */
  private static int distance(String a, String b) {
    int[][] cost = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        cost[i][j] = i == 0 || j == 0 ? i + j : step(a, b, cost, i, j);
      }
    }
    return cost[a.length()][b.length()];
  }

  private static int step(String a, String b, int[][] cost, int i, int j) {
    int replaced = cost[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
    int best = Math.min(replaced, 1 + Math.min(cost[i - 1][j], cost[i][j - 1]));
    boolean swapped =
        i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
    return swapped ? Math.min(best, cost[i - 2][j - 2] + 1) : best;
  }
}
