package lazydit.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import lazydit.engine.LazyDitException;

/**
 * Tasks that run one after another. What they measured is in a file after each of them, so that a
 * run that is stopped was not for nothing; in the end the report takes the file's place.
 */
final class SuiteRun {
  private final List<Task> tasks;
  private final Map<String, Object> machine;
  private final Map<String, Object> settings;
  private final Path unfinished;
  private final PrintStream err;
  private final List<Row> rows = new ArrayList<>();
  private final List<String> failed = new ArrayList<>();
  private int done;
  private boolean ended;

  /**
   * A run that has not begun.
   *
   * @param tasks what is measured
   * @param machine where and of what
   * @param settings how
   * @param unfinished the file that holds the rows until the report is written
   * @param err for everything that people read
   */
  SuiteRun(
      List<Task> tasks,
      Map<String, Object> machine,
      Map<String, Object> settings,
      Path unfinished,
      PrintStream err) {
    this.tasks = tasks;
    this.machine = machine;
    this.settings = settings;
    this.unfinished = unfinished;
    this.err = err;
  }

  /** Measures; a task that fails costs the others nothing. */
  void measure(Supplier<List<Row>> ceilings) {
    Runtime.getRuntime().addShutdownHook(new Thread(this::stop));
    rows.addAll(ceilings.get());
    Progress progress = new Progress(err, tasks);
    for (Task task : tasks) {
      if (ended()) {
        return;
      }
      progress.begin(task);
      List<Row> found = List.of();
      try {
        found = task.run();
      } catch (RuntimeException | Error e) {
        fail(task, e);
      }
      keep(found);
    }
  }

  private synchronized boolean ended() {
    return ended;
  }

  private synchronized void fail(Task task, Throwable e) {
    if (!ended) {
      failed.add(task.name());
      String reason = e instanceof LazyDitException ? e.getMessage() : e.toString();
      err.println("lazydit: %s failed: %s".formatted(task.name(), reason));
    }
  }

  private synchronized void keep(List<Row> found) {
    if (!ended) {
      rows.addAll(found);
      done++;
      report(Map.of("finished", "%d of %d tasks".formatted(done, tasks.size())))
          .writeJson(unfinished);
    }
  }

  private Report report(Map<String, Object> more) {
    Map<String, Object> all = new LinkedHashMap<>(settings);
    all.putAll(more);
    if (!failed.isEmpty()) {
      all.put("failed", List.copyOf(failed));
    }
    return new Report(machine, all, rows, Summary.of(rows));
  }

  /**
   * Ends the run, unless it was stopped.
   *
   * @param write writes the report
   * @return whether every task was done
   */
  synchronized boolean finish(Consumer<Report> write) {
    if (ended) {
      return false;
    }
    write.accept(report(Map.of()));
    try {
      Files.deleteIfExists(unfinished);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    ended = true;
    return failed.isEmpty();
  }

  /** When the JVM ends before the run, as after Ctrl-C: says what is left of it. */
  private synchronized void stop() {
    if (ended) {
      return;
    }
    ended = true;
    // Programs that measure for a task would go on by themselves.
    ProcessHandle.current().descendants().forEach(ProcessHandle::destroy);
    err.println(
        done == 0
            ? "lazydit: stopped before a task was done; no file was written."
            : "lazydit: stopped after %d of %d tasks; what they measured is in %s."
                .formatted(done, tasks.size(), unfinished));
  }
}
