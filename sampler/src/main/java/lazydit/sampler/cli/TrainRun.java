package lazydit.sampler.cli;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import lazydit.sampler.GateChoice;
import lazydit.sampler.ImageGrid;
import lazydit.sampler.LoadOptions;
import lazydit.sampler.Pipeline;
import lazydit.sampler.PngWriter;
import lazydit.sampler.SampleRequest;
import lazydit.sampler.SampleResult;
import lazydit.sampler.training.DitCourse;
import lazydit.sampler.training.LossLog;
import lazydit.weights.AtomicFile;
import lazydit.weights.Json;

/** A training as it runs: makes steps, saves, draws and tells, until it is done or cancelled. */
final class TrainRun {
  private static final int INTERRUPTED = 130;

  /** A step of a large network takes minutes; who cannot wait may kill it, which loses little. */
  private static final int SECONDS_TO_SAVE = 3600;

  private static final int MOST_COLUMNS = 10;
  private static final int ROWS = 4;
  private static final int SAMPLE_STEPS = 50;
  private static final double GUIDANCE = 1.5;

  /** After how many steps what is done, and whether the log is wanted as JSON. */
  record Every(int save, int samples, int log, boolean json) {}

  private final Session session;
  private final DitCourse course;
  private final TrainingFolder folder;
  private final Every every;
  private final LoadOptions load;
  private final String toGoOn;
  private final long begun;
  private LossLog.Point last;

  TrainRun(
      Session session,
      DitCourse course,
      TrainingFolder folder,
      Every every,
      LoadOptions load,
      String toGoOn) {
    this.session = session;
    this.course = course;
    this.folder = folder;
    this.every = every;
    this.load = load;
    this.toGoOn = toGoOn;
    begun = course.steps();
    last = course.log().points().isEmpty() ? null : course.log().points().getLast();
  }

  int run() {
    session.beforeStopping(SECONDS_TO_SAVE, "stopping: finishing the step and saving ...");
    say(
        "training a %s; steps %,d to %,d of %d pictures.",
        course.plan().network().describe(), begun, course.plan().steps(), course.plan().batch());
    // What could go wrong after hours goes wrong now.
    course.save(folder.training());
    try (ProgressLine progress =
        new ProgressLine(session.err(), ProgressLine.somebodyIsLooking())) {
      while (!course.done() && !session.cancelled()) {
        course.step(every.log).ifPresent(this::log);
        progress.onProgress(this::line);
        if (course.steps() % every.save == 0) {
          save();
        }
        if (course.steps() % every.samples == 0 || course.done()) {
          draw();
        }
      }
    }
    save();
    course.export(folder.model());
    return tellTheEnd();
  }

  private void say(String format, Object... values) {
    session.say(String.format(Locale.ROOT, format, values));
  }

  private int tellTheEnd() {
    String time = ProgressLine.time(Math.round(course.log().seconds()));
    if (course.done()) {
      say("%,d steps in %s; wrote %s.", course.steps(), time, folder.model());
      return 0;
    }
    say("stopped and saved after %,d steps in %s; %s goes on.", course.steps(), time, toGoOn);
    return INTERRUPTED;
  }

  private String line(double elapsed) {
    long made = course.steps() - begun;
    long left = (long) Math.ceil(elapsed / made * (course.plan().steps() - course.steps()));
    return String.format(
        Locale.ROOT,
        "step %,d of %,d%s, %.0f images/s, about %s left",
        course.steps(),
        course.plan().steps(),
        last == null ? "" : String.format(Locale.ROOT, ", loss %.4f", last.loss()),
        made * course.plan().batch() / elapsed,
        ProgressLine.time(left));
  }

  private void log(LossLog.Point point) {
    if (every.json) {
      double seconds = point.seconds() - (last == null ? 0 : last.seconds());
      long steps = point.step() - (last == null ? 0 : last.step());
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("step", point.step());
      fields.put("epoch", course.epochs());
      fields.put("loss", point.loss());
      fields.put("mse", point.mse());
      fields.put("vb", point.vb());
      fields.put("gradient_norm", point.gradientNorm());
      fields.put("rate", point.rate());
      fields.put("images_per_second", steps * course.plan().batch() / seconds);
      fields.put("seconds", point.seconds());
      session.out().println(Json.write(fields));
      session.out().flush();
    }
    last = point;
  }

  private void save() {
    course.save(folder.training());
    if (!course.log().points().isEmpty()) {
      ByteBuffer chart =
          ByteBuffer.wrap(LossChart.svg(course.log().points()).getBytes(StandardCharsets.UTF_8));
      AtomicFile.write(
          folder.chart(),
          channel -> {
            while (chart.hasRemaining()) {
              channel.write(chart);
            }
          });
    }
  }

  /** Pictures of the model as it is now: a column for each class, of ten at most. */
  private void draw() {
    course.export(folder.model());
    int channels = course.plan().network().inChannels();
    if (load.vae().isEmpty() && channels != 1 && channels != 3) {
      return;
    }
    try (Pipeline pipeline = Pipeline.load(folder.model(), load)) {
      int classes = pipeline.classes().count();
      int columns = Math.min(classes, MOST_COLUMNS);
      int[] labels =
          IntStream.range(0, ROWS * columns)
              .map(i -> (int) ((long) (i % columns) * classes / columns))
              .toArray();
      SampleResult drawn =
          pipeline.run(
              SampleRequest.of(labels).toBuilder()
                  .steps(SAMPLE_STEPS)
                  .guidance(GUIDANCE)
                  .gates(GateChoice.NONE)
                  .cancelled(session::cancelled)
                  .build());
      PngWriter.write(
          folder.samples(course.steps()),
          ImageGrid.fitting(labels.length, columns, drawn.width(), drawn.height())
              .draw(drawn.pictures()),
          Map.of("Steps trained", Long.toString(course.steps())));
    } catch (CancellationException e) {
      // The sheet is not worth waiting for.
    }
  }
}
