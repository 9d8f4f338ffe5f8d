package lazydit.sampler.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import lazydit.sampler.evaluate.RowResult;
import org.knowm.xchart.XYChart;

/** Quality over the time of a picture, a line for each group of rows, as SVG. */
final class EvaluationCharts {
  private static final int WIDTH = 520;
  private static final int HEIGHT = 420;

  private EvaluationCharts() {}

  static List<String> of(EvaluationReport report) {
    List<RowResult> rows = report.result().rows();
    List<String> charts = new ArrayList<>();
    charts.add(chart("Frechet distance to the data", rows, row -> row.quality().frechet()));
    if (report.result().truth().isPresent()) {
      charts.add(
          chart(
              "Frechet distance to the model's own truth",
              rows,
              row -> row.ownFrechet().orElseThrow()));
      charts.add(chart("Paired error of pixels", rows, row -> row.pairedError().orElseThrow()));
    }
    return charts;
  }

  private static String chart(
      String title, List<RowResult> rows, ToDoubleFunction<RowResult> quality) {
    XYChart chart = Charts.lines(WIDTH, HEIGHT, title, "ms a picture");
    Map<String, List<RowResult>> groups = new LinkedHashMap<>();
    rows.forEach(row -> groups.computeIfAbsent(row.row().group(), g -> new ArrayList<>()).add(row));
    groups.forEach(
        (name, group) -> {
          group.sort(Comparator.comparingDouble(RowResult::milliseconds));
          chart.addSeries(
              name,
              group.stream().mapToDouble(RowResult::milliseconds).toArray(),
              group.stream().mapToDouble(quality).toArray());
        });
    return Charts.svg(chart);
  }
}
