package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/** Softmax over columns as its formula reads. */
final class ScalarSoftmax implements SoftmaxKernel {
  @Override
  public void columns(
      float[] scores,
      int so,
      int keys,
      int columns,
      float scale,
      MemorySegment weights,
      float[] inverse,
      int io) {
    for (int j = 0; j < columns; j++) {
      float max = Float.NEGATIVE_INFINITY;
      for (int i = 0; i < keys; i++) {
        max = Math.max(max, scores[so + i * columns + j]);
      }
      double sum = 0;
      for (int i = 0; i < keys; i++) {
        float e = ScalarMath.exp((scores[so + i * columns + j] - max) * scale);
        weights.set(JAVA_FLOAT, ((long) i * columns + j) * Float.BYTES, e);
        sum += e;
      }
      inverse[io + j] = (float) (1 / sum);
    }
  }

  @Override
  public void normalise(float[] x, int xo, int rows, int columns, float[] inverse, int io) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        x[xo + i * columns + j] *= inverse[io + j];
      }
    }
  }
}
