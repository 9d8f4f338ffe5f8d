package lazydit.sampler.cli;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;

/** What all charts of lines have in common. */
final class Charts {
  private Charts() {}

  static XYChart lines(int width, int height, String title, String horizontal) {
    XYChart chart =
        new XYChartBuilder()
            .width(width)
            .height(height)
            .title(title)
            .xAxisTitle(horizontal)
            .build();
    // Lines that fall leave this corner empty; below the chart long lists of them are cut off.
    chart.getStyler().setLegendPosition(LegendPosition.InsideNE);
    chart.getStyler().setLegendLayout(LegendLayout.Vertical);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    // Dashes would make the file five times as large.
    chart.getStyler().setPlotGridLinesStroke(new BasicStroke(0.5f));
    return chart;
  }

  static String svg(XYChart chart) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      VectorGraphicsEncoder.saveVectorGraphic(chart, bytes, VectorGraphicsFormat.SVG);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String svg = bytes.toString(StandardCharsets.UTF_8);
    return svg.substring(svg.indexOf("<svg"));
  }
}
