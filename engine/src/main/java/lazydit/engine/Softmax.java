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
    MemorySegment scores =
        Arena.ofAuto().allocate((width + 1L) * columns * Float.BYTES, Linear.ALIGNMENT);
    long inverse = (long) width * columns;
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i++) {
        scores.setAtIndex(JAVA_FLOAT, (long) i * columns, x[r * width + i]);
      }
      Kernels.active().softmax().columns(scores, 0, width, columns, scores, inverse * Float.BYTES);
      float factor = scores.getAtIndex(JAVA_FLOAT, inverse);
      for (int i = 0; i < width; i++) {
        y[r * width + i] = scores.getAtIndex(JAVA_FLOAT, (long) i * columns) * factor;
      }
    }
  }
}
