package lazydit.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import lazydit.bench.sweep.Sweep;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.weights.AtomicFile;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/**
 * {@code lazydit bench}: measures the suite and writes the report, or hands over to JMH or the tile
 * sweep.
 *
 * <p>The table goes to standard output, everything else for people to standard error. Exit codes: 0
 * done, 1 failed, 2 not understood, 130 interrupted.
 */
@Command(
    name = "lazydit bench",
    description =
        "Measures the kernels and the whole network, as shares of this machine's limits and against"
            + " other libraries, and writes a report.",
    mixinStandardHelpOptions = true,
    usageHelpWidth = 100,
    footer = {
      "",
      "Examples:",
      "  lazydit bench --quick --filter 'gemm|attention'",
      "  lazydit bench --peers --record",
      "  lazydit bench jmh KernelBenchmark -p work=gemm/256x1152x1152 -prof gc",
      "",
      "lazydit bench jmh ... passes what follows to JMH; lazydit bench jmh -h describes it.",
      "lazydit bench sweep tries register tiles; lazydit bench sweep --help describes it."
    })
public final class Main implements Callable<Integer> {
  private static final int MOST_THREADS = 1024;

  private final PrintStream out;
  private final PrintStream err;

  @CommandLine.Spec private CommandLine.Model.CommandSpec command;

  @Option(
      names = "--filter",
      paramLabel = "REGEX",
      description =
          "Only benchmarks in whose name this is found, such as gemm/512 or lazy. A name is"
              + " benchmark/sizes/threads, the last as in 2t.")
  private String filter;

  @Option(
      names = "--quick",
      description =
          "A look of about two minutes: fewer shapes and rounds, and 4 of the 28 blocks. Not to be"
              + " quoted.")
  private boolean quick;

  @Option(
      names = "--peers",
      description = "Compare with OpenBLAS, PyTorch and ONNX Runtime, downloaded once (230 MB).")
  private boolean withPeers;

  @Option(
      names = "--torch-peer",
      paramLabel = "COMMAND",
      description =
          "Compare the whole forward pass with a PyTorch program too, such as \"python3 peer.py\";"
              + " it gets \"forward --preset XL/2 --batch 2 --threads N\" and prints JSON with its"
              + " \"seconds\".")
  private String torchPeer;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Measure with 1 and with N threads. Default: one for each processor.")
  private int threads = Workers.defaultThreads();

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the JSON here too, besides bench/results/results.json.")
  private Path json;

  @Option(
      names = "--record",
      description = "Append a line with the summary to bench/history.jsonl.")
  private boolean record;

  private Main(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  /**
   * Runs the command and ends the JVM.
   *
   * @param args the command line
   * @throws IOException from JMH
   */
  public static void main(String[] args) throws IOException {
    if (args.length > 0 && args[0].equals("jmh")) {
      org.openjdk.jmh.Main.main(Arrays.copyOfRange(args, 1, args.length));
      return;
    }
    System.setProperty("java.awt.headless", "true");
    System.exit(run(args, System.out, System.err));
  }

  /** Runs the command inside another program; returns the exit code. */
  static int run(String[] args, PrintStream out, PrintStream err) {
    if (args.length > 0 && args[0].equals("sweep")) {
      return run(new Sweep(out, err), Arrays.copyOfRange(args, 1, args.length), out, err);
    }
    return run(new Main(out, err), args, out, err);
  }

  private static int run(Object command, String[] args, PrintStream out, PrintStream err) {
    return new CommandLine(command)
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .setParameterExceptionHandler((e, line) -> misunderstood(e, err))
        .setExecutionExceptionHandler((e, line, parsed) -> failed(e, err))
        .execute(args);
  }

  private static int misunderstood(ParameterException e, PrintStream err) {
    err.println("lazydit: " + e.getMessage());
    String command = e.getCommandLine().getCommandSpec().name();
    err.println("lazydit: see " + command + " --help.");
    return CommandLine.ExitCode.USAGE;
  }

  private static int failed(Exception e, PrintStream err) {
    if (e instanceof LazyDitException) {
      err.println("lazydit: " + e.getMessage());
    } else {
      e.printStackTrace(err);
    }
    return CommandLine.ExitCode.SOFTWARE;
  }

  @Override
  public Integer call() {
    if (threads < 1 || threads > MOST_THREADS) {
      throw misused("--threads must be 1 to %d, but is %d.".formatted(MOST_THREADS, threads));
    }
    if (torchPeer != null && quick) {
      throw misused("--torch-peer runs all blocks, so not with --quick.");
    }
    Path root = root();
    Path results = root.resolve("bench/results");
    Effort effort = quick ? Effort.QUICK : Effort.FULL;
    PytorchProgram program =
        torchPeer == null ? null : new PytorchProgram(torchPeer, Path.of("").toAbsolutePath());
    try (Bench bench = new Bench(effort, threads, withPeers ? peers() : List.of(), program, err)) {
      List<Task> tasks = chosen(Suite.all(bench, root));
      if (json != null) {
        AtomicFile.requireWritable(json);
      }
      Path unfinished = folder(results).resolve("unfinished.json");
      SuiteRun run = new SuiteRun(tasks, Machine.describe(root), settings(bench), unfinished, err);
      run.measure(() -> ceilings(bench));
      boolean all = run.finish(report -> write(report, results, root));
      return all ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
  }

  /** The project's folder: the jar lies below it. */
  private static Path root() {
    try {
      URI jar = Main.class.getProtectionDomain().getCodeSource().getLocation().toURI();
      for (Path folder = Path.of(jar); folder != null; folder = folder.getParent()) {
        if (Files.exists(folder.resolve("lazydit")) && Files.exists(folder.resolve("bench"))) {
          return folder;
        }
      }
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
    throw new LazyDitException("The jar does not lie inside the project that it measures.");
  }

  private ParameterException misused(String message) {
    return new ParameterException(command.commandLine(), message);
  }

  private List<Task> chosen(List<Task> tasks) {
    try {
      return Suite.filtered(tasks, filter == null ? null : Pattern.compile(filter));
    } catch (PatternSyntaxException e) {
      throw misused("--filter is no regular expression: " + e.getDescription() + ".");
    } catch (LazyDitException e) {
      throw misused(e.getMessage());
    }
  }

  private List<Peer> peers() {
    List<Peer> peers = ServiceLoader.load(Peer.class).stream().map(p -> p.get()).toList();
    if (peers.isEmpty()) {
      throw new LazyDitException(
          "This build has no peers: start it as ./lazydit bench --peers, which makes one that"
              + " has.");
    }
    return peers;
  }

  /** The machine's limits, which open every report. */
  private List<Row> ceilings(Bench bench) {
    List<Row> rows = new ArrayList<>();
    for (Limit limit : Limit.values()) {
      for (int n : Suite.threadCounts(1, threads)) {
        double rate = bench.ceilings().alone(limit, bench.workers(n));
        rows.add(Row.plain(limit.ceilingName(), limit.ceilingShape(), n, rate, limit.unit()));
      }
    }
    for (int n : Suite.threadCounts(1, threads)) {
      double rate = bench.ceilings().pastCaches(bench.workers(n));
      rows.add(Row.plain("copy past the caches", "no limit of kernels", n, rate, "GB/s"));
    }
    bench.ceilings().release();
    return rows;
  }

  private Map<String, Object> settings(Bench bench) {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("date", LocalDate.now(ZoneOffset.UTC).toString());
    settings.put("threads", threads);
    settings.put("quick", quick);
    if (filter != null) {
      settings.put("filter", filter);
    }
    Map<String, Object> versions = new LinkedHashMap<>();
    bench.peers().forEach(peer -> versions.put(peer.name(), peer.version()));
    settings.put("peers", versions);
    if (torchPeer != null) {
      settings.put("torchPeer", true);
    }
    return settings;
  }

  /** Makes it, if need be. */
  private static Path folder(Path folder) {
    try {
      return Files.createDirectories(folder);
    } catch (IOException e) {
      throw new LazyDitException("The folder %s cannot be made: %s.".formatted(folder, e), e);
    }
  }

  private void write(Report report, Path results, Path root) {
    try {
      report.writeJson(results.resolve("results.json"));
      report.writeMarkdown(results.resolve("results.md"));
      Charts.write(report.rows(), results);
      if (json != null) {
        report.writeJson(json);
      }
      if (record) {
        History.append(root.resolve("bench/history.jsonl"), report);
      }
    } catch (IOException e) {
      throw new LazyDitException("The report cannot be written: " + e.getMessage(), e);
    }
    out.print(report.markdown());
    err.println("lazydit: wrote " + results);
  }
}
