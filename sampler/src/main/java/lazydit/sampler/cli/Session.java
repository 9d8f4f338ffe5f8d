package lazydit.sampler.cli;

import java.io.PrintStream;

/** One run of the command line: where it writes, and whether it is to stop. */
final class Session {
  private final PrintStream out;
  private final PrintStream err;
  private volatile boolean cancelled;
  private volatile Runnable onCancel = () -> {};
  private volatile int secondsToStop = 3;
  private volatile String left = "no file was written";

  /**
   * A session.
   *
   * @param out for results
   * @param err for everything that people read
   */
  Session(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  PrintStream out() {
    return out;
  }

  PrintStream err() {
    return err;
  }

  /** Says something to people, under the program's name. */
  void say(String message) {
    err.println("lazydit: " + message);
  }

  boolean cancelled() {
    return cancelled;
  }

  /** Asks the command to stop; it does so soon, leaving no half-written file. */
  void cancel() {
    cancelled = true;
    onCancel.run();
  }

  /** From now on a cancelled command leaves something: says what. */
  void leaves(String what) {
    left = what;
  }

  /** Says that the command was cancelled, and what it leaves. */
  void sayCancelled() {
    say("cancelled; " + left + ".");
  }

  /** For work that takes its time to end in order: says so when it is cancelled. */
  void beforeStopping(int seconds, String message) {
    secondsToStop = seconds;
    onCancel =
        () -> {
          if (ProgressLine.somebodyIsLooking()) {
            err.println();
          }
          say(message);
        };
  }

  /** How long a cancelled command may take to end. */
  int secondsToStop() {
    return secondsToStop;
  }

  /** For work that does not ask {@link #cancelled}: an interrupted channel stops writing. */
  void interruptWhenCancelled() {
    onCancel = Thread.currentThread()::interrupt;
  }
}
