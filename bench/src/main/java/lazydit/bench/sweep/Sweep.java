package lazydit.bench.sweep;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import jdk.incubator.vector.FloatVector;
import lazydit.bench.Commands;
import lazydit.bench.Median;
import lazydit.engine.LazyDitException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code lazydit bench sweep}: writes, compiles and times register tiles, each in fresh JVMs, since
 * C2 decides otherwise in each.
 */
@Command(
    name = "lazydit bench sweep",
    description =
        "Times register tiles of the matrix product, rows x vectors, each in fresh JVMs on one"
            + " thread, and prints the share of the FMA ceiling that each reaches.",
    mixinStandardHelpOptions = true,
    usageHelpWidth = 100,
    footer = {
      "",
      "Examples:",
      "  lazydit bench sweep",
      "  lazydit bench sweep --bits 256 --tiles 4x2,5x2,3x3u2 --forks 5",
      "",
      "Below the machine's width it has 16 registers, as on processors that end there."
    })
public final class Sweep implements Callable<Integer> {
  private static final List<String> FOR_32_REGISTERS =
      List.of(
          "4x2", "6x2", "8x2", "9x2", "10x2", "11x2", "12x2", "13x2", "14x2", "24x1", "8x3", "9x3",
          "6x4", "8x2u2", "12x2u2");

  private static final List<String> FOR_16_REGISTERS =
      List.of(
          "2x2", "3x2", "4x2", "5x2", "6x2", "8x1", "10x1", "11x1", "12x1", "13x1", "3x3", "4x3",
          "2x4", "4x2u2");

  // A JVM needs two seconds until C2 is done with the larger tiles.
  private static final String WARM_UP_SECONDS = "2.5";
  private static final String SECONDS = "1";

  private static final Pattern SHARE = Pattern.compile("^share (\\S+)$", Pattern.MULTILINE);

  private final PrintStream out;
  private final PrintStream err;

  @Option(
      names = "--bits",
      paramLabel = "N",
      description = "The width of vectors: 128, 256 or 512. Default: what the machine prefers.")
  private int bits = FloatVector.SPECIES_PREFERRED.vectorBitSize();

  @Option(
      names = "--tiles",
      paramLabel = "RxV",
      split = ",",
      description =
          "Which tiles, rows x vectors, with u2 for two steps of the sum in a round of the loop."
              + " Default: those that could be thought to win.")
  private List<String> tiles;

  @Option(names = "--forks", paramLabel = "N", description = "JVMs for each tile. Default: 3.")
  private int forks = 3;

  /**
   * A command.
   *
   * @param out for the table
   * @param err for everything else
   */
  public Sweep(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() {
    List<Candidate> candidates = candidates();
    try {
      Path classes = Files.createTempDirectory("lazydit-sweep");
      try {
        compile(candidates, classes);
        print(candidates.stream().map(candidate -> measure(candidate, classes)).toList());
      } finally {
        delete(classes);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return 0;
  }

  private List<Candidate> candidates() {
    int preferred = FloatVector.SPECIES_PREFERRED.vectorBitSize();
    if (bits != 128 && bits != 256 && bits != 512 || bits > preferred || forks < 1) {
      throw new LazyDitException(
          "A sweep takes --bits 128, 256 or 512, here up to %d, and --forks from 1."
              .formatted(preferred));
    }
    List<String> names = bits == 512 ? FOR_32_REGISTERS : FOR_16_REGISTERS;
    return (tiles == null ? names : tiles).stream().map(Candidate::named).toList();
  }

  /** Compiles candidates into a folder. */
  static void compile(List<Candidate> candidates, Path classes) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    if (compiler == null) {
      throw new LazyDitException("A sweep compiles tiles, which needs a JDK.");
    }
    List<String> arguments =
        new ArrayList<>(List.of("--add-modules", "jdk.incubator.vector", "-Xlint:-incubating"));
    arguments.addAll(List.of("-cp", System.getProperty("java.class.path")));
    for (Candidate candidate : candidates) {
      Path file = classes.resolve(candidate.className() + ".java");
      Files.writeString(file, candidate.source());
      arguments.add(file.toString());
    }
    if (compiler.run(null, null, null, arguments.toArray(String[]::new)) != 0) {
      throw new LazyDitException("The tiles do not compile.");
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** A tile's median share, the extremes, and its spills in the fork that had most. */
  private record Result(
      Candidate tile, double share, double least, double most, OptionalInt spills) {}

  private Result measure(Candidate candidate, Path classes) {
    double[] shares = new double[forks];
    OptionalInt spills = OptionalInt.empty();
    for (int fork = 0; fork < forks; fork++) {
      String output = Commands.run(classes, command(candidate, classes));
      Matcher share = SHARE.matcher(output);
      if (!share.find()) {
        throw new LazyDitException("The tile " + candidate.name() + " printed no share.");
      }
      shares[fork] = Double.parseDouble(share.group(1));
      OptionalInt found = MachineCode.spills(output);
      if (found.isPresent() && found.getAsInt() >= spills.orElse(0)) {
        spills = found;
      }
    }
    double share = Median.of(shares);
    err.printf(Locale.ROOT, "%s: %.3f%n", candidate.name(), share);
    double least = Median.quantile(shares, 0);
    return new Result(candidate, share, least, Median.quantile(shares, 1), spills);
  }

  private List<String> command(Candidate candidate, Path classes) {
    List<String> flags =
        new ArrayList<>(
            List.of(
                "-XX:+IgnoreUnrecognizedVMOptions",
                "-XX:+UnlockDiagnosticVMOptions",
                "-XX:CompileCommand=print,Tile*::multiply"));
    if (bits < 512) {
      flags.addAll(List.of("-XX:UseAVX=2", "-XX:MaxVectorSize=" + bits / Byte.SIZE));
    }
    return Commands.java(
        flags,
        List.of(classes),
        TileRun.class,
        candidate.className(),
        bits == 512 ? "1152" : "576",
        WARM_UP_SECONDS,
        SECONDS);
  }

  private void print(List<Result> results) {
    out.println("| bits | tile | sums | share of the FMA ceiling | spills | |");
    out.println("| ---: | --- | ---: | ---: | ---: | --- |");
    results.stream()
        .sorted(Comparator.comparingDouble(Result::share).reversed())
        .forEach(
            r ->
                out.printf(
                    Locale.ROOT,
                    "| %d | %s | %d | %.2f | %s | %.2f to %.2f in %d JVMs |%n",
                    bits,
                    r.tile().name(),
                    r.tile().rows() * r.tile().vectors(),
                    r.share(),
                    r.spills().isPresent() ? r.spills().getAsInt() : "?",
                    r.least(),
                    r.most(),
                    forks));
  }
}
