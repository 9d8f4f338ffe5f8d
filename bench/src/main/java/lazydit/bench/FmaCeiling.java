package lazydit.bench;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import lazydit.engine.Workers;

/**
 * How many floating-point operations a second this machine does when nothing else is in the way: 16
 * accumulators in registers, no memory, both FMA units busy.
 *
 * <p>The clock moves with the hour, the neighbours and the width of the vectors, so every share is
 * taken of a ceiling measured a moment before.
 */
public final class FmaCeiling {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int ACCUMULATORS = 16;
  private static final int ROUNDS = 1_500_000;

  /** Where results go that nobody needs, so that C2 must compute them. */
  private volatile float sink;

  /**
   * Measures the ceiling once; call it a few times before believing it.
   *
   * @param workers the threads to measure on, all at once
   * @return GFLOP a second, over all threads
   */
  public double measure(Workers workers) {
    long start = System.nanoTime();
    workers.forEach(workers.threads(), (worker, from, to) -> sink = spin(ROUNDS));
    long nanos = System.nanoTime() - start;
    return 2.0 * ACCUMULATORS * S.length() * ROUNDS * workers.threads() / nanos;
  }

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
    FloatVector m = x;
    FloatVector n = x;
    FloatVector o = x;
    FloatVector p = x;
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
      m = m.fma(x, y);
      n = n.fma(x, y);
      o = o.fma(x, y);
      p = p.fma(x, y);
    }
    FloatVector left = a.add(b).add(c).add(d).add(e).add(f).add(g).add(h);
    FloatVector right = i.add(j).add(k).add(l).add(m).add(n).add(o).add(p);
    return left.add(right).lane(0);
  }
}
