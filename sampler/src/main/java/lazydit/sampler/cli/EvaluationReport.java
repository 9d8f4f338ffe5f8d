package lazydit.sampler.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import lazydit.dit.Branch;
import lazydit.engine.Engine;
import lazydit.sampler.Pipeline;
import lazydit.sampler.evaluate.Evaluation;
import lazydit.sampler.evaluate.Judge;
import lazydit.sampler.evaluate.Quality;
import lazydit.sampler.evaluate.RowResult;

/**
 * What an evaluation found, for people and for programs.
 *
 * @param pipeline the model
 * @param judge the classifier
 * @param data the data set
 * @param settings what was drawn
 * @param floor what real pictures come to, if there is a test set
 * @param result the rows
 */
record EvaluationReport(
    Pipeline pipeline,
    Judge judge,
    String data,
    Evaluation.Settings settings,
    Optional<Quality> floor,
    Evaluation.Result result) {

  /** The columns of the table. */
  static final List<String> COLUMNS =
      List.of(
          "",
          "FD",
          "accuracy",
          "precision",
          "recall",
          "IS",
          "attn",
          "mlp",
          "FD own",
          "paired MSE",
          "ms/picture");

  /** The drawn rows, the truth first. */
  List<RowResult> drawn() {
    List<RowResult> all = new ArrayList<>();
    result.truth().ifPresent(all::add);
    all.addAll(result.rows());
    return all;
  }

  // ---- for people

  /** What was compared, a sentence each. */
  List<String> about() {
    List<String> about = new ArrayList<>();
    about.add(
        String.format(
            Locale.ROOT,
            "Model %s (%s), guidance %s, seed %d: %,d pictures of each row, from the same noise.",
            pipeline.name(),
            pipeline.config().describe(),
            settings.guidance(),
            settings.seed(),
            settings.count()));
    about.add(
        "Judged by classifier %s against %s; FD is the Frechet distance."
            .formatted(judge.name(), data));
    settings
        .truthSteps()
        .ifPresent(
            steps ->
                about.add(
                    "FD own and paired MSE (of a range of 2) compare with the model's own DDIM of %d steps."
                        .formatted(steps)));
    about.add(
        "attn and mlp are lazy ratios; times are medians, rows taking turns. %s."
            .formatted(Engine.describe()));
    return about;
  }

  /** The cells of the table, row by row. */
  List<List<String>> cells() {
    List<List<String>> cells = new ArrayList<>();
    floor.ifPresent(
        quality -> {
          List<String> row = new ArrayList<>(List.of("test set, " + quality.count()));
          row.addAll(cells(quality));
          row.addAll(List.of("", "", "", "", ""));
          cells.add(row);
        });
    for (RowResult row : drawn()) {
      List<String> line = new ArrayList<>(List.of(row.row().name()));
      line.addAll(cells(row.quality()));
      line.add(number("%.3f", row.lazy().ratio(Branch.ATTN)));
      line.add(number("%.3f", row.lazy().ratio(Branch.MLP)));
      line.add(number("%.2f", row.ownFrechet()));
      line.add(number("%.5f", row.pairedError()));
      line.add(number("%.2f", row.milliseconds()));
      cells.add(line);
    }
    return cells;
  }

  private static List<String> cells(Quality quality) {
    return List.of(
        number("%.2f", quality.frechet()),
        number("%.3f", quality.accuracy()),
        number("%.3f", quality.precision()),
        number("%.3f", quality.recall()),
        number("%.2f", quality.inceptionScore()));
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  private static String number(String format, OptionalDouble value) {
    return value.isPresent() ? number(format, value.getAsDouble()) : "";
  }

  String text() {
    List<List<String>> rows = new ArrayList<>(List.of(COLUMNS));
    rows.addAll(cells());
    StringBuilder text = new StringBuilder();
    about().forEach(sentence -> text.append(sentence).append('\n'));
    text.append('\n');
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < row.size(); column++) {
        int width = width(rows, column);
        String format = column == 0 ? "%-" + width + "s" : "  %" + width + "s";
        line.append(String.format(Locale.ROOT, format, row.get(column)));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  private static int width(List<List<String>> rows, int column) {
    return Math.max(1, rows.stream().mapToInt(row -> row.get(column).length()).max().orElseThrow());
  }

  // ---- for programs

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model", pipeline.name());
    json.put("classifier", judge.name());
    json.put("data", data);
    json.put("images", settings.count());
    json.put("guidance", settings.guidance());
    json.put("seed", settings.seed());
    json.put("threads", pipeline.threads());
    json.put("engine", Engine.describe());
    json.put("floor", floor.map(EvaluationReport::json).orElse(null));
    json.put("truth", result.truth().map(EvaluationReport::json).orElse(null));
    json.put("rows", result.rows().stream().map(EvaluationReport::json).toList());
    return json;
  }

  private static Map<String, Object> json(Quality quality) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("images", quality.count());
    json.put("frechet_distance", quality.frechet());
    json.put("accuracy", quality.accuracy());
    json.put("precision", quality.precision());
    json.put("recall", quality.recall());
    json.put("inception_score", quality.inceptionScore());
    return json;
  }

  private static Map<String, Object> json(RowResult row) {
    Map<String, Object> ratio = new LinkedHashMap<>();
    ratio.put("attn", row.lazy().ratio(Branch.ATTN));
    ratio.put("mlp", row.lazy().ratio(Branch.MLP));
    ratio.put("overall", row.lazy().ratio());
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", row.row().name());
    json.put("sampler", row.row().request().method().label());
    json.put("steps", row.row().request().steps());
    json.putAll(json(row.quality()));
    json.put("lazy_ratio", ratio);
    json.put("multiply_adds_saved", row.workSaved());
    json.put("own_frechet_distance", value(row.ownFrechet()));
    json.put("paired_mse", value(row.pairedError()));
    json.put("ms_per_image", row.milliseconds());
    return json;
  }

  private static Double value(OptionalDouble value) {
    return value.isPresent() ? value.getAsDouble() : null;
  }
}
