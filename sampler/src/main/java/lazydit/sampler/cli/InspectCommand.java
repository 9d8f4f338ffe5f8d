package lazydit.sampler.cli;

import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import lazydit.engine.LazyDitException;
import lazydit.weights.Checkpoint;
import lazydit.weights.CheckpointReport;
import lazydit.weights.DitFile;
import lazydit.weights.Json;
import lazydit.weights.LazyGateFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lazydit inspect}: what is in a file of weights. */
@Command(
    name = "inspect",
    description =
        "Prints what is in a file of weights or gates: tensors, types, shapes, architecture.",
    footer = {"", "Example:", "  lazydit inspect dit.pt"})
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

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  InspectCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    try (Checkpoint checkpoint = Checkpoint.open(DitFile.locate(file), section)) {
      CheckpointReport report = CheckpointReport.of(checkpoint, architecture(checkpoint));
      session.out().print(json ? Json.write(report.json()) + "\n" : report.text());
      session.out().flush();
    }
    return 0;
  }

  private String architecture(Checkpoint checkpoint) {
    try {
      if (LazyGateFile.recognises(checkpoint)) {
        LazyGateFile gates = LazyGateFile.read(checkpoint);
        return "lazy gates for %d steps, %d blocks, hidden size %d"
            .formatted(gates.steps(), gates.depth(), gates.hiddenSize());
      }
      OptionalInt given = heads == null ? OptionalInt.empty() : OptionalInt.of(heads);
      DitFile network = DitFile.of(checkpoint);
      return "%s, under %s, with %s unless --semantics says otherwise"
          .formatted(
              network.config(given).describe(),
              network.layout().title(),
              Semantics.FACEBOOK.title());
    } catch (LazyDitException e) {
      return "unknown (" + e.getMessage() + ")";
    }
  }
}
