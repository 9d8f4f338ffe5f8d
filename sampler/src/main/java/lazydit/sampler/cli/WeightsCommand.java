package lazydit.sampler.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code lazydit weights}: the tools for files of weights. */
@Command(
    name = "weights",
    description = "Tools for files of weights.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Example:",
      "  lazydit weights inspect DiT-XL-2-256x256.pt",
      "",
      "lazydit weights COMMAND --help describes a command."
    })
final class WeightsCommand implements Runnable {
  private final Session session;

  @Spec private CommandSpec command;

  private WeightsCommand(Session session) {
    this.session = session;
  }

  /** The command with the commands it has. */
  static CommandLine line(Session session) {
    return new CommandLine(new WeightsCommand(session))
        .addSubcommand(new InspectCommand(session))
        .addSubcommand(new ConvertCommand(session))
        .addSubcommand(new DiffCommand(session))
        .addSubcommand(new InitCommand(session))
        .addSubcommand(new QuantizeCommand(session));
  }

  @Override
  public void run() {
    command.commandLine().usage(session.out());
  }
}
