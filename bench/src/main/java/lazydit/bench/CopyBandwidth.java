package lazydit.bench;

import java.util.Arrays;
import lazydit.engine.Workers;

/**
 * How many bytes a second this machine moves between memory and its cores: copies between two
 * arrays far larger than the caches, counting what is read and what is written.
 */
public final class CopyBandwidth {
  /** 256 MiB an array. */
  private static final int FLOATS = 1 << 26;

  private static final int PIECES = 64;
  private static final int PIECE = FLOATS / PIECES;

  private final float[] from = new float[FLOATS];
  private final float[] to = new float[FLOATS];

  /** Arrays whose pages are there. */
  public CopyBandwidth() {
    Arrays.fill(from, 1);
    Arrays.fill(to, 2);
  }

  /**
   * Measures the bandwidth once.
   *
   * @param workers the threads to measure on, all at once
   * @return GB a second, over all threads
   */
  public double measure(Workers workers) {
    long start = System.nanoTime();
    workers.forEach(
        PIECES,
        (worker, first, last) -> {
          for (int piece = first; piece < last; piece++) {
            System.arraycopy(from, piece * PIECE, to, piece * PIECE, PIECE);
          }
        });
    return 2.0 * Float.BYTES * FLOATS / (System.nanoTime() - start);
  }
}
