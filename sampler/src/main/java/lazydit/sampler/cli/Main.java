package lazydit.sampler.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import lazydit.engine.LazyDitException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code lazydit} command.
 *
 * <p>Results go to standard output, everything for people to standard error. Exit codes: 0 done, 1
 * failed, 2 not understood, 130 interrupted.
 */
@Command(
    name = "lazydit",
    description = "Draws pictures with diffusion transformers that reuse work they have done.",
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    versionProvider = Main.Version.class,
    usageHelpWidth = 100,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Example:",
      "  lazydit sample --classes sneaker,bag --count 8",
      "",
      "lazydit COMMAND --help describes a command. In a checkout of the sources there is also",
      "lazydit bench, which measures kernels and network."
    })
public final class Main implements Runnable {
  private static final int FAILED = 1;
  private static final int INTERRUPTED = 130;

  @Spec private CommandSpec command;

  @Option(
      names = "--stacktrace",
      scope = ScopeType.INHERIT,
      description = "After an error, print where in the program it arose.")
  private boolean stacktrace;

  private final Session session;

  private Main(Session session) {
    this.session = session;
  }

  /**
   * Runs the command and ends the JVM.
   *
   * @param args the command line
   */
  public static void main(String[] args) {
    Session session = new Session(System.out, System.err);
    CountDownLatch finished = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(session, finished)));
    int exit = run(args, session);
    finished.countDown();
    System.exit(exit);
  }

  /** After Ctrl-C: lets the command end its work in order, but not for long. */
  private static void stop(Session session, CountDownLatch finished) {
    if (finished.getCount() == 0) {
      return;
    }
    session.cancel();
    try {
      if (!finished.await(session.secondsToStop(), TimeUnit.SECONDS)) {
        session.sayCancelled();
      }
    } catch (InterruptedException e) {
      // The JVM ends now.
    }
  }

  /**
   * Runs the command inside another program.
   *
   * @param args the command line
   * @param out for results
   * @param err for everything that people read
   * @return the exit code
   */
  public static int run(String[] args, PrintStream out, PrintStream err) {
    return run(args, new Session(out, err));
  }

  static int run(String[] args, Session session) {
    Main main = new Main(session);
    CommandLine command =
        new CommandLine(main)
            .addSubcommand(new SampleCommand(session))
            .addSubcommand(WeightsCommand.line(session))
            .addSubcommand(new InspectCommand(session))
            .addSubcommand(new ConvertCommand(session))
            .addSubcommand(new ParityCommand(session))
            .addSubcommand(new DataCommand(session))
            .addSubcommand(new EvaluateCommand(session))
            .addSubcommand(new TrainCommand(session))
            .addSubcommand(new TrainClassifierCommand(session))
            .addSubcommand(new LearnCommand(session))
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setOut(new PrintWriter(session.out(), true))
            .setErr(new PrintWriter(session.err(), true))
            .setParameterExceptionHandler((e, arguments) -> main.misunderstood(e))
            .setExecutionExceptionHandler((e, line, parsed) -> main.failed(e));
    try {
      return main.delivered(command.execute(args));
    } catch (OutOfMemoryError e) {
      return main.failed(
          new LazyDitException(
              "There is not enough memory: give Java more with LAZYDIT_JAVA_OPTS=-Xmx8g, or take"
                  + " fewer pictures together with --batch-size or --micro-batch.",
              e));
    }
  }

  /** A print stream swallows what goes wrong: a full disk behind {@code > results.json}. */
  private int delivered(int exit) {
    if (!session.out().checkError()) {
      return exit;
    }
    session.say(
        "standard output did not take all that was printed: its disk is full, or its reader gone.");
    return exit == 0 ? FAILED : exit;
  }

  @Override
  public void run() {
    command.commandLine().usage(session.out());
  }

  private int misunderstood(ParameterException e) {
    CommandLine line = e.getCommandLine();
    session.say(sentence(e.getMessage()));
    List<String> similar =
        e instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions() : List.of();
    String hint = similar.isEmpty() ? "" : "did you mean " + String.join(" or ", similar) + "? ";
    session.say(hint + "see " + line.getCommandSpec().qualifiedName() + " --help.");
    return trace(e, CommandLine.ExitCode.USAGE);
  }

  private int failed(Exception e) {
    if (session.cancelled()) {
      session.sayCancelled();
      return INTERRUPTED;
    }
    boolean expected = e instanceof LazyDitException;
    session.say(expected ? sentence(e.getMessage()) : "something unexpected happened (" + e + ").");
    return trace(e, FAILED);
  }

  private static String sentence(String message) {
    String text = message.strip();
    return text.endsWith(".") ? text : text + ".";
  }

  private int trace(Exception e, int exit) {
    if (stacktrace) {
      e.printStackTrace(session.err());
    }
    return exit;
  }

  /** Reads the version from the jar. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {name()};
    }

    static String name() {
      String version = Main.class.getPackage().getImplementationVersion();
      return "lazydit " + (version == null ? "(not from a jar)" : version);
    }
  }
}
