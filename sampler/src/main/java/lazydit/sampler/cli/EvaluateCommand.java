package lazydit.sampler.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import lazydit.engine.Workers;
import lazydit.sampler.Pipeline;
import lazydit.sampler.data.DataSet;
import lazydit.sampler.data.Split;
import lazydit.sampler.evaluate.Evaluation;
import lazydit.sampler.evaluate.EvaluationRow;
import lazydit.sampler.evaluate.Judge;
import lazydit.sampler.evaluate.Quality;
import lazydit.sampler.evaluate.Reference;
import lazydit.weights.AtomicFile;
import lazydit.weights.CheckpointException;
import lazydit.weights.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lazydit evaluate}: ways to sample a model, compared in numbers and pictures. */
@Command(
    name = "evaluate",
    description =
        "Draws many pictures in several ways, from the same noise, and judges them against a data"
            + " set in the features of a classifier.",
    footer = {
      "",
      "Example:",
      "  lazydit evaluate --row ddim:50 --row ddim:20 --row 'learned"
          + " 50 %%=gates:gates.pt:20' --row every2:20 --truth 250 --report out"
    })
final class EvaluateCommand implements Callable<Integer> {
  private static final int MOST_PICTURES = 100_000;
  private static final int MOST_STEPS = 1000;
  private static final int MOST_BATCH = 1024;
  private static final int SHOWN = 40;
  private static final int FEWEST = 4;
  private static final int MOST_SEEDS = 100;
  private static final Path BUILTIN = Path.of("built-in");

  private final Session session;

  @Mixin private ModelOptions options;

  @Mixin private DataOption data;

  @Option(
      names = "--classifier",
      paramLabel = "FILE|built-in",
      description =
          "Weights of the classifier in whose features pictures are judged, see lazydit"
              + " train-classifier; may be repeated. Default: built-in, which is for"
              + " Fashion-MNIST.")
  private List<Path> classifiers = List.of(BUILTIN);

  @Option(
      names = "--row",
      paramLabel = "[NAME=]WAY:STEPS",
      description =
          "A way to sample; may be repeated: "
              + RowSyntax.HELP
              + ". Default: ddim with 50, 20 and 10 steps, the model's own gates, every2:20.")
  private List<String> rows = List.of();

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "5000",
      description = "Pictures of each row. Default: ${DEFAULT-VALUE}.")
  private int count;

  @Option(
      names = "--truth",
      paramLabel = "STEPS",
      description =
          "Compare with the model's own pictures of so many DDIM steps from the same noise, such as"
              + " 250, too. Default: do not.")
  private Integer truth;

  @Option(
      names = "--keep",
      paramLabel = "FOLDER",
      description =
          "Keep the pictures of --truth in this folder; those that are there already are not drawn"
              + " again.")
  private Path keep;

  @Option(
      names = "--cfg",
      paramLabel = "X",
      defaultValue = "1.5",
      description = "Scale of classifier-free guidance; 1 is none. Default: ${DEFAULT-VALUE}.")
  private double cfg;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Start of the noise. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Do all of it for so many seeds, from --seed on: means and standard deviations of every"
              + " number. Default: ${DEFAULT-VALUE}.")
  private int seeds;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      description =
          "Pictures to draw together at most; they do not depend on it. Default: 16, fewer where"
              + " memory is short.")
  private Integer batchSize;

  @Option(
      names = "--report",
      paramLabel = "FOLDER",
      description =
          "Write a page about it, with charts and pictures, FOLDER/index.html, and"
              + " FOLDER/results.json; after every seed.")
  private Path report;

  @Option(names = "--json", description = "Print one JSON object instead of the table.")
  private boolean json;

  EvaluateCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    options.checkModel();
    options.requireRange("--count", count, MOST_PICTURES);
    options.require(count >= FEWEST, "--count must be at least %d.".formatted(FEWEST));
    options.requireRange("--truth", truth, MOST_STEPS);
    options.requireRange("--batch-size", batchSize, MOST_BATCH);
    options.require(Double.isFinite(cfg), "--cfg must be a finite number, but is " + cfg + ".");
    options.requireRange("--seeds", seeds, MOST_SEEDS);
    options.require(
        keep == null || truth != null, "--keep needs --truth, whose pictures it keeps.");
    requireReport();
    try (Pipeline pipeline = options.load();
        Workers workers = new Workers(pipeline.threads())) {
      pipeline.requirePixels();
      RowSyntax syntax = new RowSyntax(pipeline);
      List<EvaluationRow> ways =
          rows.isEmpty()
              ? syntax.usual()
              : rows.stream().map(row -> options.usage(() -> syntax.parse(row))).toList();
      List<Judge> judges = classifiers.stream().map(file -> judge(file, workers)).toList();
      tell(evaluate(pipeline, judges, ways));
    }
    return 0;
  }

  private void requireReport() {
    if (report != null) {
      try {
        Files.createDirectories(report);
      } catch (IOException e) {
        throw new CheckpointException(report.toString(), "cannot become a folder", e);
      }
      AtomicFile.requireWritable(page());
    }
  }

  private Path page() {
    return report.resolve("index.html");
  }

  private static Judge judge(Path file, Workers workers) {
    return file.equals(BUILTIN) ? Judge.builtin(workers) : Judge.load(file, workers);
  }

  private EvaluationReport evaluate(
      Pipeline pipeline, List<Judge> judges, List<EvaluationRow> ways) {
    if (keep != null) {
      session.leaves("what was drawn for --truth is kept in " + keep);
    }
    try (ProgressLine progress =
        new ProgressLine(session.err(), ProgressLine.somebodyIsLooking())) {
      List<Reference> references;
      String name;
      try (DataSet train = data.open(Split.TRAIN)) {
        name = train.name();
        references = judges.stream().map(judge -> reference(judge, train, progress)).toList();
      }
      List<Quality> floors = floors(references);
      List<String> names = judges.stream().map(Judge::name).toList();
      List<Evaluation.Result> results = new ArrayList<>();
      // Of as many seeds as there are results.
      EvaluationReport found =
          new EvaluationReport(pipeline, names, name, settings(0), floors, results);
      for (int i = 0; i < seeds; i++) {
        if (seeds > 1) {
          session.say("seed %d, %d of %d.".formatted(seed + i, i + 1, seeds));
        }
        progress.begin();
        results.add(
            new Evaluation(pipeline, references, settings(i))
                .run(ways, progress, session::cancelled));
        write(found);
      }
      return found;
    }
  }

  private Reference reference(Judge judge, DataSet train, ProgressLine progress) {
    progress.begin();
    return new Reference(judge, judge.look(train, progress, session::cancelled), count);
  }

  private Evaluation.Settings settings(int index) {
    return new Evaluation.Settings(
        count,
        cfg,
        seed + index,
        optional(truth),
        Optional.ofNullable(keep),
        optional(batchSize),
        index == 0 ? SHOWN : 0);
  }

  private static OptionalInt optional(Integer value) {
    return value == null ? OptionalInt.empty() : OptionalInt.of(value);
  }

  /** What real pictures, which were not learned from, come to: nothing drawn can be better. */
  private List<Quality> floors(List<Reference> references) {
    if (!data.splits().contains(Split.TEST)) {
      return List.of();
    }
    try (DataSet test = data.open(Split.TEST)) {
      int used = Math.min(count, test.count());
      int[] indices =
          IntStream.range(0, used).map(i -> (int) ((long) i * test.count() / used)).toArray();
      float[] images = new float[Math.multiplyExact(used, test.length())];
      int[] labels = new int[used];
      for (int i = 0; i < used; i++) {
        test.read(indices[i], images, i * test.length());
        labels[i] = test.label(indices[i]);
      }
      return references.stream()
          .map(
              reference ->
                  reference.judge(reference.judge().look(images, used), labels, Optional.empty()))
          .toList();
    }
  }

  /** Writes what there is so far, so that a long evaluation that breaks off leaves its seeds. */
  private void write(EvaluationReport result) {
    if (report != null) {
      write(page(), new EvaluationPage(result).html());
      write(report.resolve("results.json"), Json.write(result.json()) + "\n");
      session.leaves(page() + " was written");
    }
  }

  private static void write(Path file, String text) {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    AtomicFile.write(
        file,
        channel -> {
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }

  private void tell(EvaluationReport result) {
    if (report != null) {
      session.say("wrote " + page() + ".");
    }
    session.out().print(json ? Json.write(result.json()) + "\n" : result.text());
    session.out().flush();
  }
}
