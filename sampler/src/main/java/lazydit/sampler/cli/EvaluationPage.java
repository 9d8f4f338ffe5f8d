package lazydit.sampler.cli;

import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lazydit.dit.Branch;
import lazydit.sampler.ImageGrid;
import lazydit.sampler.LazySummary;
import lazydit.sampler.PixelImage;
import lazydit.sampler.PngWriter;
import lazydit.sampler.evaluate.RowResult;

/**
 * An evaluation as one page that needs no other file: table, charts, pictures, and where each row
 * was lazy.
 *
 * @param report what was found
 */
record EvaluationPage(EvaluationReport report) {
  private static final int COLUMNS = 10;
  private static final int CELL = 14;
  private static final int MARGIN = 24;

  private static final String STYLE =
      """
      body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff;
             max-width: 1100px; margin: 2em auto; padding: 0 1em; }
      table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
      th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #ddd; }
      th:first-child, td:first-child { text-align: left; }
      .side { display: flex; flex-wrap: wrap; gap: 1.2em; }
      figure { margin: 0; } figcaption { font-size: 13px; }
      img { image-rendering: pixelated; } svg { max-width: 100%; height: auto; }
      """;

  String html() {
    StringBuilder page = new StringBuilder();
    String title = "Evaluation of " + escaped(report.pipeline().name());
    page.append("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n")
        .append("<title>%s</title>\n<style>\n%s</style>\n".formatted(title, STYLE))
        .append("<h1>%s</h1>\n".formatted(title));
    report.about().forEach(line -> page.append("<p>").append(escaped(line)).append("</p>\n"));
    for (int judge = 0; judge < report.judges().size(); judge++) {
      page.append(table(judge));
      page.append(
          "<h2>Quality against compute, by classifier %s</h2>\n<div class=\"side\">\n"
              .formatted(escaped(report.judges().get(judge))));
      EvaluationCharts.of(report, judge).forEach(svg -> page.append(svg).append('\n'));
      page.append("</div>\n");
    }
    page.append("<h2>The same noise, sampled in each way</h2>\n<div class=\"side\">\n");
    report.drawn().forEach(row -> page.append(pictures(row)));
    page.append("</div>\n").append(laziness());
    return page.append("</html>\n").toString();
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
  }

  private String table(int judge) {
    String head = row("th", report.head(judge));
    return report.cells(judge).stream()
        .map(cells -> row("td", cells))
        .collect(Collectors.joining("", "<table>\n" + head, "</table>\n"));
  }

  private static String row(String tag, List<String> cells) {
    return cells.stream()
        .map(cell -> "<%s>%s</%s>".formatted(tag, escaped(cell), tag))
        .collect(Collectors.joining("", "<tr>", "</tr>\n"));
  }

  private static String pictures(EvaluationReport.Line line) {
    RowResult row = line.seeds().getFirst();
    PixelImage first = row.shown().getFirst();
    int scale = Math.max(1, 32 / Math.max(first.width(), first.height()));
    PixelImage grid = new ImageGrid(COLUMNS, 1, scale).draw(row.shown());
    byte[] png = PngWriter.encode(grid, Map.of());
    return "<figure><img alt=\"\" src=\"data:image/png;base64,%s\"><figcaption>%s</figcaption></figure>\n"
        .formatted(Base64.getEncoder().encodeToString(png), escaped(row.row().name()));
  }

  // ---- where each row was lazy

  private String laziness() {
    List<EvaluationReport.Line> lazy =
        report.rows().stream().filter(line -> line.lazy().orElseThrow().ratio() > 0).toList();
    if (lazy.isEmpty()) {
      return "";
    }
    return lazy.stream()
        .map(line -> maps(line.name(), line.lazy().orElseThrow()))
        .collect(
            Collectors.joining(
                "",
                "<h2>Where outputs were reused</h2>\n"
                    + "<p>Steps in the order of sampling from left to right, blocks from top to"
                    + " bottom; the darker, the more samples reused.</p>\n",
                ""));
  }

  private static String maps(String name, LazySummary lazy) {
    String figures =
        List.of(Branch.values()).stream()
            .map(
                branch ->
                    "<figure>%s<figcaption>%s, %s: %.1f %%</figcaption></figure>\n"
                        .formatted(
                            map(lazy, branch),
                            escaped(name),
                            branch.label(),
                            100 * lazy.ratio(branch)))
            .collect(Collectors.joining());
    return "<div class=\"side\">\n" + figures + "</div>\n";
  }

  private static String map(LazySummary lazy, Branch branch) {
    int width = lazy.steps() * CELL + MARGIN;
    int height = lazy.depth() * CELL + MARGIN;
    StringBuilder svg = new StringBuilder();
    svg.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-size=\"10\">"
            .formatted(width, height, width, height));
    for (int column = 0; column < lazy.steps(); column++) {
      int step = lazy.steps() - 1 - column;
      for (int block = 0; block < lazy.depth(); block++) {
        double share = lazy.share(step, block, branch);
        svg.append(
            String.format(
                Locale.ROOT,
                "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>step %d,"
                    + " block %d: %.0f %%</title></rect>",
                MARGIN + column * CELL,
                block * CELL,
                CELL - 1,
                CELL - 1,
                colour(share),
                step,
                block,
                100 * share));
      }
    }
    IntStream.range(0, lazy.depth())
        .filter(block -> block % Math.max(1, lazy.depth() / 6) == 0)
        .forEach(block -> label(svg, 2, block * CELL + CELL - 4, Integer.toString(block)));
    IntStream.range(0, lazy.steps())
        .filter(column -> column % Math.max(1, lazy.steps() / 10) == 0)
        .forEach(
            column ->
                label(
                    svg,
                    MARGIN + column * CELL,
                    lazy.depth() * CELL + 12,
                    Integer.toString(lazy.steps() - 1 - column)));
    return svg.append("</svg>").toString();
  }

  private static void label(StringBuilder svg, int x, int y, String text) {
    svg.append("<text x=\"%d\" y=\"%d\">%s</text>".formatted(x, y, text));
  }

  /** From a light grey to a dark blue. */
  private static String colour(double share) {
    return "rgb(%d,%d,%d)"
        .formatted(mixed(0xEE, 0x12, share), mixed(0xEE, 0x3B, share), mixed(0xEE, 0x7A, share));
  }

  private static int mixed(int none, int all, double share) {
    return (int) Math.round(none + (all - none) * share);
  }
}
