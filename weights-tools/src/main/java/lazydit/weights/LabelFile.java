package lazydit.weights;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Names of a model's classes in a file of their own, UTF-8: a name on each line in the order of the
 * labels; a JSON array of names; or a JSON object from label to name, alone or as the member {@code
 * id2label} of a larger one. What begins with a bracket is JSON.
 */
public final class LabelFile {
  private static final int MAX_BYTES = 16 << 20;
  private static final int MAX_NAME_LENGTH = 1000;
  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

  private final String source;
  private final int count;

  private LabelFile(String source, int count) {
    this.source = source;
    this.count = count;
  }

  /**
   * Reads the names.
   *
   * @param file a file of at most 16 MiB
   * @param count how many classes the model has
   * @return a name for each, in the order of the labels
   * @throws CheckpointException when the file cannot be read, or names more or fewer classes, or a
   *     name is empty, longer than 1000 characters or holds control characters
   */
  public static List<String> read(Path file, int count) {
    return new LabelFile(file.toString(), count).names(bytes(file));
  }

  private static ByteBuffer bytes(Path file) {
    if (Files.isDirectory(file)) {
      throw new CheckpointException(
          file.toString(), "is a folder; expected a file with names of classes");
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new CheckpointException(
            file.toString(), "has more than the %d bytes that names take".formatted(MAX_BYTES));
      }
      int mark = BYTE_ORDER_MARK.length;
      boolean marked =
          bytes.length >= mark && Arrays.equals(bytes, 0, mark, BYTE_ORDER_MARK, 0, mark);
      int start = marked ? mark : 0;
      return ByteBuffer.wrap(bytes, start, bytes.length - start);
    } catch (NoSuchFileException e) {
      throw new CheckpointException(file.toString(), "does not exist", e);
    } catch (IOException e) {
      throw new CheckpointException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private List<String> names(ByteBuffer bytes) {
    String text = decode(bytes);
    String start = text.stripLeading();
    List<String> names =
        start.startsWith("{") || start.startsWith("[")
            ? json(Json.parse(text, source))
            : lines(text);
    for (int label = 0; label < count; label++) {
      requireName(names.get(label), label);
    }
    return names;
  }

  private String decode(ByteBuffer bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new CheckpointException(source, "holds text that is not UTF-8", e);
    }
  }

  private List<String> lines(String text) {
    return requireCount(text.stripTrailing().lines().map(String::strip).toList());
  }

  private List<String> json(Object value) {
    return switch (value) {
      case List<?> list -> requireCount(list).stream().map(this::requireText).toList();
      case Map<?, ?> map when map.get("id2label") instanceof Map<?, ?> labels -> byLabel(labels);
      case Map<?, ?> map -> byLabel(map);
      default -> throw new AssertionError("Text that begins with a bracket is a list or a map");
    };
  }

  private List<String> byLabel(Map<?, ?> names) {
    List<String> ordered = new ArrayList<>();
    for (int label = 0; label < count; label++) {
      String key = Integer.toString(label);
      if (!names.containsKey(key)) {
        throw new CheckpointException(
            source, "has no name for class %d of %d".formatted(label, count));
      }
      ordered.add(requireText(names.get(key)));
    }
    requireCount(List.copyOf(names.keySet()));
    return ordered;
  }

  private <T> List<T> requireCount(List<T> names) {
    if (names.size() != count) {
      throw new CheckpointException(
          source,
          "has %d names; expected %d, one for each class of the model"
              .formatted(names.size(), count));
    }
    return names;
  }

  private String requireText(Object name) {
    if (name instanceof String text) {
      return text.strip();
    }
    throw new CheckpointException(
        source, "has %s where a name is expected".formatted(shortened(Json.write(name))));
  }

  private void requireName(String name, int label) {
    if (name.isEmpty()) {
      throw new CheckpointException(
          source, "its name for class %d of %d is empty".formatted(label, count));
    }
    if (name.length() > MAX_NAME_LENGTH || !Printable.of(name).equals(name)) {
      throw new CheckpointException(
          source,
          "its name for class %d of %d is no name: '%s'".formatted(label, count, shortened(name)));
    }
  }

  private static String shortened(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "...";
  }
}
