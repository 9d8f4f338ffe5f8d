package lazydit.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory that operations need in passing, kept by a run so that its steps allocate nothing.
 *
 * <p>Owned by one run; not for use by two operations at a time. Grows to the largest operation it
 * has met.
 */
public final class Scratch {
  private float[] rows = {};
  private final int[][] tables = new int[2][0];
  private final MemorySegment[] segments;
  private final MemorySegment[] more;
  private final float[][] floats;

  /**
   * Empty scratch memory.
   *
   * @param workers the pool whose threads will use it
   */
  public Scratch(Workers workers) {
    segments = new MemorySegment[workers.threads()];
    more = new MemorySegment[workers.threads()];
    floats = new float[workers.threads()][];
  }

  /** Packed rows, shared by the workers. */
  float[] rows(int size) {
    if (rows.length < size) {
      rows = new float[size];
    }
    return rows;
  }

  /** Tables of row offsets, shared by the workers; there are two. */
  int[] table(int which, int size) {
    if (tables[which].length < size) {
      tables[which] = new int[size];
    }
    return tables[which];
  }

  /** A worker's own tiles. */
  MemorySegment tiles(int worker, long bytes) {
    return grown(segments, worker, bytes);
  }

  /** A worker's own packed operands. */
  MemorySegment operands(int worker, long bytes) {
    return grown(more, worker, bytes);
  }

  /** A worker's own floats. */
  float[] floats(int worker, int size) {
    if (floats[worker] == null || floats[worker].length < size) {
      floats[worker] = new float[size];
    }
    return floats[worker];
  }

  private static MemorySegment grown(MemorySegment[] all, int worker, long bytes) {
    if (all[worker] == null || all[worker].byteSize() < bytes) {
      all[worker] = Arena.ofAuto().allocate(bytes, Linear.ALIGNMENT);
    }
    return all[worker];
  }
}
