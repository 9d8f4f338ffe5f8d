package lazydit.bench;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lazydit.weights.AtomicFile;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The report as pictures. */
final class Charts {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 520;

  private Charts() {}

  /**
   * Writes a roofline and bars.
   *
   * @param rows what was measured
   * @param folder where {@code roofline.svg}, {@code shares.svg} and, with peers, {@code peers.svg}
   *     go; older ones are removed
   * @throws IOException when a file cannot be removed
   */
  static void write(List<Row> rows, Path folder) throws IOException {
    for (String name : List.of("roofline.svg", "shares.svg", "peers.svg")) {
      Files.deleteIfExists(folder.resolve(name));
    }
    int threads = rows.stream().mapToInt(Row::threads).max().orElse(1);
    List<Row> bound =
        rows.stream().filter(row -> row.limit() != null && row.threads() == threads).toList();
    if (!bound.isEmpty()) {
      save(roofline(rows, bound, threads), folder.resolve("roofline.svg"));
      save(shares(bound, threads), folder.resolve("shares.svg"));
    }
    List<Row> compared = bound.stream().filter(row -> !row.ratios().isEmpty()).toList();
    if (!compared.isEmpty()) {
      save(peers(compared, threads), folder.resolve("peers.svg"));
    }
  }

  /** How fast, over operations for each byte of memory, under the roof of both limits. */
  private static XYChart roofline(List<Row> rows, List<Row> bound, int threads) {
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title("Roofline, threads: " + threads)
            .xAxisTitle("floating-point operations for each byte of memory")
            .yAxisTitle("GFLOP/s")
            .build();
    chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
    style(chart.getStyler());
    double compute = ceiling(rows, Limit.COMPUTE, threads);
    double bandwidth = ceiling(rows, Limit.BANDWIDTH, threads);
    double[] x = {0.1, compute / bandwidth, 1000};
    double[] y = {0.1 * bandwidth, compute, compute};
    chart
        .addSeries("limit", x, y)
        .setXYSeriesRenderStyle(XYSeriesRenderStyle.Line)
        .setMarker(SeriesMarkers.NONE)
        .setLineColor(Color.DARK_GRAY);
    Map<String, List<Row>> groups = new LinkedHashMap<>();
    bound.forEach(row -> groups.computeIfAbsent(row.benchmark(), n -> new ArrayList<>()).add(row));
    groups.forEach(
        (name, group) ->
            chart
                .addSeries(
                    name,
                    group.stream().mapToDouble(Row::intensity).toArray(),
                    group.stream().mapToDouble(Row::gflops).toArray())
                .setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter));
    return chart;
  }

  /** The limit at the clock of the works that it binds, or of a machine that does nothing else. */
  private static double ceiling(List<Row> rows, Limit limit, int threads) {
    List<Row> own = rows.stream().filter(row -> row.threads() == threads).toList();
    double[] behind =
        own.stream().filter(row -> row.limit() == limit).mapToDouble(Row::ceiling).toArray();
    return behind.length > 0
        ? Median.of(behind)
        : own.stream()
            .filter(row -> row.benchmark().equals(limit.ceilingName()))
            .mapToDouble(Row::value)
            .findFirst()
            .orElseThrow();
  }

  private static CategoryChart shares(List<Row> rows, int threads) {
    CategoryChart chart = bars("Share of the binding limit, threads: " + threads, "%");
    List<Double> shares = rows.stream().map(row -> 100 * row.share()).toList();
    chart.addSeries("share", labels(rows), shares);
    chart.getStyler().setLegendVisible(false);
    chart.getStyler().setYAxisMin(0.0).setYAxisMax(100.0);
    return chart;
  }

  private static CategoryChart peers(List<Row> rows, int threads) {
    CategoryChart chart = bars("Times as fast as a peer, threads: " + threads, "x");
    rows.stream()
        .flatMap(row -> row.ratios().keySet().stream())
        .distinct()
        .forEach(
            peer ->
                chart.addSeries(
                    peer,
                    labels(rows),
                    rows.stream().map(row -> row.ratios().getOrDefault(peer, 0.0)).toList()));
    chart.getStyler().setYAxisMin(0.0);
    return chart;
  }

  private static CategoryChart bars(String title, String unit) {
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .yAxisTitle(unit)
            .build();
    style(chart.getStyler());
    chart.getStyler().setXAxisLabelRotation(60);
    return chart;
  }

  private static List<String> labels(List<Row> rows) {
    return rows.stream()
        .map(row -> row.benchmark() + " " + row.shape().replaceFirst("^DiT-XL/2, ", ""))
        .toList();
  }

  private static void style(AxesChartStyler styler) {
    // Dashes would make the file five times as large.
    styler.setPlotGridLinesStroke(new BasicStroke(0.5f));
    styler.setLegendPosition(LegendPosition.OutsideE);
    styler.setChartBackgroundColor(Color.WHITE);
  }

  private static void save(Chart<?, ?> chart, Path file) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      VectorGraphicsEncoder.saveVectorGraphic(chart, bytes, VectorGraphicsFormat.SVG);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    AtomicFile.write(file, channel -> channel.write(ByteBuffer.wrap(bytes.toByteArray())));
  }
}
