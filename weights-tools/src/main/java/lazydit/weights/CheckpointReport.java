package lazydit.weights;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** What is in a checkpoint, for people ({@link #text}) and programs ({@link #json}). */
public final class CheckpointReport {
  /** Lists longer than this are abbreviated in the text. */
  private static final int MAX_ITEMS = 8;

  private static final int MAX_VALUE = 100;

  private static final int NUMBER_WIDTH = 12;

  private final List<Checkpoint> parts;
  private final Checkpoint checkpoint;
  private final List<StoredTensor> tensors;
  private final String architecture;
  private final Optional<MemoryNeeds> memory;
  private final Map<String, TensorStatistics> statistics;

  private CheckpointReport(
      List<Checkpoint> parts,
      String architecture,
      Optional<MemoryNeeds> memory,
      Map<String, TensorStatistics> statistics) {
    this.parts = parts;
    this.checkpoint = parts.getFirst();
    this.tensors = parts.stream().flatMap(part -> part.tensors().values().stream()).toList();
    this.architecture = architecture;
    this.memory = memory;
    this.statistics = statistics;
  }

  /**
   * {@return a report of it}
   *
   * @param checkpoint an open checkpoint; reported as long as it is open
   * @param architecture one line about the network its shapes belong to; empty to say nothing
   */
  public static CheckpointReport of(Checkpoint checkpoint, String architecture) {
    return new CheckpointReport(List.of(checkpoint), architecture, Optional.empty(), Map.of());
  }

  /**
   * {@return a report of a model}
   *
   * @param model the open model; reported as long as it is open
   * @param architecture one line about the network; empty to say nothing
   * @param values whether to read all numbers for statistics, one small piece at a time
   * @param progress told how many numbers have been read
   * @throws CheckpointException when the numbers cannot be read
   */
  public static CheckpointReport of(
      ModelFile model, String architecture, boolean values, Progress progress) {
    return new CheckpointReport(
        model.checkpoints(),
        architecture,
        MemoryNeeds.of(model),
        values ? statistics(model.tensors(), progress) : Map.of());
  }

  private static Map<String, TensorStatistics> statistics(
      Map<String, StoredTensor> tensors, Progress progress) {
    long total = tensors.values().stream().mapToLong(StoredTensor::size).sum();
    Map<String, TensorStatistics> statistics = new HashMap<>();
    long done = 0;
    for (StoredTensor tensor : tensors.values()) {
      long before = done;
      statistics.put(
          tensor.name(),
          TensorStatistics.of(tensor, (n, size) -> progress.onProgress(before + n, total)));
      done += tensor.size();
    }
    return statistics;
  }

  /** {@return the number of elements in the section's tensors} */
  public long parameters() {
    return tensors.stream().mapToLong(StoredTensor::size).sum();
  }

  /** {@return the bytes of the section's tensors} */
  public long bytes() {
    return tensors.stream().mapToLong(StoredTensor::storedBytes).sum();
  }

  /** {@return lines of text, the last one ended too} */
  public String text() {
    StringBuilder text = new StringBuilder();
    for (Checkpoint part : parts) {
      line(text, "file", part.describe());
    }
    line(text, "container", checkpoint.container().title());
    if (!checkpoint.section().isEmpty() || !checkpoint.sections().isEmpty()) {
      line(text, "section", section());
    }
    if (!architecture.isEmpty()) {
      line(text, "architecture", architecture);
    }
    line(text, "tensors", totals());
    memory.ifPresent(needs -> line(text, "memory", needs.text()));
    notFinite().ifPresent(names -> line(text, "NOT FINITE", names));
    checkpoint.metadata().forEach((key, value) -> line(text, key, abbreviated(value)));
    flat("", checkpoint.values(), new LinkedHashMap<>())
        .forEach((key, value) -> line(text, key, value));
    text.append('\n');
    table(text);
    return text.toString();
  }

  private void table(StringBuilder text) {
    int width = tensors.stream().mapToInt(tensor -> tensor.name().length()).max().orElse(0);
    int nameWidth = Math.min(width, MAX_VALUE);
    int shapeWidth = tensors.stream().mapToInt(tensor -> shape(tensor).length()).max().orElse(0);
    if (!statistics.isEmpty()) {
      text.append(" ".repeat(nameWidth + shapeWidth + "        ".length()));
      for (String column : List.of("min", "max", "mean", "std")) {
        text.append(" ".repeat(NUMBER_WIDTH - column.length())).append(column);
      }
      text.append('\n');
    }
    for (StoredTensor tensor : tensors) {
      TensorStatistics values = statistics.get(tensor.name());
      text.append(pad(Printable.of(tensor.name()), nameWidth))
          .append("  ")
          .append(pad(tensor.storedType(), 4))
          .append("  ")
          .append(values == null ? shape(tensor) : pad(shape(tensor), shapeWidth) + line(values))
          .append('\n');
    }
  }

  private static String line(TensorStatistics values) {
    StringBuilder line = new StringBuilder();
    for (double value :
        new double[] {values.min(), values.max(), values.mean(), values.deviation()}) {
      line.append(String.format(Locale.ROOT, "%" + NUMBER_WIDTH + ".4g", value));
    }
    return values.finite() ? line.toString() : line + "  " + bad(values);
  }

  private static String bad(TensorStatistics values) {
    return values.nans() + " NaN, " + values.infinities() + " infinite";
  }

  /** The tensors that hold what is not a finite number. */
  private Optional<String> notFinite() {
    List<String> bad = new ArrayList<>();
    for (StoredTensor tensor : tensors) {
      TensorStatistics values = statistics.get(tensor.name());
      if (values != null && !values.finite()) {
        bad.add(tensor.name() + " (" + bad(values) + ")");
      }
    }
    if (bad.size() > MAX_ITEMS) {
      return Optional.of(
          String.join(", ", bad.subList(0, MAX_ITEMS)) + " ... " + bad.size() + " tensors in all");
    }
    return bad.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", bad));
  }

  private String section() {
    String chosen = checkpoint.section().isEmpty() ? "everything" : checkpoint.section();
    return checkpoint.sections().isEmpty()
        ? chosen
        : chosen + " (of " + String.join(", ", checkpoint.sections()) + ")";
  }

  private String totals() {
    Map<String, Long> types =
        tensors.stream()
            .collect(
                Collectors.groupingBy(
                    StoredTensor::storedType, TreeMap::new, Collectors.counting()));
    return String.format(
        Locale.ROOT,
        "%d %s: %,d parameters, %,d bytes",
        tensors.size(),
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
    json.put("file_bytes", parts.stream().mapToLong(Checkpoint::fileBytes).sum());
    json.put("section", checkpoint.section());
    json.put("sections", checkpoint.sections());
    if (!architecture.isEmpty()) {
      json.put("architecture", architecture);
    }
    json.put("parameters", parameters());
    json.put("bytes", bytes());
    memory.ifPresent(needs -> json.put("memory", needs.json()));
    List<Object> described = new ArrayList<>();
    for (StoredTensor tensor : tensors) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("name", tensor.name());
      entry.put("dtype", tensor.storedType());
      entry.put("shape", tensor.shape());
      TensorStatistics values = statistics.get(tensor.name());
      if (values != null) {
        entry.put("values", values.json());
      }
      described.add(entry);
    }
    json.put("tensors", described);
    json.put("metadata", checkpoint.metadata());
    json.put("values", checkpoint.values());
    return json;
  }
}
