package lazydit.sampler.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import lazydit.sampler.GateChoice;
import lazydit.sampler.ImageGrid;
import lazydit.sampler.Pipeline;
import lazydit.sampler.PixelImage;
import lazydit.sampler.PngWriter;
import lazydit.sampler.SampleRequest;
import lazydit.sampler.SampleResult;
import lazydit.weights.AtomicFile;
import lazydit.weights.Json;
import lazydit.weights.SafetensorsWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lazydit sample}: from a class and a seed to a picture. */
@Command(
    name = "sample",
    description = "Draws pictures and writes them as one PNG.",
    footer = {
      "",
      "Examples:",
      "  lazydit sample",
      "  lazydit sample --classes sneaker,bag --count 8 --steps 50 --cfg 2.5 --seed 7",
      "  lazydit sample --model DiT-XL-2-256x256.pt --vae sd-vae-ft-ema --classes 'otter, macaw'"
          + " --cfg 4",
      "  lazydit sample --model dit.pt --gates gates.pt --compare --stats --out dit.png"
    })
final class SampleCommand implements Callable<Integer> {
  private static final int MOST_REPEATS = 10_000;
  private static final int COMPARED_REPEATS = 4;
  private static final int MOST_COLUMNS = 16;

  private final Session session;

  @Spec private CommandSpec command;

  @Mixin private SampleOptions options;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      defaultValue = "samples.png",
      description =
          "The picture to write, or, with a name in .safetensors, the samples themselves: pixels"
              + " from -1 to 1, or latents where there is no VAE. Default: ${DEFAULT-VALUE}.")
  private Path out;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      description =
          "Run N times and report the median time without the first. Default: 1, with --compare 4.")
  private Integer repeat;

  @Option(
      names = "--compare",
      description = "Run without gates too; report the time and the pictures of both.")
  private boolean compare;

  @Option(names = "--stats", description = "Show what was reused at which step in which block.")
  private boolean stats;

  @Option(names = "--json", description = "Print one JSON object about the run to standard output.")
  private boolean json;

  SampleCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    options.check();
    if (repeat != null && (repeat < 1 || repeat > MOST_REPEATS)) {
      throw new ParameterException(
          command.commandLine(),
          "--repeat must be 1 to %d, but is %d.".formatted(MOST_REPEATS, repeat));
    }
    AtomicFile.requireWritable(out);
    GateChoice gates = options.gates();
    CompletableFuture<Void> warm = CompletableFuture.runAsync(Pipeline::warmUp);
    long start = System.nanoTime();
    try (Pipeline pipeline = options.load()) {
      if (!wantsSamples()) {
        pipeline.requirePixels();
      }
      double loading = (System.nanoTime() - start) / 1e9;
      warm.join();
      draw(pipeline, loading, gates);
    }
    return 0;
  }

  private boolean wantsSamples() {
    return out.getFileName().toString().endsWith(".safetensors");
  }

  private void draw(Pipeline pipeline, double loading, GateChoice gates) {
    int[] labels = options.labels(pipeline.classes());
    SampleRequest request =
        options.request(labels, gates).toBuilder().cancelled(session::cancelled).build();
    Rounds rounds = run(pipeline, request);
    SampleResult result = rounds.lazy.last;
    write(pipeline, result, labels, request);
    report(
        new SampleReport(
            pipeline,
            result,
            loading,
            rounds.lazy.median(),
            rounds.lazy.seconds,
            rounds.comparison(),
            notes(result),
            out.toString()));
  }

  private void write(Pipeline pipeline, SampleResult result, int[] labels, SampleRequest request) {
    String line = options.commandLine(labels, request);
    if (!wantsSamples()) {
      PngWriter.write(
          out, grid(result, labels.length), SampleReport.pngText(pipeline, result, line));
      return;
    }
    SafetensorsWriter writer = new SafetensorsWriter().metadata(Map.of("command", line));
    long[] shape = {result.count(), result.channels(), result.height(), result.width()};
    writer.add("samples", result.samples(), shape);
    writer.add("labels", Arrays.stream(labels).asLongStream().toArray(), labels.length);
    writer.writeTo(out);
  }

  private List<String> notes(SampleResult result) {
    List<String> notes = new ArrayList<>(result.notes());
    if (compare && result.gates().isEmpty()) {
      notes.add("Without gates there is nothing to compare.");
    }
    return notes;
  }

  private void report(SampleReport report) {
    session.err().print(report.text());
    if (stats) {
      session.err().print(report.map());
    }
    if (json) {
      session.out().println(Json.write(report.json()));
    }
  }

  // ---- runs

  /** Equal runs: their times, and the last one's pictures. */
  private static final class Series {
    private final List<Double> seconds = new ArrayList<>();
    private SampleResult last;

    void add(SampleResult result) {
      seconds.add(result.seconds());
      last = result;
    }

    /** The first of several runs is left out: it starts cold. */
    double median() {
      double[] counted =
          seconds.stream().mapToDouble(s -> s).skip(seconds.size() > 1 ? 1 : 0).toArray();
      Arrays.sort(counted);
      int middle = counted.length / 2;
      return counted.length % 2 == 1
          ? counted[middle]
          : (counted[middle - 1] + counted[middle]) / 2;
    }
  }

  /** Runs with gates and, to compare, without. */
  private static final class Rounds {
    private final Series lazy = new Series();
    private final Series full = new Series();

    Optional<Comparison> comparison() {
      return Optional.ofNullable(full.last)
          .map(last -> Comparison.of(lazy.last, lazy.median(), last, full.median()));
    }
  }

  /** Both kinds of run in turn, so that whatever else the machine does meets both alike. */
  private Rounds run(Pipeline pipeline, SampleRequest request) {
    Rounds rounds = new Rounds();
    SampleRequest without = request.toBuilder().gates(GateChoice.NONE).build();
    int count = repeat != null ? repeat : compare ? COMPARED_REPEATS : 1;
    boolean looking = ProgressLine.somebodyIsLooking();
    try (ProgressLine progress = new ProgressLine(session.err(), looking)) {
      for (int round = 0; round < count; round++) {
        rounds.lazy.add(run(pipeline, request, progress));
        if (compare && rounds.lazy.last.gates().isPresent()) {
          rounds.full.add(run(pipeline, without, progress));
        }
      }
    }
    if (session.cancelled()) {
      throw new CancellationException("Cancelled after sampling.");
    }
    return rounds;
  }

  private static SampleResult run(Pipeline pipeline, SampleRequest request, ProgressLine progress) {
    progress.begin();
    return pipeline.run(request.toBuilder().progress(progress).build());
  }

  /** One class a column where that fits. */
  private static PixelImage grid(SampleResult result, int classes) {
    int count = result.count();
    boolean columns =
        classes > 1 && classes <= MOST_COLUMNS && count > classes && count % classes == 0;
    ImageGrid grid =
        columns
            ? ImageGrid.fitting(count, classes, result.width(), result.height())
            : ImageGrid.fitting(count, result.width(), result.height());
    return grid.draw(result.pictures());
  }
}
