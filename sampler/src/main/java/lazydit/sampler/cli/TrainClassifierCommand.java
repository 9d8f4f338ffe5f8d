package lazydit.sampler.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import lazydit.engine.Workers;
import lazydit.sampler.data.DataSet;
import lazydit.sampler.data.Split;
import lazydit.sampler.training.ClassifierCourse;
import lazydit.weights.AtomicFile;
import lazydit.weights.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lazydit train-classifier}: what pictures are judged by. */
@Command(
    name = "train-classifier",
    description =
        "Trains the small convolutional classifier in whose features lazydit evaluate judges"
            + " pictures, and tests it.",
    footer = {"", "Example:", "  lazydit train-classifier --out classifier.safetensors"})
final class TrainClassifierCommand implements Callable<Integer> {
  private final Session session;

  @Mixin private DataOption data;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      required = true,
      description = "The safetensors file to write.")
  private Path out;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      defaultValue = "10",
      description = "How often each picture is seen. Default: ${DEFAULT-VALUE}.")
  private int epochs;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "128",
      description = "Pictures of a step. Default: ${DEFAULT-VALUE}.")
  private int batch;

  @Option(
      names = "--lr",
      paramLabel = "X",
      defaultValue = "2e-3",
      description = "Learning rate, which falls along a cosine. Default: ${DEFAULT-VALUE}.")
  private double rate;

  @Option(
      names = "--weight-decay",
      paramLabel = "X",
      defaultValue = "1e-4",
      description = "Weight decay of AdamW. Default: ${DEFAULT-VALUE}.")
  private double weightDecay;

  @Option(
      names = "--dropout",
      paramLabel = "X",
      defaultValue = "0.25",
      description =
          "Share of the values before the features that are left out. Default: ${DEFAULT-VALUE}.")
  private double dropout;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Decides all that is random. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(names = "--json", description = "Print a line of JSON for each epoch instead of text.")
  private boolean json;

  TrainClassifierCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    AtomicFile.requireWritable(out);
    ClassifierCourse.Plan plan =
        new ClassifierCourse.Plan(seed, epochs, batch, rate, weightDecay, dropout);
    try (DataSet train = data.open(Split.TRAIN);
        DataSet test = data.open(Split.TEST);
        Workers workers = new Workers(Workers.defaultThreads())) {
      ClassifierCourse course = new ClassifierCourse(plan, train, test, workers);
      try (ProgressLine progress =
          new ProgressLine(session.err(), ProgressLine.somebodyIsLooking())) {
        while (!course.done()) {
          tell(course.epoch(progress, session::cancelled));
        }
      }
      course.export(out);
      session.say("wrote " + out + ".");
    }
    return 0;
  }

  private void tell(ClassifierCourse.Epoch epoch) {
    if (json) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("epoch", epoch.epoch());
      fields.put("loss", epoch.loss());
      fields.put("test_accuracy", epoch.accuracy());
      session.out().println(Json.write(fields));
    } else {
      session
          .out()
          .printf(
              Locale.ROOT,
              "epoch %2d  loss %.4f  test accuracy %.4f%n",
              epoch.epoch(),
              epoch.loss(),
              epoch.accuracy());
    }
    session.out().flush();
  }
}
