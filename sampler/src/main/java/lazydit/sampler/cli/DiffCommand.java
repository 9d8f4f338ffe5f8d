package lazydit.sampler.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import lazydit.weights.Json;
import lazydit.weights.ModelFile;
import lazydit.weights.WeightsDiff;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lazydit weights diff}: are these the same weights? */
@Command(
    name = "diff",
    description = {
      "Compares two models tensor by tensor, whatever their containers, names and types.",
      "Exits with 1 when a tensor is missing on one side or differs by more than the tolerance."
    },
    footer = {
      "",
      "Examples:",
      "  lazydit weights diff dit.pt dit-folder",
      "  lazydit weights diff --tolerance 1e-2 dit.pt dit-bf16.safetensors"
    })
final class DiffCommand implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec command;

  @Parameters(index = "0", paramLabel = "A", description = "A file of weights or a model's folder.")
  private Path first;

  @Parameters(index = "1", paramLabel = "B", description = "Another one.")
  private Path second;

  @Option(
      names = "--tolerance",
      paramLabel = "X",
      defaultValue = "0",
      description = "The largest absolute difference that still is none. Default: 0.")
  private double tolerance;

  @Option(names = "--json", description = "Print one JSON object about all tensors.")
  private boolean json;

  DiffCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    if (!(tolerance >= 0)) {
      throw new ParameterException(
          command.commandLine(), "--tolerance must be 0 or more, but is " + tolerance + ".");
    }
    try (ModelFile a = ModelFile.open(first);
        ModelFile b = ModelFile.open(second)) {
      WeightsDiff diff =
          FileWork.run(session, progress -> WeightsDiff.of(a, b, tolerance, progress));
      session.out().print(json ? Json.write(diff.json()) + "\n" : diff.text());
      session.out().flush();
      return diff.equal() ? 0 : 1;
    }
  }
}
