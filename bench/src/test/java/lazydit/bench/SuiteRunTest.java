package lazydit.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import lazydit.engine.LazyDitException;
import lazydit.weights.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is left of a run that ends well, badly, or not by itself. */
class SuiteRunTest {
  private static final String UNFINISHED = "unfinished.json";
  private static final Row CEILING = Row.plain("fma", "registers", 2, 100, "GFLOP/s");
  private static final Row FIRST = Row.plain("lazy50", "first", 2, 1.9, "x");
  private static final Row SECOND = Row.plain("lazy90", "second", 2, 8, "x");

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @TempDir private Path folder;

  private record Given(String name, Supplier<List<Row>> body) implements Task {
    @Override
    public double seconds() {
      return 1;
    }

    @Override
    public List<Row> run() {
      return body.get();
    }
  }

  private static SuiteRun run(Path folder, PrintStream err, Task... tasks) {
    Map<String, Object> machine = Map.of("commit", "abc");
    return new SuiteRun(
        List.of(tasks), machine, Map.of("quick", true), folder.resolve(UNFINISHED), err);
  }

  private SuiteRun run(Task... tasks) {
    return run(folder, new PrintStream(err, true, StandardCharsets.UTF_8), tasks);
  }

  private static Map<String, Object> unfinished(Path folder) {
    try {
      return Json.parseObject(Files.readString(folder.resolve(UNFINISHED)), UNFINISHED);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void assertHoldsTheFirst(Map<String, Object> json) {
    assertEquals(Map.of("quick", true, "finished", "1 of 2 tasks"), json.get("settings"));
    List<?> rows = (List<?>) json.get("rows");
    assertEquals(2, rows.size());
    assertEquals("first", ((Map<?, ?>) rows.get(1)).get("shape"));
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void rowsAreKeptUntilTheReportIsWritten() throws IOException {
    List<Map<String, Object>> seen = new ArrayList<>();
    Task first = new Given("first", () -> List.of(FIRST));
    Task second =
        new Given(
            "second",
            () -> {
              seen.add(unfinished(folder));
              return List.of(SECOND);
            });
    SuiteRun run = run(first, second);
    run.measure(() -> List.of(CEILING));
    assertHoldsTheFirst(seen.getFirst());
    List<Report> reports = new ArrayList<>();
    assertTrue(run.finish(reports::add));
    assertEquals(List.of(CEILING, FIRST, SECOND), reports.getFirst().rows());
    assertEquals(Map.of("quick", true), reports.getFirst().settings());
    assertEquals(List.of(), files());
  }

  @Test
  void whatFailsIsNamedAndTheOthersAreMeasured() {
    Task unlinked =
        new Given(
            "unlinked",
            () -> {
              throw new UnsatisfiedLinkError("no jnitorch");
            });
    Task broken =
        new Given(
            "broken",
            () -> {
              throw new LazyDitException("It is broken.");
            });
    SuiteRun run = run(unlinked, broken, new Given("second", () -> List.of(SECOND)));
    run.measure(() -> List.of(CEILING));
    List<Report> reports = new ArrayList<>();
    assertFalse(run.finish(reports::add));
    assertEquals(List.of(CEILING, SECOND), reports.getFirst().rows());
    assertEquals(List.of("unlinked", "broken"), reports.getFirst().settings().get("failed"));
    assertEquals(
        List.of(
            "lazydit: unlinked failed: java.lang.UnsatisfiedLinkError: no jnitorch",
            "lazydit: broken failed: It is broken."),
        err.toString(StandardCharsets.UTF_8)
            .lines()
            .filter(line -> line.contains("failed"))
            .toList());
  }

  @Test
  void aReportThatCannotBeWrittenCostsNoRows() {
    SuiteRun run = run(new Given("first", () -> List.of(FIRST)));
    run.measure(() -> List.of(CEILING));
    assertThrows(
        LazyDitException.class,
        () ->
            run.finish(
                report -> {
                  throw new LazyDitException("The disk is full.");
                }));
    assertEquals(2, ((List<?>) unfinished(folder).get("rows")).size());
  }

  /** Takes signals; its second task starts a program that tells its beginning and its end. */
  static final class Stopped {
    private Stopped() {}

    /** Measures without an end. */
    public static void main(String[] args) {
      Path folder = Path.of(args[0]);
      String program =
          "trap 'touch ended; exit' TERM; touch begun; for i in $(seq 600); do sleep 0.1; done";
      Task first = new Given("first", () -> List.of(FIRST));
      Task second =
          new Given(
              "second",
              () -> {
                Commands.run(folder, List.of("/bin/sh", "-c", program));
                return List.of(SECOND);
              });
      run(folder, System.err, first, second).measure(() -> List.of(CEILING));
    }
  }

  @DisabledOnOs(OS.WINDOWS)
  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143"})
  void aRunThatIsStoppedKeepsWhatItHas(String signal, int exit) throws Exception {
    Path said = Files.createTempFile("lazydit", ".txt");
    try {
      Process process =
          new ProcessBuilder(Commands.java(Stopped.class, folder.toString()))
              .redirectErrorStream(true)
              .redirectOutput(said.toFile())
              .start();
      try {
        await("begun", process);
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(exit, process.exitValue());
      } finally {
        process.destroyForcibly();
      }
      await("ended", null);
      assertEquals(List.of("begun", "ended", UNFINISHED), files());
      assertHoldsTheFirst(unfinished(folder));
      List<String> lines = Files.readAllLines(said);
      assertEquals(
          List.of(
              "lazydit: [2/2] second, about 1 s left",
              "lazydit: stopped after 1 of 2 tasks; what they measured is in %s."
                  .formatted(folder.resolve(UNFINISHED))),
          lines.subList(lines.size() - 2, lines.size()));
    } finally {
      Files.delete(said);
    }
  }

  private void await(String name, Process process) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!files().contains(name)) {
      assertTrue(process == null || process.isAlive(), "ended before " + name);
      assertTrue(System.nanoTime() < end, "waited for " + name);
      Thread.sleep(5);
    }
  }
}
