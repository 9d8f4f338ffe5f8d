package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/** Softmax over columns as its formula reads. */
final class ScalarSoftmax implements SoftmaxKernel {
  @Override
  public void columns(
      MemorySegment scores, long so, int keys, int columns, MemorySegment inverse, long io) {
    for (int j = 0; j < columns; j++) {
      float max = Float.NEGATIVE_INFINITY;
      for (int i = 0; i < keys; i++) {
        max = Math.max(max, scores.get(JAVA_FLOAT, at(so, i, columns, j)));
      }
      double sum = 0;
      for (int i = 0; i < keys; i++) {
        long at = at(so, i, columns, j);
        float e = ScalarMath.exp(scores.get(JAVA_FLOAT, at) - max);
        scores.set(JAVA_FLOAT, at, e);
        sum += e;
      }
      inverse.set(JAVA_FLOAT, io + (long) j * Float.BYTES, (float) (1 / sum));
    }
  }

  private static long at(long so, int i, int columns, int j) {
    return so + ((long) i * columns + j) * Float.BYTES;
  }
}
