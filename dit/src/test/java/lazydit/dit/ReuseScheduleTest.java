package lazydit.dit;

import static lazydit.dit.Samples.SMALL;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import org.junit.jupiter.api.Test;

class ReuseScheduleTest {
  private static final int STEPS = 7;
  private static final float[] TIMESTEPS = {0, 160, 320, 480, 640, 800, 999};

  private static LazyStatistics run(CachePolicy policy) {
    Dit dit = new Dit(SMALL, new RandomWeights(SMALL, 31));
    try (Workers workers = new Workers(1)) {
      DitRun run = dit.newRun(2, STEPS, policy, workers);
      run.condition(TIMESTEPS, new int[] {1, 4});
      float[] out = new float[2 * SMALL.outputLength()];
      for (int step = STEPS - 1; step >= 0; step--) {
        run.forward(new float[2 * SMALL.inputLength()], step, out);
      }
      return run.statistics();
    }
  }

  @Test
  void everyThirdStepIsComputedFromTheFirstOn() {
    LazyStatistics done = run(ReuseSchedule.every(STEPS, SMALL.depth(), 3));
    for (int step = 0; step < STEPS; step++) {
      for (Branch branch : Branch.values()) {
        boolean computed = step == 6 || step == 3 || step == 0;
        assertEquals(!computed, done.reused(step, 0, branch, 1), "step " + step);
        assertEquals(false, done.gated(step, 0, branch));
      }
    }
    assertEquals(4.0 / 7, done.ratio());
  }

  @Test
  void aRandomScheduleReusesExactlyItsShare() {
    int places = STEPS * SMALL.depth() * 2;
    for (double ratio : new double[] {0, 0.3, 0.5, 6.0 / 7}) {
      LazyStatistics done = run(ReuseSchedule.random(STEPS, SMALL.depth(), ratio, 9));
      assertEquals((double) Math.round(ratio * places) / places, done.ratio(), 1e-12);
      assertEquals(0, reusedAtFirstStep(done));
    }
  }

  private static int reusedAtFirstStep(LazyStatistics done) {
    int count = 0;
    for (int block = 0; block < SMALL.depth(); block++) {
      for (Branch branch : Branch.values()) {
        count += done.reused(STEPS - 1, block, branch, 0) ? 1 : 0;
      }
    }
    return count;
  }

  @Test
  void seedsDecideWhere() {
    ReuseSchedule one = ReuseSchedule.random(20, 6, 0.5, 1);
    ReuseSchedule same = ReuseSchedule.random(20, 6, 0.5, 1);
    ReuseSchedule other = ReuseSchedule.random(20, 6, 0.5, 2);
    boolean differs = false;
    for (int step = 0; step < 20; step++) {
      for (int block = 0; block < 6; block++) {
        boolean reuse = one.reuse(step, block, Branch.ATTN, 0, Float.NaN);
        assertEquals(reuse, same.reuse(step, block, Branch.ATTN, 0, Float.NaN));
        differs |= reuse != other.reuse(step, block, Branch.ATTN, 0, Float.NaN);
      }
    }
    assertTrue(differs);
  }

  @Test
  void whatCannotBeIsRefused() {
    assertThrows(LazyDitException.class, () -> ReuseSchedule.random(2, 1, 0.7, 0));
    assertThrows(LazyDitException.class, () -> ReuseSchedule.random(2, 1, Double.NaN, 0));
    assertThrows(LazyDitException.class, () -> ReuseSchedule.every(2, 1, 0));
    assertThrows(LazyDitException.class, () -> run(ReuseSchedule.every(STEPS, 9, 2)));
  }
}
