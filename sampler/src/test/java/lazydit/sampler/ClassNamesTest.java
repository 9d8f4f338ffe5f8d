package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lazydit.engine.LazyDitException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Classes by what people call them. */
class ClassNamesTest {
  private static final ClassNames IMAGENET = ClassNames.imageNet();

  /** Two classes have no other name than this: the bird and the machine. */
  private static final List<Integer> CRANES = List.of(134, 517);

  private static String refusal(Runnable action) {
    String message = assertThrows(LazyDitException.class, action::run).getMessage();
    assertTrue(message.endsWith(".") && !message.contains("\n"), message);
    return message;
  }

  @Test
  void imageNetIsInTheOrderOfItsLabels() {
    assertEquals(1000, IMAGENET.count());
    assertEquals("tench, Tinca tinca", IMAGENET.name(0));
    assertEquals("golden retriever", IMAGENET.name(207));
    assertEquals("toilet tissue, toilet paper, bathroom tissue", IMAGENET.name(999));
    for (int label : CRANES) {
      assertEquals("crane", IMAGENET.name(label));
    }
    // What the official sampling script draws.
    String official =
        "golden retriever, otter, red panda, geyser, macaw, valley, balloon, Arctic fox";
    assertArrayEquals(new int[] {207, 360, 387, 974, 88, 979, 417, 279}, IMAGENET.labels(official));
  }

  @ParameterizedTest
  @CsvSource({
    "golden retriever, 207",
    "  GOLDEN   Retriever ' ', 207",
    "golden_retriever, 207",
    "golden-retriever, 207",
    "Lutra lutra, -1",
    "sea-lion, 150",
    "jack o lantern, 607",
    "JACK-O'-LANTERN, 607",
    "jack-o\u2019-lantern, 607",
    "great white shark, 2",
    "man eating shark, 2",
    "carcharodon carcharias, 2",
    "'tench, tinca tinca', 0",
    "'TENCH ,Tinca   tinca', 0",
    "207, 207",
    " 0 , 0",
    "0999, 999",
    "maillot, 638",
    "'maillot, tank suit', 639",
    "tub, 876",
    "crayfish, 124",
    "missile, 657",
  })
  void casePunctuationAndSynonymsDoNotMatter(String text, int label) {
    if (label < 0) {
      refusal(() -> IMAGENET.label(text));
    } else {
      assertEquals(label, IMAGENET.label(text));
    }
  }

  @Test
  void aNameIsTheSameInEveryLocaleAndForm() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.forLanguageTag("tr"));
      assertEquals(280, IMAGENET.label("GRAY FOX"));
      assertEquals(284, IMAGENET.label("SIAMESE CAT"));
      assertEquals(207, IMAGENET.label("GOLDEN RETRIEVER"));
    } finally {
      Locale.setDefault(before);
    }
    ClassNames names = new ClassNames(2, List.of("Fu\u00dfball", "caf\u00e9"));
    assertEquals(0, names.label("FUSSBALL"));
    assertEquals(1, names.label("cafe\u0301"));
  }

  /** Every part of every name means a class of that name, or is refused for meaning several. */
  @Test
  void everySynonymIsFound() {
    ClassIndex index = new ClassIndex(IMAGENET);
    SortedSet<String> ambiguous = new TreeSet<>();
    for (int label = 0; label < 1000; label++) {
      String name = IMAGENET.name(label);
      if (!CRANES.contains(label)) {
        assertArrayEquals(new int[] {label}, index.labels(name), name);
      }
      for (String part : name.split(", ")) {
        try {
          String[] found = IMAGENET.name(index.label(part)).split(", ");
          assertTrue(Arrays.stream(found).anyMatch(part::equalsIgnoreCase), part);
        } catch (LazyDitException e) {
          assertTrue(e.getMessage().contains(" " + label + " " + name), e.getMessage());
          ambiguous.add(part);
        }
      }
    }
    assertEquals(
        "[Sus scrofa, catamount, crane, crawfish, grass snake, horn, panda, panther, sand viper,"
            + " wagon]",
        ambiguous.toString());
  }

  /** Whole names, one after the other in any order, are found again, commas and all. */
  @Property(tries = 50)
  void aListOfWholeNamesIsReadBack(@ForAll long seed) {
    List<Integer> labels = new ArrayList<>(IntStream.range(0, 1000).boxed().toList());
    labels.removeAll(CRANES);
    Collections.shuffle(labels, new Random(seed));
    String list = labels.stream().map(IMAGENET::name).collect(Collectors.joining(", "));
    assertArrayEquals(labels.stream().mapToInt(i -> i).toArray(), IMAGENET.labels(list));
  }

  @Test
  void aListIsSplitAtItsCommasButNotWithinAWholeName() {
    ClassNames names = new ClassNames(4, List.of("a, b", "b, c", "c", "a/d"));
    assertArrayEquals(new int[] {0}, names.labels("a, b"));
    assertArrayEquals(new int[] {0, 2}, names.labels("A,B,C"));
    assertArrayEquals(new int[] {0, 1}, names.labels("a,b,b,c"));
    assertArrayEquals(new int[] {2, 1}, names.labels("c,b"));
    assertArrayEquals(new int[] {3, 3, 1}, names.labels("d,3,1"));
    assertArrayEquals(new int[] {3}, names.labels("a / d".replace(" ", "")));
    assertEquals(
        "Class \"a\" is 0 a, b as well as 3 a/d; give its number.",
        refusal(() -> names.labels("a,c")));
    for (String list : List.of("", " ", "a, b,", ",c", "c,,c", "c, ,c")) {
      assertTrue(refusal(() -> names.labels(list)).contains("an empty entry"), list);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "golden retreiver | 'the nearest is 207 golden retriever.'",
        "GoldenRetriever  | 'the nearest is 207 golden retriever.'",
        "ottter           | 'the nearest is 360 otter.'",
        "panda bear cub   | '388 panda'",
        "retriever        | '207 golden retriever'",
        "xylophonist quartet | 'numbers from 0 to 999, or names such as \"tench, Tinca tinca\"'",
        "1000             | 'numbers from 0 to 999'",
        "-1               | 'numbers from 0 to 999'",
        "99999999999999999999999999 | 'numbers from 0 to 999'",
        "panda            | '387 lesser panda, red panda, panda, bear cat, cat bear, Ailurus"
            + " fulgens as well as 388 giant panda'",
        "crane            | '134 crane as well as 517 crane; give its number.'",
      })
  void anUnknownNameIsToldTheNearest(String text, String advice) {
    String message = refusal(() -> IMAGENET.labels("otter, " + text));
    assertTrue(message.contains("\"" + text + "\""), message);
    assertTrue(message.contains(advice), message);
    assertTrue(message.length() < 300, message);
  }

  @Test
  void withoutNamesThereAreNumbers() {
    ClassNames numbered = ClassNames.assumed(999);
    assertArrayEquals(new int[] {998, 0}, numbered.labels("998,0"));
    assertEquals("7", numbered.name(7));
    assertEquals(
        "There is no class \"otter\": the classes of this model have no names, but are numbers from"
            + " 0 to 998.",
        refusal(() -> numbered.labels("otter")));
    assertEquals(IMAGENET, ClassNames.assumed(1000));
    ClassNames half = new ClassNames(2, List.of(" ", "-"));
    assertEquals("0", half.name(0));
    refusal(() -> half.label(" "));
    refusal(() -> half.label("_"));
  }

  @Property(tries = 300)
  void anyTextIsAClassOrOneSentence(@ForAll String text) {
    try {
      for (int label : IMAGENET.labels(text)) {
        assertTrue(label >= 0 && label < 1000);
      }
    } catch (LazyDitException e) {
      assertTrue(e.getMessage().endsWith("."), e.getMessage());
    }
  }
}
