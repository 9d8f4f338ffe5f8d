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
  private double[] moments = {};
  private final int[][] tables = new int[3][0];
  private final float[][] tiles;
  private final float[][] floats;
  private final MemorySegment[] operands;
  private volatile long seen;

  /**
   * Empty scratch memory.
   *
   * @param workers the pool whose threads will use it
   */
  public Scratch(Workers workers) {
    tiles = new float[workers.threads()][];
    floats = new float[workers.threads()][];
    operands = new MemorySegment[workers.threads()];
  }

  /** Packed rows, shared by the workers. */
  float[] rows(int size) {
    if (rows.length < size) {
      rows = new float[size];
    }
    return rows;
  }

  /** Sums in float64, shared by the workers. */
  double[] moments(int size) {
    if (moments.length < size) {
      moments = new double[size];
    }
    return moments;
  }

  /** Tables of row offsets, shared by the workers; there are three. */
  int[] table(int which, int size) {
    if (tables[which].length < size) {
      tables[which] = new int[size];
    }
    return tables[which];
  }

  /** A worker's own tiles. */
  float[] tiles(int worker, int size) {
    return grown(tiles, worker, size);
  }

  /** A worker's own floats. */
  float[] floats(int worker, int size) {
    return grown(floats, worker, size);
  }

  /** A worker's own packed operands. */
  MemorySegment operands(int worker, long bytes) {
    if (operands[worker] == null || operands[worker].byteSize() < bytes) {
      operands[worker] = Arena.ofAuto().allocate(bytes, Linear.ALIGNMENT);
    }
    return operands[worker];
  }

  /** Keeps what was read ahead, so that the compiler keeps the reads. */
  void seen(long bits) {
    seen = bits;
  }

  private static float[] grown(float[][] all, int worker, int size) {
    if (all[worker] == null || all[worker].length < size) {
      all[worker] = new float[size];
    }
    return all[worker];
  }
}
