package lazydit.sampler.evaluate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import lazydit.dit.ClassifierConfig;
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
   * @param kept the folder that keeps the pictures of the truth; what is there is not drawn again
   * @param batchSize how many pictures to draw together at most; empty for the usual
   * @param shown how many pictures to keep of each row, to be looked at
   */
  public record Settings(
      int count,
      double guidance,
      long seed,
      OptionalInt truthSteps,
      Optional<Path> kept,
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
  private final List<Reference> references;
  private final Settings settings;
  private final int[] labels;

  /**
   * An evaluation.
   *
   * @param pipeline the model
   * @param references the data set to compare with, as each of the judges sees it; at least one
   * @param settings what to draw
   */
  public Evaluation(Pipeline pipeline, List<Reference> references, Settings settings) {
    this.pipeline = pipeline;
    this.references = List.copyOf(references);
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
   * @throws lazydit.engine.LazyDitException when a row does not fit the model, or a judge takes
   *     other pictures than it draws
   * @throws java.util.concurrent.CancellationException when {@code cancelled} says so
   */
  public Result run(
      List<EvaluationRow> rows, ProgressListener progress, BooleanSupplier cancelled) {
    Optional<Truth> truth =
        settings.truthSteps().stream().mapToObj(steps -> new Truth(steps)).findFirst();
    List<Row> all = rows.stream().map(Row::new).toList();
    Turns turns = new Turns(progress, cancelled, truth, all);
    for (int first = 0; first < settings.count(); first += PIECE) {
      turns.draw(first, sizeOfPiece(first));
    }
    List<Optional<Gaussian>> none = Collections.nCopies(references.size(), Optional.empty());
    return new Result(
        truth.map(own -> own.row.result(none)),
        all.stream().map(row -> row.result(truth.map(Truth::gaussians).orElse(none))).toList());
  }

  /** How many pictures the piece has that begins with this one. */
  private int sizeOfPiece(int first) {
    return Math.min(PIECE, settings.count() - first);
  }

  /** Piece after piece of all rows. */
  private final class Turns {
    private final ProgressListener progress;
    private final BooleanSupplier cancelled;
    private final Optional<Truth> truth;
    private final List<Row> rows;
    private final long total;
    private long done;

    Turns(
        ProgressListener progress,
        BooleanSupplier cancelled,
        Optional<Truth> truth,
        List<Row> rows) {
      this.progress = progress;
      this.cancelled = cancelled;
      this.truth = truth;
      this.rows = rows;
      long steps = rows.stream().mapToLong(Row::steps).sum() * settings.count();
      total = steps + truth.map(Truth::stepsToDraw).orElse(0L);
    }

    void draw(int first, int count) {
      Optional<float[]> own = truth.map(t -> piece(t, first, count));
      for (Row row : rows) {
        SampleResult result = sample(row, first);
        row.measure(result);
        row.look(result.samples(), first, count);
        own.ifPresent(pictures -> row.compare(result.samples(), pictures));
      }
    }

    /** Returns a piece of the truth as it is judged, from the folder or drawn. */
    private float[] piece(Truth own, int first, int count) {
      Optional<float[]> there = own.kept.flatMap(folder -> folder.read(first, count));
      float[] pictures = there.orElseGet(() -> sample(own.row, first).samples());
      own.row.look(pictures, first, count);
      if (there.isEmpty()) {
        own.kept.ifPresent(folder -> folder.write(first, count, pictures));
      }
      return pictures;
    }

    private SampleResult sample(Row row, int first) {
      int count = sizeOfPiece(first);
      SampleRequest.Builder request =
          row.spec.request().toBuilder()
              .labels(Arrays.copyOfRange(labels, first, first + count))
              .guidance(settings.guidance())
              .seed(settings.seed())
              .firstPicture(first)
              .progress((taken, all) -> progress.onProgress(done + taken, total))
              .cancelled(cancelled);
      settings.batchSize().ifPresent(request::batchSize);
      SampleResult result = pipeline.run(request.build());
      done += (long) count * row.steps();
      if (first == 0) {
        requireFits(result);
      }
      return result;
    }

    private void requireFits(SampleResult result) {
      for (Reference reference : references) {
        reference
            .judge()
            .requireFits(
                "model " + pipeline.name(),
                result.channels(),
                result.height(),
                result.width(),
                classes(pipeline));
      }
    }
  }

  /** The model's own pictures of many steps. */
  private final class Truth {
    private final Row row;
    private final Optional<KeptPictures> kept;

    Truth(int steps) {
      SampleRequest request =
          SampleRequest.of(0).toBuilder()
              .steps(steps)
              .gates(GateChoice.NONE)
              .guidance(settings.guidance())
              .seed(settings.seed())
              .build();
      row =
          new Row(
              new EvaluationRow(
                  "DDIM %d, the model's own truth".formatted(steps), "truth", request));
      ClassifierConfig form = references.getFirst().judge().config();
      kept = settings.kept().map(folder -> new KeptPictures(folder, form, pipeline, request));
    }

    long stepsToDraw() {
      long pictures = 0;
      for (int first = 0; first < settings.count(); first += PIECE) {
        int at = first;
        pictures += kept.filter(there -> there.has(at)).isPresent() ? 0 : sizeOfPiece(first);
      }
      return pictures * row.steps();
    }

    List<Optional<Gaussian>> gaussians() {
      return row.seen.stream().map(Features::gaussian).map(Optional::of).toList();
    }
  }

  /** A row as it grows. */
  private final class Row {
    private final EvaluationRow spec;
    private final List<Features> seen =
        references.stream().map(reference -> reference.judge().room(settings.count())).toList();
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

    /** Notes what a piece took. */
    void measure(SampleResult piece) {
      times.add(1000 * piece.seconds() / piece.count());
      saved += piece.workSaved() * piece.count();
      lazy = lazy == null ? piece.lazy() : lazy.plus(piece.lazy());
    }

    /** Lets all judges look at a piece; its pictures become what is judged, of 256 levels. */
    void look(float[] pictures, int first, int count) {
      for (int i = 0; i < references.size(); i++) {
        references.get(i).judge().look(pictures, count, seen.get(i), first);
      }
      ClassifierConfig form = references.getFirst().judge().config();
      for (int i = 0; i < count && shown.size() < settings.shown(); i++) {
        shown.add(PixelImage.of(pictures, i, form.channels(), form.side(), form.side()));
      }
    }

    void compare(float[] drawn, float[] own) {
      for (int i = 0; i < drawn.length; i++) {
        double difference = (double) drawn[i] - own[i];
        squares += difference * difference;
      }
      values += drawn.length;
    }

    RowResult result(List<Optional<Gaussian>> own) {
      return new RowResult(
          spec,
          IntStream.range(0, references.size())
              .mapToObj(i -> references.get(i).judge(seen.get(i), labels, own.get(i)))
              .toList(),
          values > 0 ? OptionalDouble.of(squares / values) : OptionalDouble.empty(),
          times.isEmpty() ? Optional.empty() : Optional.of(work()),
          List.copyOf(shown));
    }

    private RowResult.Work work() {
      return new RowResult.Work(
          lazy,
          saved / settings.count(),
          median(times.subList(times.size() > 1 ? 1 : 0, times.size())));
    }
  }

  private static double median(List<Double> times) {
    double[] sorted = times.stream().mapToDouble(t -> t).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
