package lazydit.sampler;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
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
   * @param lanes how many networks work side by side
   * @param steps of the schedule
   * @param thresholds of the gates, if there are any
   * @param reuse the gates, or else the policy
   */
  record Use(int lanes, int steps, Optional<SampleResult.GatesUsed> thresholds, Object reuse) {}

  /**
   * The networks of a run that is over.
   *
   * @param use what they serve
   * @param lanes of one size, owned by whoever has taken them
   */
  record Idle(Use use, List<DitRun> lanes) {
    private int maxBatch() {
      return lanes.getFirst().maxBatch();
    }
  }

  /** The latest first. */
  private final Deque<Idle> kept = new ArrayDeque<>();

  /**
   * Takes networks out. Those of the same use that are too small are let go.
   *
   * @param use what they are to serve
   * @param rows that each must have room for
   * @return those that are now the caller's; null if there are none
   */
  synchronized Idle take(Use use, int rows) {
    kept.removeIf(idle -> idle.use.equals(use) && idle.maxBatch() < rows);
    for (Iterator<Idle> each = kept.iterator(); each.hasNext(); ) {
      Idle idle = each.next();
      if (idle.use.equals(use)) {
        each.remove();
        return idle;
      }
    }
    return null;
  }

  /** Keeps a run's, and lets go of the oldest when there are too many. */
  synchronized void give(Idle idle) {
    kept.addFirst(idle);
    if (kept.size() > MOST) {
      kept.removeLast();
    }
  }
}
