package lazydit.sampler.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import lazydit.sampler.ParitySuites;
import lazydit.weights.Json;
import lazydit.weights.Parity;
import lazydit.weights.ParityReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lazydit parity}: does this engine give the numbers that another one gave? */
@Command(
    name = "parity",
    description = {
      "Runs the inputs of a golden file through this engine and compares with its expected"
          + " outputs.",
      "Exits with 1 when an error is above the file's tolerance."
    },
    footer = {
      "",
      "Examples:",
      "  lazydit parity dit_tiny.safetensors",
      "  lazydit parity --out computed.safetensors dit_tiny.safetensors"
    })
final class ParityCommand implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec command;

  @Parameters(
      paramLabel = "FILE",
      arity = "1..*",
      description = "Golden files, or torch.save files with their expectations beside them.")
  private List<Path> files;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write the computed tensors as safetensors, of one FILE only.")
  private Path out;

  @Option(names = "--json", description = "Print one JSON object instead of tables.")
  private boolean json;

  ParityCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    if (out != null && files.size() > 1) {
      throw new ParameterException(
          command.commandLine(), "--out takes the tensors of one FILE, but there are several.");
    }
    List<Object> reports = new ArrayList<>();
    boolean passed = true;
    for (Path file : files) {
      ParityReport report = Parity.run(file, ParitySuites.all(), Optional.ofNullable(out));
      passed &= report.passed();
      reports.add(report.json());
      if (!json) {
        session.out().print(report.text());
        session.out().flush();
      }
    }
    if (json) {
      session.out().println(Json.write(Map.of("passed", passed, "files", reports)));
    }
    return passed ? 0 : 1;
  }
}
