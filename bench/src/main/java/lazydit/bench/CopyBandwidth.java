package lazydit.bench;

import java.util.Arrays;
import lazydit.engine.Workers;

/**
 * How many bytes a second this machine moves between memory and its cores: copies between two
 * arrays far larger than the caches, counting what is read and what is written.
 *
 * <p>An ordinary store first fetches the line that it overwrites. From 2.5 MB on a compiled {@link
 * System#arraycopy} stores past the caches instead, which saves that third of the transfers and
 * which no other code in Java can do: what bounds a kernel is the copy in smaller pieces, as fast
 * as a loop over vectors.
 */
public final class CopyBandwidth {
  /** 256 MiB an array. */
  private static final int FLOATS = 1 << 26;

  /** 1 MiB: ordinary stores. */
  private static final int PIECE = 1 << 18;

  private static final int SHORT_PIECE = 1 << 10;

  /** 4 MiB. */
  private static final int LONG_PIECE = 1 << 20;

  private final float[] from = new float[FLOATS];
  private final float[] to = new float[FLOATS];

  /** Arrays whose pages are there. */
  public CopyBandwidth() {
    Arrays.fill(from, 1);
    Arrays.fill(to, 2);
  }

  /**
   * Measures the bandwidth once, with ordinary stores.
   *
   * @param workers the threads to measure on, all at once
   * @return GB a second, over all threads
   */
  public double measure(Workers workers) {
    return measure(workers, PIECE);
  }

  /** The same with stores past the caches. */
  double measurePastCaches(Workers workers) {
    // Only compiled copies store past the caches: so many short ones are compiled in the end.
    for (int i = 0; i < 3; i++) {
      measure(workers, SHORT_PIECE);
    }
    return measure(workers, LONG_PIECE);
  }

  private double measure(Workers workers, int length) {
    long start = System.nanoTime();
    workers.forEach(
        FLOATS / length,
        (worker, first, last) -> {
          for (int piece = first; piece < last; piece++) {
            move(piece * length, length);
          }
        });
    return 2.0 * Float.BYTES * FLOATS / (System.nanoTime() - start);
  }

  private void move(int at, int length) {
    System.arraycopy(from, at, to, at, length);
  }
}
