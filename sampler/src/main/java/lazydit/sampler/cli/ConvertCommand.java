package lazydit.sampler.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import lazydit.engine.LazyDitException;
import lazydit.weights.Checkpoint;
import lazydit.weights.Convert;
import lazydit.weights.LazyGateFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lazydit convert}: any readable file to safetensors. */
@Command(
    name = "convert",
    description = {
      "Writes weights as one safetensors file, bit for bit: names, types and shapes stay.",
      "Gates are written in lazydit's own form: one tensor for attention, one for MLPs."
    },
    footer = {"", "Example:", "  lazydit convert dit.pt dit.safetensors"})
final class ConvertCommand implements Callable<Integer> {
  private final Session session;

  @Parameters(index = "0", paramLabel = "IN", description = "A safetensors or torch.save file.")
  private Path in;

  @Parameters(index = "1", paramLabel = "OUT", description = "The safetensors file to write.")
  private Path out;

  @Option(
      names = "--section",
      paramLabel = "NAME",
      description =
          "Part of the file to convert, such as ema or model. Default: the first of ema, model,"
              + " state_dict that there is, else everything.")
  private String section;

  @Option(names = "--force", description = "Replace OUT when there is one.")
  private boolean force;

  ConvertCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    session.interruptWhenCancelled();
    try (Checkpoint checkpoint = Checkpoint.open(in, section)) {
      if (!force && Files.exists(out)) {
        throw new LazyDitException(out + ": exists already; give --force to replace it.");
      }
      if (LazyGateFile.recognises(checkpoint)) {
        LazyGateFile.read(checkpoint).write(out);
      } else {
        Convert.toSafetensors(checkpoint, out, Map.of());
      }
    }
    session.err().println("Wrote " + out);
    return 0;
  }
}
