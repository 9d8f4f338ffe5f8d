package lazydit.sampler;

import java.util.Optional;
import lazydit.dit.DitRun;

/**
 * A network's run that is over, kept with its memory for the next run of the same use: tens of
 * megabytes that are neither allocated nor touched for the first time again.
 *
 * @param use what it serves
 * @param run owned by whoever has taken it
 */
record IdleNetwork(Use use, DitRun run) {

  /**
   * What a run is made for.
   *
   * @param rows of a batch, null rows included
   * @param steps of the schedule
   * @param thresholds of the gates, if there are any
   * @param reuse the gates, or else the policy
   */
  record Use(int rows, int steps, Optional<SampleResult.GatesUsed> thresholds, Object reuse) {}
}
