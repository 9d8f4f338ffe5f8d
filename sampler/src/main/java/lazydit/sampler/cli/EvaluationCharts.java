package lazydit.sampler.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.XYChart;

/** Quality over the time of a picture, a line for each group of rows, as SVG. */
final class EvaluationCharts {
  private static final int WIDTH = 520;
  private static final int HEIGHT = 420;

  private EvaluationCharts() {}

  /** {@return the charts of what one judge sees} */
  static List<String> of(EvaluationReport report, int judge) {
    List<String> charts = new ArrayList<>();
    charts.add(chart("Frechet distance to the data", report, EvaluationColumn.FRECHET, judge));
    if (report.truth().isPresent()) {
      charts.add(
          chart(
              "Frechet distance to the model's own truth",
              report,
              EvaluationColumn.OWN_FRECHET,
              judge));
      charts.add(chart("Paired error of pixels", report, EvaluationColumn.PAIRED, judge));
    }
    return charts;
  }

  private static String chart(
      String title, EvaluationReport report, EvaluationColumn quality, int judge) {
    XYChart chart = Charts.lines(WIDTH, HEIGHT, title, "ms a picture");
    ToDoubleFunction<EvaluationReport.Line> time = line -> mean(line, EvaluationColumn.TIME, judge);
    Map<String, List<EvaluationReport.Line>> groups = new LinkedHashMap<>();
    for (EvaluationReport.Line line : report.rows()) {
      groups.computeIfAbsent(line.group(), g -> new ArrayList<>()).add(line);
    }
    groups.forEach(
        (name, group) -> {
          group.sort(Comparator.comparingDouble(time));
          chart.addSeries(
              name,
              group.stream().mapToDouble(time).toArray(),
              group.stream().mapToDouble(line -> mean(line, quality, judge)).toArray());
        });
    return Charts.svg(chart);
  }

  private static double mean(EvaluationReport.Line line, EvaluationColumn column, int judge) {
    return line.spread(column, judge).orElseThrow().mean();
  }
}
