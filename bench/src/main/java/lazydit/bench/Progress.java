package lazydit.bench;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/** Says which task runs and how long the rest takes, judged by the tasks done so far. */
final class Progress {
  /** The share of a run from which on it tells how long the rest takes. */
  private static final double ENOUGH = 0.1;

  private final PrintStream err;
  private final List<Task> tasks;
  private final long start = System.nanoTime();
  private double foreseen;
  private int next;

  Progress(PrintStream err, List<Task> tasks) {
    this.err = err;
    this.tasks = tasks;
  }

  /** The next task begins. */
  void begin(Task task) {
    double rest = tasks.stream().skip(next).mapToDouble(Task::seconds).sum();
    double elapsed = (System.nanoTime() - start) * 1e-9;
    next++;
    err.println(
        "lazydit: [%d/%d] %s, about %s left"
            .formatted(next, tasks.size(), task.name(), time(rest, foreseen, elapsed)));
    foreseen += task.seconds();
  }

  /** What is left, stretched as what was foreseen turned out once that is enough to tell. */
  static String time(double rest, double foreseen, double elapsed) {
    boolean telling = foreseen > 0 && foreseen >= ENOUGH * (foreseen + rest);
    double stretched = telling ? rest * elapsed / foreseen : rest;
    long seconds = (long) Math.ceil(stretched);
    return seconds < 60
        ? seconds + " s"
        : String.format(Locale.ROOT, "%d min %d s", seconds / 60, seconds % 60);
  }
}
