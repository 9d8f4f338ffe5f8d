package lazydit.bench;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import lazydit.engine.Workers;

/**
 * How many floating-point operations a second this machine does when nothing else is in the way: 12
 * accumulators in registers, no memory, both FMA units busy. Two units with a latency of 4 or 5
 * cycles need 8 or 10 sums at a time, and 12 with their operands fit into 16 registers too.
 *
 * <p>The clock moves with the hour, the neighbours and the work: under loads and stores beside the
 * arithmetic it falls by up to a sixth, and climbs back within 5 ms once only registers are busy.
 * (After a product at 162 GFLOP/s: 186 in the first 50 us, then 198 for a millisecond, 211 after 4
 * ms, 230 from 7 ms on.) So a share of the ceiling means something only when both were measured at
 * one clock: {@link #measure} is short and belongs right behind the work, {@link #sustained} tells
 * what the machine does with nothing but arithmetic.
 */
public final class FmaCeiling {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int ACCUMULATORS = 12;
  private static final int STEPS = 2;

  /** 50 us that are dropped: the clock and the pipeline come from other work. */
  private static final int LEAD_IN = 16_000;

  /** Half a millisecond: below it the timer's error shows, above it the clock climbs. */
  private static final int ROUNDS = 160_000;

  /** Half a second. */
  private static final int SUSTAINED = 1000;

  /** Where results go that nobody needs, so that C2 must compute them. */
  private volatile float sink;

  /**
   * Measures the ceiling at the clock of the work that ended just now. Only the median of some
   * measurements is to be believed, and only after a few unmeasured ones.
   *
   * @param workers the threads to measure on, all at once
   * @return GFLOP a second, over all threads
   */
  public double measure(Workers workers) {
    run(workers, LEAD_IN);
    return run(workers, ROUNDS);
  }

  /**
   * Measures the ceiling of a machine that does nothing else, at the clock that this allows.
   *
   * @param workers the threads to measure on, all at once
   * @return GFLOP a second, over all threads
   */
  public double sustained(Workers workers) {
    double last = 0;
    for (int i = 0; i < SUSTAINED; i++) {
      last = run(workers, ROUNDS);
    }
    return last;
  }

  private double run(Workers workers, int rounds) {
    long start = System.nanoTime();
    workers.forEach(workers.threads(), (worker, from, to) -> sink = spin(rounds));
    long nanos = System.nanoTime() - start;
    return 2.0 * ACCUMULATORS * STEPS * S.length() * rounds * workers.threads() / nanos;
  }

  /**
   * Too long to be inlined (over 325 bytecodes), which matters: inlined, the same loop was compiled
   * to half of its speed.
   */
  private static float spin(int rounds) {
    FloatVector x = FloatVector.broadcast(S, 0.999f);
    FloatVector y = FloatVector.broadcast(S, 1e-3f);
    FloatVector a = x;
    FloatVector b = x;
    FloatVector c = x;
    FloatVector d = x;
    FloatVector e = x;
    FloatVector f = x;
    FloatVector g = x;
    FloatVector h = x;
    FloatVector i = x;
    FloatVector j = x;
    FloatVector k = x;
    FloatVector l = x;
    for (int r = 0; r < rounds; r++) {
      a = a.fma(x, y);
      b = b.fma(x, y);
      c = c.fma(x, y);
      d = d.fma(x, y);
      e = e.fma(x, y);
      f = f.fma(x, y);
      g = g.fma(x, y);
      h = h.fma(x, y);
      i = i.fma(x, y);
      j = j.fma(x, y);
      k = k.fma(x, y);
      l = l.fma(x, y);
      a = a.fma(x, y);
      b = b.fma(x, y);
      c = c.fma(x, y);
      d = d.fma(x, y);
      e = e.fma(x, y);
      f = f.fma(x, y);
      g = g.fma(x, y);
      h = h.fma(x, y);
      i = i.fma(x, y);
      j = j.fma(x, y);
      k = k.fma(x, y);
      l = l.fma(x, y);
    }
    return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j).add(k).add(l).lane(0);
  }
}
