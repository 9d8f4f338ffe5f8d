package lazydit.sampler.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import lazydit.sampler.GateChoice;
import lazydit.sampler.LazySummary;
import lazydit.sampler.Pipeline;
import lazydit.sampler.PixelImage;
import lazydit.sampler.ProgressListener;
import lazydit.sampler.SampleRequest;
import lazydit.sampler.SampleResult;

/**
 * Compares ways to sample one model: picture i of every row is of the same class and begins with
 * the same noise. Rows take turns, piece by piece, so that whatever else the machine does meets all
 * of them alike; memory is that of a piece and of all features.
 */
public final class Evaluation {
  /** Pictures of a piece. */
  private static final int PIECE = 128;

  /**
   * What to draw.
   *
   * @param count N, pictures of each row; of the model's classes in turn
   * @param guidance the scale of guidance, 1 for none
   * @param seed of the noise
   * @param truthSteps the steps of DDIM, everything computed, whose pictures are the model's own
   *     truth; empty for none
   * @param batchSize how many pictures to draw together at most; empty for the usual
   * @param shown how many pictures to keep of each row, to be looked at
   */
  public record Settings(
      int count,
      double guidance,
      long seed,
      OptionalInt truthSteps,
      OptionalInt batchSize,
      int shown) {}

  /**
   * All rows.
   *
   * @param truth the many-step samples, if there are any
   * @param rows the rows in their order
   */
  public record Result(Optional<RowResult> truth, List<RowResult> rows) {}

  private final Pipeline pipeline;
  private final Reference reference;
  private final Settings settings;
  private final int[] labels;

  /**
   * An evaluation.
   *
   * @param pipeline the model
   * @param reference the data set to compare with, and the judge
   * @param settings what to draw
   * @throws lazydit.engine.LazyDitException when the model draws other pictures than are judged
   */
  public Evaluation(Pipeline pipeline, Reference reference, Settings settings) {
    this.pipeline = pipeline;
    this.reference = reference;
    this.settings = settings;
    labels = IntStream.range(0, settings.count()).map(i -> i % classes(pipeline)).toArray();
  }

  private static int classes(Pipeline pipeline) {
    return pipeline.config().numClasses();
  }

  /**
   * Draws and judges all rows.
   *
   * @param rows the ways to sample
   * @param progress told after every step of every row
   * @param cancelled asked before every step whether to stop
   * @return what they came to
   * @throws lazydit.engine.LazyDitException when a row does not fit the model
   * @throws java.util.concurrent.CancellationException when {@code cancelled} says so
   */
  public Result run(
      List<EvaluationRow> rows, ProgressListener progress, BooleanSupplier cancelled) {
    Optional<Row> truth =
        settings.truthSteps().stream()
            .mapToObj(
                steps ->
                    new EvaluationRow(
                        "DDIM " + steps + ", the model's own truth",
                        "truth",
                        SampleRequest.of(0).toBuilder()
                            .steps(steps)
                            .gates(GateChoice.NONE)
                            .build()))
            .map(Row::new)
            .findFirst();
    List<Row> all = rows.stream().map(Row::new).toList();
    Turns turns = new Turns(progress, cancelled, truth, all);
    for (int first = 0; first < settings.count(); first += PIECE) {
      turns.draw(first, Math.min(PIECE, settings.count() - first));
    }
    Optional<RowResult> own = truth.map(row -> row.result(Optional.empty()));
    Optional<Gaussian> ownFeatures = truth.map(row -> row.seen.gaussian());
    return new Result(own, all.stream().map(row -> row.result(ownFeatures)).toList());
  }

  /** Piece after piece of all rows. */
  private final class Turns {
    private final ProgressListener progress;
    private final BooleanSupplier cancelled;
    private final Optional<Row> truth;
    private final List<Row> rows;
    private final long total;
    private long done;

    Turns(
        ProgressListener progress, BooleanSupplier cancelled, Optional<Row> truth, List<Row> rows) {
      this.progress = progress;
      this.cancelled = cancelled;
      this.truth = truth;
      this.rows = rows;
      long steps = truth.map(Row::steps).orElse(0);
      for (Row row : rows) {
        steps += row.steps();
      }
      total = steps * settings.count();
    }

    void draw(int first, int count) {
      float[] own = truth.map(row -> draw(row, first, count)).orElse(null);
      for (Row row : rows) {
        float[] drawn = draw(row, first, count);
        if (own != null) {
          row.compare(drawn, own);
        }
      }
    }

    private float[] draw(Row row, int first, int count) {
      SampleRequest.Builder request =
          row.spec.request().toBuilder()
              .labels(Arrays.copyOfRange(labels, first, first + count))
              .guidance(settings.guidance())
              .seed(settings.seed())
              .firstPicture(first)
              .progress((taken, all) -> progress.onProgress(done + taken, total))
              .cancelled(cancelled);
      settings.batchSize().ifPresent(request::batchSize);
      float[] drawn = row.add(pipeline.run(request.build()), first);
      done += (long) count * row.steps();
      return drawn;
    }
  }

  /** A row as it grows. */
  private final class Row {
    private final EvaluationRow spec;
    private final Features seen = reference.judge().room(settings.count());
    private final List<PixelImage> shown = new ArrayList<>();
    private final List<Double> times = new ArrayList<>();
    private LazySummary lazy;
    private double saved;
    private double squares;
    private long values;

    Row(EvaluationRow spec) {
      this.spec = spec;
    }

    int steps() {
      return spec.request().steps();
    }

    /** Returns the pictures as they are judged. */
    float[] add(SampleResult result, int first) {
      int count = result.count();
      if (first == 0) {
        reference
            .judge()
            .requireFits(
                "model " + pipeline.name(),
                result.channels(),
                result.height(),
                result.width(),
                classes(pipeline));
      }
      for (int i = 0; i < count && shown.size() < settings.shown(); i++) {
        shown.add(result.pixels(i));
      }
      times.add(1000 * result.seconds() / count);
      saved += result.workSaved() * count;
      lazy = lazy == null ? result.lazy() : lazy.plus(result.lazy());
      reference.judge().look(result.samples(), count, seen, first);
      return result.samples();
    }

    void compare(float[] drawn, float[] own) {
      for (int i = 0; i < drawn.length; i++) {
        double difference = (double) drawn[i] - own[i];
        squares += difference * difference;
      }
      values += drawn.length;
    }

    RowResult result(Optional<Gaussian> own) {
      Gaussian gaussian = seen.gaussian();
      return new RowResult(
          spec,
          reference.judge(seen, labels),
          own.stream().mapToDouble(gaussian::distance).findFirst(),
          own.isPresent() ? OptionalDouble.of(squares / values) : OptionalDouble.empty(),
          lazy,
          saved / settings.count(),
          median(times.subList(times.size() > 1 ? 1 : 0, times.size())),
          List.copyOf(shown));
    }
  }

  private static double median(List<Double> times) {
    double[] sorted = times.stream().mapToDouble(t -> t).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
