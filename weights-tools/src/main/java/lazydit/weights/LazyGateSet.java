package lazydit.weights;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Gates of one model and one schedule at several operating points, from little to much laziness.
 *
 * <p>As a file: a safetensors file of {@code gates.attn} and {@code gates.mlp}, {@code [P, S, L,
 * D]}, with the points' lazy ratios as {@code lazy_ratios} in its metadata, {@code [[attn, mlp],
 * ...]}, beside what a {@link LazyGateFile} of one point says. A file of one point, of ours or the
 * authors', is a set of one.
 *
 * @param source where the gates come from, for messages
 * @param points the points, least lazy first; at least one
 */
public record LazyGateSet(String source, List<Point> points) {
  static final String RATIOS = "lazy_ratios";

  /** What is taken of a file of several points when nobody says which. */
  private static final double USUAL = 0.5;

  /** A stated ratio is as good as one that is asked for when it is as close as this. */
  private static final double CLOSE = 0.02;

  /**
   * Shares of outputs that are reused.
   *
   * @param attn of attention
   * @param mlp of the MLP
   */
  public record Ratio(double attn, double mlp) {
    /** {@return both together} */
    public double mean() {
      return (attn + mlp) / 2;
    }
  }

  /**
   * An operating point.
   *
   * @param ratio how lazy it is; null where a file of one point does not say so
   * @param gates its gates
   */
  public record Point(Ratio ratio, LazyGateFile gates) {}

  /**
   * Sorts the points.
   *
   * @throws CheckpointException when there is none, or one of several has no ratio or is for other
   *     steps, blocks or features
   */
  public LazyGateSet {
    if (points.isEmpty()) {
      throw new CheckpointException(source, "holds no gates");
    }
    LazyGateFile first = points.getFirst().gates;
    for (Point point : points) {
      LazyGateFile gates = point.gates;
      if (point.ratio == null && points.size() > 1
          || gates.steps() != first.steps()
          || gates.depth() != first.depth()
          || gates.hiddenSize() != first.hiddenSize()) {
        throw new CheckpointException(source, "holds gates that do not belong together");
      }
    }
    if (points.size() > 1) {
      points =
          points.stream().sorted(Comparator.comparingDouble(point -> point.ratio.mean())).toList();
    } else {
      points = List.copyOf(points);
    }
  }

  /**
   * A set of several points.
   *
   * @param gates gates of one model and schedule
   * @param ratios the lazy ratio of each
   * @return the set
   * @throws CheckpointException when they do not belong together
   */
  public static LazyGateSet of(List<LazyGateFile> gates, List<Ratio> ratios) {
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < gates.size(); i++) {
      points.add(new Point(ratios.get(i), gates.get(i)));
    }
    return new LazyGateSet(points.getFirst().gates.source(), points);
  }

  /**
   * Reads a gate file of any form.
   *
   * @param path the file
   * @return its gates
   * @throws CheckpointException when it cannot be read or is not a gate file
   */
  public static LazyGateSet read(Path path) {
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      return read(checkpoint);
    }
  }

  /**
   * Reads a gate file of any form that is open already.
   *
   * @param checkpoint the file; may be closed afterwards
   * @return its gates
   * @throws CheckpointException when it is not a gate file
   */
  public static LazyGateSet read(Checkpoint checkpoint) {
    Map<String, String> metadata = checkpoint.metadata();
    String file = checkpoint.describe();
    if (!metadata.containsKey(RATIOS)) {
      return new LazyGateSet(
          file, List.of(new Point(null, LazyGateFile.readPoint(checkpoint, -1))));
    }
    List<Ratio> ratios = ratios(file, metadata.get(RATIOS));
    if (!checkpoint.contains(LazyGateFile.ATTN)
        || checkpoint.shape(LazyGateFile.ATTN).length != 4
        || checkpoint.shape(LazyGateFile.ATTN)[0] != ratios.size()) {
      throw new CheckpointException(
          file,
          "states %d lazy ratios, so that '%s' should be [%d, steps, blocks, hidden size]"
              .formatted(ratios.size(), LazyGateFile.ATTN, ratios.size()));
    }
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < ratios.size(); i++) {
      points.add(new Point(ratios.get(i), LazyGateFile.readPoint(checkpoint, i)));
    }
    return new LazyGateSet(file, points);
  }

  private static List<Ratio> ratios(String file, String text) {
    List<Ratio> ratios = new ArrayList<>();
    if (Json.parse(text, file) instanceof List<?> items && !items.isEmpty()) {
      for (Object item : items) {
        if (item instanceof List<?> pair
            && pair.size() == 2
            && pair.get(0) instanceof Number attn
            && pair.get(1) instanceof Number mlp
            && isRatio(attn.doubleValue())
            && isRatio(mlp.doubleValue())) {
          ratios.add(new Ratio(attn.doubleValue(), mlp.doubleValue()));
        }
      }
      if (ratios.size() == items.size()) {
        return ratios;
      }
    }
    throw new CheckpointException(file, "its " + RATIOS + " is not a list of pairs of ratios");
  }

  private static boolean isRatio(double value) {
    return value >= 0 && value <= 1;
  }

  /** {@return the gates to use when nobody says how lazy: those nearest to one half} */
  public LazyGateFile usual() {
    return points.size() == 1 ? points.getFirst().gates : nearest(USUAL).gates;
  }

  private Point nearest(double ratio) {
    return points.stream()
        .min(Comparator.comparingDouble(point -> Math.abs(point.ratio.mean() - ratio)))
        .orElseThrow();
  }

  /**
   * The gates of a wanted laziness: those of a point that has it, or between two points a mixture
   * of both, some vectors of one and some of the other, evenly spread over those that differ.
   *
   * @param ratio the lazy ratio, of attention and MLP together
   * @return the gates
   * @throws CheckpointException when the file does not say how lazy its gates are, or the ratio
   *     lies outside of what they reach
   */
  public LazyGateFile at(double ratio) {
    if (points.getFirst().ratio == null) {
      throw new CheckpointException(
          source, "does not say how lazy its gates are, so none can be chosen by their lazy ratio");
    }
    Point nearest = nearest(ratio);
    if (Math.abs(nearest.ratio.mean() - ratio) <= CLOSE) {
      return nearest.gates;
    }
    for (int i = 1; i < points.size(); i++) {
      Point low = points.get(i - 1);
      Point high = points.get(i);
      if (ratio > low.ratio.mean() && ratio < high.ratio.mean()) {
        return between(low, high, ratio);
      }
    }
    throw new CheckpointException(
        source,
        "has gates for lazy ratios of %s, but %s is asked for"
            .formatted(
                points.stream()
                    .map(point -> String.format(Locale.ROOT, "%.2f", point.ratio.mean()))
                    .collect(Collectors.joining(", ")),
                ratio));
  }

  private static LazyGateFile between(Point low, Point high, double ratio) {
    double share = (ratio - low.ratio.mean()) / (high.ratio.mean() - low.ratio.mean());
    LazyGateFile gates = low.gates;
    int length = gates.hiddenSize();
    return gates.withVectors(
        mixed(gates.attn(), high.gates.attn(), length, share),
        mixed(gates.mlp(), high.gates.mlp(), length, share));
  }

  private static float[] mixed(float[] low, float[] high, int length, double share) {
    float[] mixed = low.clone();
    double due = 0.5;
    for (int at = 0; at < low.length; at += length) {
      if (!Arrays.equals(low, at, at + length, high, at, at + length)) {
        due += share;
        if (due >= 1) {
          due--;
          System.arraycopy(high, at, mixed, at, length);
        }
      }
    }
    return mixed;
  }

  /**
   * Writes the gates in our own form.
   *
   * @param path the file, replaced when there is one
   * @throws CheckpointException when it cannot be written
   */
  public void write(Path path) {
    if (points.getFirst().ratio == null) {
      points.getFirst().gates.write(path);
      return;
    }
    LazyGateFile first = points.getFirst().gates;
    int size = first.attn().length;
    float[] attn = new float[Math.multiplyExact(points.size(), size)];
    float[] mlp = new float[attn.length];
    List<List<Double>> ratios = new ArrayList<>();
    for (int i = 0; i < points.size(); i++) {
      Point point = points.get(i);
      System.arraycopy(point.gates.attn(), 0, attn, i * size, size);
      System.arraycopy(point.gates.mlp(), 0, mlp, i * size, size);
      ratios.add(List.of(point.ratio.attn, point.ratio.mlp));
    }
    SafetensorsWriter writer = first.writer().metadata(RATIOS, Json.write(ratios));
    long[] shape = {points.size(), first.steps(), first.depth(), first.hiddenSize()};
    writer.add(LazyGateFile.ATTN, attn, shape).add(LazyGateFile.MLP, mlp, shape).writeTo(path);
  }
}
