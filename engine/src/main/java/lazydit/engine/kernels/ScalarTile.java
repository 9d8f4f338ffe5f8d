package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/** The tile product as its formula reads; the oracle, and the fallback without the Vector API. */
final class ScalarTile implements GemmTile {
  private static final int ROWS = 4;
  private static final int COLUMNS = 8;
  private static final int MAX_DEPTH = 576;
  private static final int STRIDE = MAX_DEPTH;

  @Override
  public int rows() {
    return ROWS;
  }

  @Override
  public int columns() {
    return COLUMNS;
  }

  @Override
  public int maxDepth() {
    return MAX_DEPTH;
  }

  @Override
  public int rowStride() {
    return STRIDE;
  }

  @Override
  public int blockBytes() {
    return 288 * 1024;
  }

  @Override
  public long multiply(
      float[] a,
      int ao,
      MemorySegment b,
      long bo,
      int depth,
      float[] c,
      int co,
      boolean accumulate,
      MemorySegment next,
      long ahead) {
    for (int r = 0; r < ROWS; r++) {
      for (int j = 0; j < COLUMNS; j++) {
        float sum = 0;
        for (int i = 0; i < depth; i++) {
          sum = Math.fma(a[ao + r * STRIDE + i], at(b, bo, i * COLUMNS + j), sum);
        }
        int at = co + r * COLUMNS + j;
        c[at] = accumulate ? c[at] + sum : sum;
      }
    }
    return 0;
  }

  private static float at(MemorySegment b, long bo, long index) {
    return b.get(JAVA_FLOAT, bo + index * Float.BYTES);
  }
}
