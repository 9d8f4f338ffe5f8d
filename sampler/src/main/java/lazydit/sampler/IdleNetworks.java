package lazydit.sampler;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Optional;
import lazydit.dit.DitRun;

/**
 * Networks whose runs are over, kept with their memory for the next runs of the same use: tens of
 * megabytes that are neither allocated nor touched for the first time again. Safe for use by many
 * threads.
 */
final class IdleNetworks {
  /** Enough for runs of two kinds in turn, such as with and without gates. */
  private static final int MOST = 2;

  /**
   * What a run is made for.
   *
   * @param steps of the schedule
   * @param thresholds of the gates, if there are any
   * @param reuse the gates, or else the policy
   */
  record Use(int steps, Optional<SampleResult.GatesUsed> thresholds, Object reuse) {}

  /**
   * A run that is over.
   *
   * @param use what it serves
   * @param run owned by whoever has taken it
   */
  record Idle(Use use, DitRun run) {}

  /** The latest first. */
  private final Deque<Idle> kept = new ArrayDeque<>();

  /**
   * Takes a network out. Those of the same use that are too small are let go.
   *
   * @param use what it is to serve
   * @param rows that it must have room for
   * @return one that is now the caller's; null if there is none
   */
  synchronized Idle take(Use use, int rows) {
    kept.removeIf(idle -> idle.use.equals(use) && idle.run.maxBatch() < rows);
    for (Iterator<Idle> each = kept.iterator(); each.hasNext(); ) {
      Idle idle = each.next();
      if (idle.use.equals(use)) {
        each.remove();
        return idle;
      }
    }
    return null;
  }

  /** Keeps one, and lets go of the oldest when there are too many. */
  synchronized void give(Idle idle) {
    kept.addFirst(idle);
    if (kept.size() > MOST) {
      kept.removeLast();
    }
  }
}
