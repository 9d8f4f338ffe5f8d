package lazydit.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import lazydit.weights.AtomicFile;
import lazydit.weights.Json;

/**
 * What a run found, as JSON and as Markdown.
 *
 * @param machine where and of what it was made
 * @param settings how it was measured
 * @param rows the measurements, ceilings first
 * @param summary a number for each bar
 */
record Report(
    Map<String, Object> machine,
    Map<String, Object> settings,
    List<Row> rows,
    List<Summary.Entry> summary) {

  /** The whole report, {@code rows} and {@code summary} among its members. */
  String json() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("machine", machine);
    all.put("settings", settings);
    all.put("rows", rows.stream().map(Report::json).toList());
    all.put("summary", numbers());
    all.put("reasons", reasons());
    return Json.writeIndented(all) + "\n";
  }

  /** Writes {@link #json}; the file is there whole or not at all. */
  void writeJson(Path file) {
    write(file, json());
  }

  /** Writes {@link #markdown}, likewise. */
  void writeMarkdown(Path file) {
    write(file, markdown());
  }

  private static void write(Path file, String text) {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    AtomicFile.write(file, channel -> channel.write(bytes.duplicate()));
  }

  /** One line for the history. */
  String historyLine() {
    Map<String, Object> line = new LinkedHashMap<>(machine);
    line.putAll(settings);
    line.put("summary", numbers());
    return Json.write(line) + "\n";
  }

  /** Bar by bar, null where nothing was measured. */
  private Map<String, Object> numbers() {
    Map<String, Object> numbers = new LinkedHashMap<>();
    summary.forEach(entry -> numbers.put(entry.name(), entry.value()));
    return numbers;
  }

  private Map<String, Object> reasons() {
    Map<String, Object> reasons = new LinkedHashMap<>();
    summary.stream()
        .filter(entry -> entry.reason() != null)
        .forEach(entry -> reasons.put(entry.name(), entry.reason()));
    return reasons;
  }

  private static Map<String, Object> json(Row row) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("benchmark", row.benchmark());
    json.put("shape", row.shape());
    json.put("threads", row.threads());
    json.put("value", row.value());
    json.put("unit", row.unit());
    json.put("limit", row.limit() == null ? null : row.limit().label());
    json.put("share", row.share());
    json.put("ceiling", row.limit() == null ? null : row.ceiling());
    json.put("ratios", row.ratios());
    return json;
  }

  /** The tables that people read. */
  String markdown() {
    StringBuilder text = new StringBuilder("# Measured\n\n");
    machine.forEach((name, value) -> text.append("- %s: %s\n".formatted(name, value)));
    settings.forEach((name, value) -> text.append("- %s: %s\n".formatted(name, value)));
    text.append("\n| bar | asked | measured |\n| --- | --- | --- |\n");
    for (Summary.Entry entry : summary) {
      String value = entry.value() == null ? "(" + entry.reason() + ")" : number(entry.value());
      text.append("| %s | %s | %s |\n".formatted(entry.name(), entry.bar(), value));
    }
    List<String> peers = peers();
    text.append("\n| benchmark | shape | threads | value | unit | share of limit |");
    peers.forEach(peer -> text.append(" x ").append(peer).append(" |"));
    text.append("\n| --- | --- | ---: | ---: | --- | ---: |")
        .append(" ---: |".repeat(peers.size()));
    text.append('\n');
    for (Row row : rows) {
      text.append(line(row, peers));
    }
    return text.toString();
  }

  private List<String> peers() {
    TreeSet<String> peers = new TreeSet<>();
    rows.forEach(row -> peers.addAll(row.ratios().keySet()));
    return new ArrayList<>(peers);
  }

  private static String line(Row row, List<String> peers) {
    String share =
        row.share() == null
            ? ""
            : String.format(Locale.ROOT, "%.1f %% of %s", 100 * row.share(), row.limit().label());
    StringBuilder line =
        new StringBuilder(
            "| %s | %s | %d | %s | %s | %s |"
                .formatted(
                    row.benchmark(),
                    row.shape(),
                    row.threads(),
                    number(row.value()),
                    row.unit(),
                    share));
    for (String peer : peers) {
      Double ratio = row.ratios().get(peer);
      line.append(ratio == null ? " |" : " " + number(ratio) + " |");
    }
    return line.append('\n').toString();
  }

  /** Three digits, and no more than four after the point. */
  private static String number(double value) {
    int digits = value == 0 ? 0 : (int) Math.floor(Math.log10(Math.abs(value)));
    return String.format(Locale.ROOT, "%." + Math.clamp(2 - digits, 0, 4) + "f", value);
  }
}
