package lazydit.sampler.cli;

import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import lazydit.weights.Json;
import lazydit.weights.ModelFile;
import lazydit.weights.Quantize;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lazydit weights quantize}: a smaller file. */
@Command(
    name = "quantize",
    description = {
      "Writes a transformer with the matrices of its blocks as 8-bit integers, each output channel"
          + " with a scale of its own. It samples like any other model.",
      "Reports what it saves, and the root mean square errors relative to the original."
    },
    footer = {"", "Example:", "  lazydit weights quantize dit.pt dit-int8.safetensors"})
final class QuantizeCommand implements Callable<Integer> {
  private final Session session;

  @Parameters(
      index = "0",
      paramLabel = "IN",
      description = "A safetensors or torch.save file, or a model's folder.")
  private Path in;

  @Parameters(index = "1", paramLabel = "OUT", description = "The safetensors file to write.")
  private Path out;

  @Option(
      names = "--heads",
      paramLabel = "N",
      description = "Attention heads of the model, where nothing tells them.")
  private Integer heads;

  @Option(
      names = "--no-forward",
      description = "Do not run the network to compare its outputs, which takes memory for it.")
  private boolean noForward;

  @Option(names = "--force", description = "Replace OUT when there is one.")
  private boolean force;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  QuantizeCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    OptionalInt given = heads == null ? OptionalInt.empty() : OptionalInt.of(heads);
    try (ModelFile model = ModelFile.open(in, null, given)) {
      FileWork.requireFree(out, force);
      Quantize.Report report =
          FileWork.run(session, progress -> Quantize.run(model, out, progress));
      session.leaves(out + " was written, but its outputs were not compared");
      if (!noForward && !session.cancelled()) {
        report = report.withOutputError(model, out);
      }
      session.out().print(json ? Json.write(report.json()) + "\n" : report.text());
      session.out().flush();
    }
    session.err().println("Wrote " + out);
    return 0;
  }
}
