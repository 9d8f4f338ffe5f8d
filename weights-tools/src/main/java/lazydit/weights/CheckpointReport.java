package lazydit.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** What is in a checkpoint, for people ({@link #text}) and programs ({@link #json}). */
public final class CheckpointReport {
  /** Lists longer than this are abbreviated in the text. */
  private static final int MAX_ITEMS = 8;

  private static final int MAX_VALUE = 100;

  private final Checkpoint checkpoint;
  private final String architecture;

  private CheckpointReport(Checkpoint checkpoint, String architecture) {
    this.checkpoint = checkpoint;
    this.architecture = architecture;
  }

  /**
   * {@return a report of it}
   *
   * @param checkpoint an open checkpoint; reported as long as it is open
   * @param architecture one line about the network its shapes belong to; empty to say nothing
   */
  public static CheckpointReport of(Checkpoint checkpoint, String architecture) {
    return new CheckpointReport(checkpoint, architecture);
  }

  /** {@return the number of elements in the section's tensors} */
  public long parameters() {
    return checkpoint.tensors().values().stream().mapToLong(StoredTensor::size).sum();
  }

  /** {@return the bytes of the section's tensors} */
  public long bytes() {
    return checkpoint.tensors().values().stream().mapToLong(StoredTensor::byteSize).sum();
  }

  /** {@return lines of text, the last one ended too} */
  public String text() {
    StringBuilder text = new StringBuilder();
    line(text, "file", checkpoint.describe());
    line(text, "container", checkpoint.container().title());
    if (!checkpoint.section().isEmpty() || !checkpoint.sections().isEmpty()) {
      line(text, "section", section());
    }
    if (!architecture.isEmpty()) {
      line(text, "architecture", architecture);
    }
    line(text, "tensors", totals());
    checkpoint.metadata().forEach((key, value) -> line(text, key, abbreviated(value)));
    flat("", checkpoint.values(), new LinkedHashMap<>())
        .forEach((key, value) -> line(text, key, value));
    text.append('\n');
    int width = checkpoint.names().stream().mapToInt(String::length).max().orElse(0);
    for (StoredTensor tensor : checkpoint.tensors().values()) {
      text.append(pad(Printable.of(tensor.name()), Math.min(width, MAX_VALUE)))
          .append("  ")
          .append(pad(tensor.dtype().name(), 4))
          .append("  ")
          .append(shape(tensor))
          .append('\n');
    }
    return text.toString();
  }

  private String section() {
    String chosen = checkpoint.section().isEmpty() ? "everything" : checkpoint.section();
    return checkpoint.sections().isEmpty()
        ? chosen
        : chosen + " (of " + String.join(", ", checkpoint.sections()) + ")";
  }

  private String totals() {
    Map<DType, Long> types =
        checkpoint.tensors().values().stream()
            .collect(
                Collectors.groupingBy(StoredTensor::dtype, TreeMap::new, Collectors.counting()));
    return String.format(
        Locale.ROOT,
        "%d %s: %,d parameters, %,d bytes",
        checkpoint.tensors().size(),
        types.keySet(),
        parameters(),
        bytes());
  }

  private static String shape(StoredTensor tensor) {
    return LongStream.of(tensor.shape())
        .mapToObj(Long::toString)
        .collect(Collectors.joining(" x ", "[", "]"));
  }

  private static void line(StringBuilder text, String key, String value) {
    text.append(pad(Printable.of(key), 14)).append(Printable.of(value)).append('\n');
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(Math.max(1, width - text.length()));
  }

  private static Map<String, String> flat(String path, Map<?, ?> values, Map<String, String> into) {
    values.forEach(
        (key, value) -> {
          String name = path.isEmpty() ? (String) key : path + "." + key;
          if (value instanceof Map<?, ?> nested) {
            flat(name, nested, into);
          } else {
            into.put(name, value(value));
          }
        });
    return into;
  }

  private static String value(Object value) {
    if (value instanceof List<?> items && items.size() > MAX_ITEMS) {
      return abbreviated(Json.write(items.subList(0, MAX_ITEMS)))
          + " ... "
          + items.size()
          + " in all";
    }
    return abbreviated(value instanceof String text ? text : Json.write(value));
  }

  private static String abbreviated(String text) {
    return text.length() <= MAX_VALUE ? text : text.substring(0, MAX_VALUE) + "...";
  }

  /** {@return the same as an object for {@link Json#write}} */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("file", checkpoint.describe());
    json.put("container", checkpoint.container().title());
    json.put("file_bytes", checkpoint.fileBytes());
    json.put("section", checkpoint.section());
    json.put("sections", checkpoint.sections());
    if (!architecture.isEmpty()) {
      json.put("architecture", architecture);
    }
    json.put("parameters", parameters());
    json.put("bytes", bytes());
    List<Object> tensors = new ArrayList<>();
    for (StoredTensor tensor : checkpoint.tensors().values()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("name", tensor.name());
      entry.put("dtype", tensor.dtype().name());
      entry.put("shape", tensor.shape());
      tensors.add(entry);
    }
    json.put("tensors", tensors);
    json.put("metadata", checkpoint.metadata());
    json.put("values", checkpoint.values());
    return json;
  }
}
