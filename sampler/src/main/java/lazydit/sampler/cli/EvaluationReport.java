package lazydit.sampler.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lazydit.engine.Engine;
import lazydit.sampler.LazySummary;
import lazydit.sampler.Pipeline;
import lazydit.sampler.evaluate.Evaluation;
import lazydit.sampler.evaluate.Quality;
import lazydit.sampler.evaluate.RowResult;

/**
 * What an evaluation found, for people and for programs.
 *
 * @param pipeline the model
 * @param judges the classifiers' names
 * @param data the data set
 * @param settings what was drawn for the first seed
 * @param floors what real pictures come to for each judge; empty if there is no test set
 * @param results the rows, for each seed
 */
record EvaluationReport(
    Pipeline pipeline,
    List<String> judges,
    String data,
    Evaluation.Settings settings,
    List<Quality> floors,
    List<Evaluation.Result> results) {

  /**
   * A row.
   *
   * @param seeds what it came to for each seed, at least one
   */
  record Line(List<RowResult> seeds) {
    String name() {
      return seeds.getFirst().row().name();
    }

    String group() {
      return seeds.getFirst().row().group();
    }

    List<OptionalDouble> values(EvaluationColumn column, int judge) {
      return seeds.stream().map(row -> column.of(row, judge)).toList();
    }

    Optional<EvaluationColumn.Spread> spread(EvaluationColumn column, int judge) {
      return EvaluationColumn.Spread.of(values(column, judge));
    }

    /** {@return how much was reused, of all seeds; empty for the truth} */
    Optional<LazySummary> lazy() {
      return seeds.stream()
          .flatMap(row -> row.work().stream())
          .map(RowResult.Work::lazy)
          .reduce(LazySummary::plus);
    }
  }

  /** {@return the rows, without the truth} */
  List<Line> rows() {
    int count = results.getFirst().rows().size();
    return IntStream.range(0, count)
        .mapToObj(i -> new Line(results.stream().map(result -> result.rows().get(i)).toList()))
        .toList();
  }

  /** {@return the model's own many-step samples, if there are any} */
  Optional<Line> truth() {
    List<RowResult> seeds = results.stream().flatMap(result -> result.truth().stream()).toList();
    return seeds.isEmpty() ? Optional.empty() : Optional.of(new Line(seeds));
  }

  /** {@return the drawn rows, the truth first} */
  List<Line> drawn() {
    return Stream.concat(truth().stream(), rows().stream()).toList();
  }

  // ---- for people

  /** What was compared, a sentence each. */
  List<String> about() {
    List<String> about = new ArrayList<>();
    about.add(
        String.format(
            Locale.ROOT,
            "Model %s (%s), guidance %s, %s: %,d pictures of each row, from the same noise.",
            pipeline.name(),
            pipeline.config().describe(),
            settings.guidance(),
            seeds(),
            settings.count()));
    about.add("Judged against %s; FD is the Frechet distance.".formatted(data));
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

  private String seeds() {
    int count = results.size();
    return count == 1
        ? "seed " + settings.seed()
        : "seeds %d to %d (means ± standard deviations of one seed)"
            .formatted(settings.seed(), settings.seed() + count - 1);
  }

  /** The head of a judge's table. */
  List<String> head(int judge) {
    return Stream.concat(
            Stream.of("by classifier " + judges.get(judge)),
            Stream.of(EvaluationColumn.values()).map(EvaluationColumn::title))
        .toList();
  }

  /** The cells of a judge's table, row by row. */
  List<List<String>> cells(int judge) {
    List<List<String>> cells = new ArrayList<>();
    if (!floors.isEmpty()) {
      Quality floor = floors.get(judge);
      cells.add(
          cells(
              "test set, " + floor.count(),
              Stream.of(EvaluationColumn.values())
                  .map(column -> column.cell(List.of(column.of(floor))))));
    }
    for (Line line : drawn()) {
      cells.add(
          cells(
              line.name(),
              Stream.of(EvaluationColumn.values())
                  .map(column -> column.cell(line.values(column, judge)))));
    }
    return cells;
  }

  private static List<String> cells(String name, Stream<String> numbers) {
    return Stream.concat(Stream.of(name), numbers).toList();
  }

  String text() {
    StringBuilder text = new StringBuilder();
    about().forEach(sentence -> text.append(sentence).append('\n'));
    for (int judge = 0; judge < judges.size(); judge++) {
      text.append('\n').append(table(judge));
    }
    return text.toString();
  }

  private String table(int judge) {
    List<List<String>> rows = new ArrayList<>(List.of(head(judge)));
    rows.addAll(cells(judge));
    StringBuilder text = new StringBuilder();
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
    return rows.stream().mapToInt(row -> row.get(column).length()).max().orElseThrow();
  }

  // ---- for programs

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model", pipeline.name());
    json.put("data", data);
    json.put("images", settings.count());
    json.put("guidance", settings.guidance());
    json.put("seed", settings.seed());
    json.put("seeds", results.size());
    json.put("threads", pipeline.threads());
    json.put("engine", Engine.describe());
    json.put(
        "judges",
        IntStream.range(0, judges.size())
            .mapToObj(
                judge -> {
                  Map<String, Object> part = new LinkedHashMap<>();
                  part.put("classifier", judges.get(judge));
                  part.put("floor", floors.isEmpty() ? null : floor(floors.get(judge)));
                  part.put("truth", truth().map(line -> json(line, judge)).orElse(null));
                  part.put("rows", rows().stream().map(line -> json(line, judge)).toList());
                  return part;
                })
            .toList());
    return json;
  }

  private static Map<String, Object> floor(Quality quality) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("images", quality.count());
    for (EvaluationColumn column : EvaluationColumn.values()) {
      column.of(quality).ifPresent(value -> json.put(column.key(), value));
    }
    return json;
  }

  private Map<String, Object> json(Line line, int judge) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", line.name());
    json.put("sampler", line.seeds().getFirst().row().request().method().label());
    json.put("steps", line.seeds().getFirst().row().request().steps());
    line.lazy().ifPresent(lazy -> json.put("lazy_ratio", lazy.ratio()));
    line.seeds().getFirst().work().ifPresent(work -> json.put("multiply_adds_saved", work.saved()));
    Map<String, Object> deviations = new LinkedHashMap<>();
    Map<String, Object> values = new LinkedHashMap<>();
    for (EvaluationColumn column : EvaluationColumn.values()) {
      line.spread(column, judge)
          .ifPresent(
              spread -> {
                json.put(column.key(), spread.mean());
                deviations.put(column.key(), spread.deviation());
                values.put(
                    column.key(),
                    line.values(column, judge).stream().map(OptionalDouble::getAsDouble).toList());
              });
    }
    if (results.size() > 1) {
      json.put("deviations", deviations);
      json.put("by_seed", values);
    }
    return json;
  }
}
