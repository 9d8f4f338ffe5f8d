package lazydit.sampler;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import lazydit.engine.LazyDitException;

/**
 * The classes that a model can draw.
 *
 * @param count how many; labels are 0 to {@code count - 1}
 * @param names their names in the order of the labels, each perhaps of several synonyms separated
 *     by commas; empty when they are not known
 */
public record ClassNames(int count, List<String> names) {
  private static final int IMAGENET_CLASSES = 1000;

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

  private static final class ImageNet {
    static final ClassNames CLASSES = new ClassNames(IMAGENET_CLASSES, read());

    private static List<String> read() {
      try (InputStream in = ClassNames.class.getResourceAsStream("imagenet/class-names.txt")) {
        if (in == null) {
          throw new LazyDitException("ImageNet's class names are missing from this lazydit's jar.");
        }
        return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** {@return the 1000 classes of ImageNet (ILSVRC 2012), which most published models draw} */
  public static ClassNames imageNet() {
    return ImageNet.CLASSES;
  }

  /**
   * What a model's classes are called if nothing says so: as ImageNet's, if they are as many.
   *
   * @param count how many classes there are
   * @return ImageNet's classes, or so many without names
   */
  static ClassNames assumed(int count) {
    return count == IMAGENET_CLASSES ? imageNet() : new ClassNames(count, List.of());
  }

  /**
   * {@return the class's name, or its number where it has none}
   *
   * @param label a class, 0 to {@code count - 1}
   */
  public String name(int label) {
    return names.isEmpty() || names.get(label).isBlank()
        ? Integer.toString(label)
        : names.get(label);
  }

  /**
   * Finds a class by its number or name. Case, hyphens, underscores and apostrophes do not matter,
   * and of a name such as "t-shirt/top" or "otter, sea otter" one part is enough. What is the whole
   * name of a class means that one; else what is the first part of a name; else what is any part.
   *
   * @param text a number or a name
   * @return the label
   * @throws LazyDitException when there is no such class, or more than one; the message names those
   *     that come near
   */
  public int label(String text) {
    return new ClassIndex(this).label(text);
  }

  /**
   * Finds the classes of a list such as {@code "golden retriever, otter, 88"}. It is split at its
   * commas; but pieces in a row that make up the whole name of a class, as {@code "tench, Tinca
   * tinca"} does, mean that class, once.
   *
   * @param list numbers and names, see {@link #label}
   * @return the labels in the list's order
   * @throws LazyDitException when one of them is empty, or there is no such class, or more than one
   */
  public int[] labels(String list) {
    return new ClassIndex(this).labels(list);
  }
}
