package lazydit.sampler.cli;

import java.io.Console;
import java.io.PrintStream;
import java.util.Locale;
import java.util.function.DoubleFunction;
import lazydit.sampler.ProgressListener;

/**
 * One line that says how far a run is and how long it still takes. Only where somebody is looking,
 * and only when it takes longer than two seconds.
 */
final class ProgressLine implements ProgressListener, AutoCloseable {
  private static final double QUIET_SECONDS = 2;
  private static final double SECONDS_BETWEEN = 0.2;

  private final PrintStream err;
  private final boolean shown;
  private long start;
  private double last;
  private int width;

  ProgressLine(PrintStream err, boolean shown) {
    this.err = err;
    this.shown = shown;
    begin();
  }

  static boolean somebodyIsLooking() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  /** A new run begins. */
  void begin() {
    start = System.nanoTime();
    last = QUIET_SECONDS - SECONDS_BETWEEN;
  }

  @Override
  public void onProgress(long done, long total) {
    onProgress(elapsed -> text((double) done / total, elapsed));
  }

  /** The same with a line of the caller's, made of the seconds since the run began. */
  void onProgress(DoubleFunction<String> text) {
    double elapsed = (System.nanoTime() - start) * 1e-9;
    if (shown && elapsed >= last + SECONDS_BETWEEN) {
      last = elapsed;
      show(text.apply(elapsed));
    }
  }

  /** The line after some seconds, when that share is done. */
  static String text(double share, double elapsed) {
    long left = (long) Math.ceil(elapsed / share * (1 - share));
    String time = left < 60 ? left + " s" : left / 60 + " min " + left % 60 + " s";
    return String.format(Locale.ROOT, "%3.0f %%, about %s left", 100 * share, time);
  }

  private void show(String text) {
    err.print("\r" + text + " ".repeat(Math.max(0, width - text.length())));
    err.flush();
    width = text.length();
  }

  /** Wipes the line. */
  @Override
  public void close() {
    if (width > 0) {
      show("");
      err.print("\r");
      err.flush();
    }
  }
}
