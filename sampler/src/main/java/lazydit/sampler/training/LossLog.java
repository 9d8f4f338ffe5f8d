package lazydit.sampler.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import lazydit.sampler.DitTraining;
import lazydit.weights.CheckpointException;
import lazydit.weights.Json;

/** How the loss has come down: means over so many steps each. For one thread at a time. */
public final class LossLog {
  /**
   * The means of some steps.
   *
   * @param step how many steps there have been at their end
   * @param loss the loss
   * @param mse its squared error
   * @param vb its variational bound
   * @param gradientNorm the length of the gradient before it was shortened
   * @param rate the learning rate of the last of them
   * @param seconds how long the training has computed since its beginning, at their end
   */
  public record Point(
      long step,
      double loss,
      double mse,
      double vb,
      double gradientNorm,
      double rate,
      double seconds) {

    private double[] values() {
      return new double[] {step, loss, mse, vb, gradientNorm, rate, seconds};
    }

    private static Point of(double[] v) {
      return new Point((long) v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
    }
  }

  private static final int VALUES = 7;

  private final List<Point> points = new ArrayList<>();

  /** Of the steps since the last point: how many, and their sums. */
  private double count;

  private final double[] sums = new double[4];

  private double seconds;

  LossLog() {}

  /** {@return the means, in order; unmodifiable} */
  public List<Point> points() {
    return Collections.unmodifiableList(points);
  }

  /** {@return how long the training has computed, interruptions not counted} */
  public double seconds() {
    return seconds;
  }

  void add(DitTraining.Step step, double took) {
    seconds += took;
    count++;
    sums[0] += step.loss();
    sums[1] += step.mse();
    sums[2] += step.vb();
    sums[3] += step.gradientNorm();
  }

  /** The mean of the steps since the last one. */
  Point close(long step, double rate) {
    Point point =
        new Point(
            step,
            sums[0] / count,
            sums[1] / count,
            sums[2] / count,
            sums[3] / count,
            rate,
            seconds);
    points.add(point);
    count = 0;
    Arrays.fill(sums, 0);
    return point;
  }

  String json() {
    double[] open = {count, sums[0], sums[1], sums[2], sums[3], seconds};
    return Json.write(Map.of("points", points.stream().map(Point::values).toList(), "open", open));
  }

  static LossLog parse(String text, String source) {
    LossLog log = new LossLog();
    Map<String, Object> fields = Json.parseObject(text, source);
    if (!(fields.get("points") instanceof List<?> list)) {
      throw damaged(source);
    }
    list.forEach(point -> log.points.add(Point.of(numbers(point, VALUES, source))));
    double[] open = numbers(fields.get("open"), 2 + log.sums.length, source);
    log.count = open[0];
    System.arraycopy(open, 1, log.sums, 0, log.sums.length);
    log.seconds = open[1 + log.sums.length];
    return log;
  }

  private static double[] numbers(Object value, int count, String source) {
    double[] numbers =
        value instanceof List<?> list
            ? list.stream().mapToDouble(LossLog::number).toArray()
            : new double[0];
    if (numbers.length != count || !DoubleStream.of(numbers).allMatch(Double::isFinite)) {
      throw damaged(source);
    }
    return numbers;
  }

  private static double number(Object value) {
    return value instanceof Number number ? number.doubleValue() : Double.NaN;
  }

  private static CheckpointException damaged(String source) {
    return new CheckpointException(source, "has a damaged log of its losses");
  }
}
