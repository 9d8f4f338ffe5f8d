package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** Softmax over columns as its formula reads. */
final class ScalarSoftmax implements SoftmaxKernel {
  @Override
  public void max(float[] scores, int so, int keys, int columns, float[] max, int mo) {
    for (int j = 0; j < columns; j++) {
      max[mo + j] = Float.NEGATIVE_INFINITY;
      for (int i = 0; i < keys; i++) {
        max[mo + j] = Math.max(max[mo + j], scores[so + i * columns + j]);
      }
    }
  }

  @Override
  public void weigh(
      float[] scores,
      int so,
      int keys,
      int columns,
      float scale,
      float[] max,
      int mo,
      float[] sums,
      int uo,
      long to) {
    for (int j = 0; j < columns; j++) {
      double sum = sums[uo + j];
      for (int i = 0; i < keys; i++) {
        float e = ScalarMath.exp((scores[so + i * columns + j] - max[mo + j]) * scale);
        Operands.MEMORY.set(JAVA_FLOAT, to + ((long) i * columns + j) * Float.BYTES, e);
        sum += e;
      }
      sums[uo + j] = (float) sum;
    }
  }
}
