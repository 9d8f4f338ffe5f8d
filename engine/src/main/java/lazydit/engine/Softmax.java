package lazydit.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.Operands;

/** Softmax by way of the kernel that attention runs on. */
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
    float[] ends = new float[2 * columns];
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i++) {
        scores[i * columns] = x[r * width + i];
      }
      columns(scores, width, 1, weights, ends, 0, columns);
      for (int i = 0; i < width; i++) {
        y[r * width + i] = weights.getAtIndex(JAVA_FLOAT, (long) i * columns) * ends[columns];
      }
    }
  }

  /**
   * Weights of scores, down the columns of a tile, for whoever needs all of them at once.
   *
   * @param scores {@code [keys, columns]}, from its beginning
   * @param weights receives {@code [keys, columns]}, each column still to be multiplied by its 1 /
   *     sum
   * @param ends receives what is found at the end of a column: maxima from {@code max} on, 1 / sum
   *     from {@code inverse} on
   */
  static void columns(
      float[] scores,
      int keys,
      float scale,
      MemorySegment weights,
      float[] ends,
      int max,
      int inverse) {
    Kernels kernels = Kernels.active();
    int columns = kernels.tile().columns();
    int most = kernels.tile().maxDepth();
    kernels.softmax().max(scores, 0, keys, columns, ends, max);
    Arrays.fill(ends, inverse, inverse + columns, 0);
    long part = Operands.take();
    try {
      for (int first = 0; first < keys; first += most) {
        int count = Math.min(most, keys - first);
        int from = first * columns;
        kernels
            .softmax()
            .weigh(scores, from, count, columns, scale, ends, max, ends, inverse, part);
        long rowBytes = (long) columns * Float.BYTES;
        MemorySegment.copy(Operands.MEMORY, part, weights, first * rowBytes, count * rowBytes);
      }
    } finally {
      Operands.putBack(part);
    }
    for (int j = 0; j < columns; j++) {
      ends[inverse + j] = 1 / ends[inverse + j];
    }
  }
}
