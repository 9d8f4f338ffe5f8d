package lazydit.sampler.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import lazydit.sampler.training.LossLog;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * The loss of a training over its steps, as SVG; without the first twentieth, beside which nothing
 * else could be told apart.
 */
final class LossChart {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 500;
  private static final int MOST_POINTS = 400;
  private static final int LEFT_OUT = 20;

  private LossChart() {}

  static String svg(List<LossLog.Point> points) {
    XYChart chart = Charts.lines(WIDTH, HEIGHT, "Loss", "step");
    List<LossLog.Point> shown = points.subList(points.size() / LEFT_OUT, points.size());
    add(chart, "squared error + bound", shown, LossLog.Point::loss);
    add(chart, "squared error", shown, LossLog.Point::mse);
    return Charts.svg(chart);
  }

  /** Many points are drawn as the means of some each. */
  private static void add(
      XYChart chart, String name, List<LossLog.Point> points, ToDoubleFunction<LossLog.Point> of) {
    int each = Math.ceilDiv(points.size(), MOST_POINTS);
    List<Double> steps = new ArrayList<>();
    List<Double> values = new ArrayList<>();
    for (int first = 0; first < points.size(); first += each) {
      List<LossLog.Point> some = points.subList(first, Math.min(points.size(), first + each));
      steps.add((double) some.getLast().step());
      values.add(some.stream().mapToDouble(of).average().orElseThrow());
    }
    chart.addSeries(name, steps, values).setMarker(SeriesMarkers.NONE);
  }
}
