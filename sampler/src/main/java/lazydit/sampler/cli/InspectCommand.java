package lazydit.sampler.cli;

import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import lazydit.weights.CheckpointReport;
import lazydit.weights.Json;
import lazydit.weights.ModelFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lazydit inspect}: what is in a file of weights. */
@Command(
    name = "inspect",
    description =
        "Prints what is in a file of weights or gates: architecture, memory it takes, tensors with"
            + " their types, shapes and statistics, and what is not finite in them.",
    footer = {"", "Example:", "  lazydit weights inspect dit.pt"})
final class InspectCommand implements Callable<Integer> {
  private final Session session;

  @Parameters(
      paramLabel = "FILE",
      description = "A safetensors or torch.save file, or a model's folder.")
  private Path file;

  @Option(
      names = "--section",
      paramLabel = "NAME",
      description =
          "Part of the file to look at, such as ema or model. Default: the first of ema, model,"
              + " state_dict that there is, else everything.")
  private String section;

  @Option(
      names = "--heads",
      paramLabel = "N",
      description = "Attention heads of the model, which shapes do not tell.")
  private Integer heads;

  @Option(names = "--quick", description = "Do not read the numbers: no statistics.")
  private boolean quick;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  InspectCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    OptionalInt given = heads == null ? OptionalInt.empty() : OptionalInt.of(heads);
    try (ModelFile model = ModelFile.open(file, section, given)) {
      CheckpointReport report =
          FileWork.run(
              session,
              progress -> CheckpointReport.of(model, architecture(model), !quick, progress));
      session.out().print(json ? Json.write(report.json()) + "\n" : report.text());
      session.out().flush();
    }
    return 0;
  }

  private static String architecture(ModelFile model) {
    String line = model.architecture();
    return model.knownTransformer().isEmpty()
        ? line
        : "%s, with %s unless --semantics says otherwise"
            .formatted(line, Semantics.FACEBOOK.title());
  }
}
