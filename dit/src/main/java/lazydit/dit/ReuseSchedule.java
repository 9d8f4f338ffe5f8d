package lazydit.dit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import lazydit.engine.LazyDitException;

/**
 * Reuses at places that are fixed beforehand, whatever the input: the training-free policies that
 * learned gates have to beat. The same for every sample, and nothing is evaluated to decide.
 */
public final class ReuseSchedule implements CachePolicy {
  private static final int BRANCHES = Branch.values().length;

  private final int steps;
  private final int depth;
  private final boolean[] reused;

  private ReuseSchedule(int steps, int depth) {
    if (steps < 1 || depth < 1) {
      throw new LazyDitException(
          "A schedule of reuse needs at least 1 step and 1 block, not %d and %d."
              .formatted(steps, depth));
    }
    this.steps = steps;
    this.depth = depth;
    reused = new boolean[Math.multiplyExact(Math.multiplyExact(steps, depth), BRANCHES)];
  }

  /**
   * Computes everything at the first step of sampling and every so many steps after it, and nothing
   * in between (FORA; Selvaraju et al. 2024).
   *
   * @param steps S, steps of sampling, at least 1
   * @param depth L, blocks of the network, at least 1
   * @param every how many steps share one computation; 1 to compute always
   * @return the schedule
   * @throws LazyDitException when a number is less than 1
   */
  public static ReuseSchedule every(int steps, int depth, int every) {
    if (every < 1) {
      throw new LazyDitException("One of every %d steps cannot be computed.".formatted(every));
    }
    ReuseSchedule schedule = new ReuseSchedule(steps, depth);
    int places = depth * BRANCHES;
    for (int step = 0; step < steps; step++) {
      boolean reuse = (steps - 1 - step) % every != 0;
      for (int place = 0; place < places; place++) {
        schedule.reused[step * places + place] = reuse;
      }
    }
    return schedule;
  }

  /**
   * Reuses at places drawn at random among all but the first step's.
   *
   * @param steps S, steps of sampling, at least 1
   * @param depth L, blocks of the network, at least 1
   * @param ratio the share of all places, the first step's included, that are reused: 0 to {@code
   *     (S - 1) / S}
   * @param seed decides which
   * @return the schedule
   * @throws LazyDitException when the ratio cannot be reached
   */
  public static ReuseSchedule random(int steps, int depth, double ratio, long seed) {
    ReuseSchedule schedule = new ReuseSchedule(steps, depth);
    int free = (steps - 1) * depth * BRANCHES;
    long wanted = Math.round(ratio * schedule.reused.length);
    if (!(ratio >= 0) || wanted > free) {
      throw new LazyDitException(
          "Of %d steps a share of 0 to %.3f can be reused, not %s."
              .formatted(steps, (steps - 1.0) / steps, ratio));
    }
    List<Integer> places = new ArrayList<>();
    for (int place = 0; place < free; place++) {
      places.add(place);
    }
    Collections.shuffle(places, new Random(seed));
    places.subList(0, (int) wanted).forEach(place -> schedule.reused[place] = true);
    return schedule;
  }

  /** {@return S, the steps of sampling it is for} */
  public int steps() {
    return steps;
  }

  @Override
  public Gate gate(int step, int block, Branch branch) {
    return null;
  }

  @Override
  public boolean reuse(int step, int block, Branch branch, int sample, float score) {
    return reused[(step * depth + block) * BRANCHES + branch.ordinal()];
  }

  @Override
  public OutputCache newCache(TransformerConfig config, int batch) {
    if (config.depth() != depth) {
      throw new LazyDitException(
          "The schedule of reuse is for %d blocks, but the network has %d."
              .formatted(depth, config.depth()));
    }
    return new LastOutputCache(config, batch);
  }
}
