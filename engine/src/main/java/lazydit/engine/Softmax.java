package lazydit.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import lazydit.engine.kernels.Kernels;

/** Softmax over the rows of a matrix, by way of the kernel that attention runs on. */
public final class Softmax {
  private Softmax() {}

  /**
   * y = softmax(x), row by row.
   *
   * @param x {@code [rows, width]}; only to be read
   * @param rows how many rows
   * @param width elements of a row
   * @param y receives {@code [rows, width]}
   */
  public static void rows(float[] x, int rows, int width, float[] y) {
    int columns = Kernels.active().tile().columns();
    float[] scores = new float[width * columns];
    MemorySegment weights =
        Arena.ofAuto().allocate((long) scores.length * Float.BYTES, Linear.ALIGNMENT);
    float[] inverse = new float[columns];
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i++) {
        scores[i * columns] = x[r * width + i];
      }
      Kernels.active().softmax().columns(scores, 0, width, columns, 1, weights, inverse, 0);
      for (int i = 0; i < width; i++) {
        y[r * width + i] = weights.getAtIndex(JAVA_FLOAT, (long) i * columns) * inverse[0];
      }
    }
  }
}
