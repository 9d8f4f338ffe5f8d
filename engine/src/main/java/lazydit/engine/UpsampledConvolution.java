package lazydit.engine;

import java.util.Arrays;

/**
 * Nearest-neighbour doubling of an image followed by a 3 x 3 convolution with one pixel of zeros
 * around, without the doubled image.
 *
 * <p>Of the nine pixels under a window of the doubled image only four differ: rows come in pairs.
 * With a, b, c the weights of a window's three rows,
 *
 * <pre>
 * y[2i]     = a x[i - 1] + (b + c) x[i]
 * y[2i + 1] = (a + b) x[i] + c x[i + 1]
 * </pre>
 *
 * <p>and likewise for columns. So each of the four phases of the output is a 2 x 2 convolution of
 * the small image with sums of weights, and 4/9 of the multiplications do.
 *
 * <p>Immutable and safe for concurrent use; holds the weights off the heap for as long as it is
 * reachable. Results are the same to the bit for any number of threads.
 */
public final class UpsampledConvolution {
  private static final int SIZE = 3;
  private static final int AREA = SIZE * SIZE;

  /** By phase: which of the two rows under the window each of the three weights falls on. */
  private static final int[][] FALLS_ON = {{0, 1, 1}, {0, 0, 1}};

  private final WindowProduct[][] phases = new WindowProduct[2][2];

  private UpsampledConvolution(int out, int in, Linear.RowReader weight, float[] bias) {
    for (int row = 0; row < 2; row++) {
      for (int column = 0; column < 2; column++) {
        Linear.RowReader folded = folded(in, weight, FALLS_ON[row], FALLS_ON[column]);
        phases[row][column] = new WindowProduct(out, in, 2, 1, folded, bias);
      }
    }
  }

  /**
   * Packs a convolution's weights.
   *
   * @param out channels of the output, at least 1
   * @param in channels of the input, at least 1
   * @param weight gives W row by row, each {@code [in, 3, 3]} as checkpoints hold it; read four
   *     times
   * @param bias {@code [out]}, copied; or null for none
   * @return the convolution
   * @throws LazyDitException when a size is not positive or the bias has another length
   */
  public static UpsampledConvolution pack(int out, int in, Linear.RowReader weight, float[] bias) {
    return new UpsampledConvolution(out, in, weight, bias);
  }

  /** Rows of a phase's weights, {@code [2, 2, in]}, summed in float64 and rounded once. */
  private static Linear.RowReader folded(
      int in, Linear.RowReader weight, int[] rowOf, int[] columnOf) {
    float[] row = new float[Math.max(0, Math.multiplyExact(in, AREA))];
    double[] sums = new double[4];
    return (index, into, at) -> {
      weight.read(index, row, 0);
      for (int c = 0; c < in; c++) {
        Arrays.fill(sums, 0);
        for (int k = 0; k < AREA; k++) {
          sums[2 * rowOf[k / SIZE] + columnOf[k % SIZE]] += row[c * AREA + k];
        }
        for (int k = 0; k < 4; k++) {
          into[at + k * in + c] = (float) sums[k];
        }
      }
    };
  }

  /** {@return channels of the input} */
  public int in() {
    return phases[0][0].in();
  }

  /** {@return channels of the output} */
  public int out() {
    return phases[0][0].out();
  }

  /** {@return bytes of packed weights} */
  public long bytes() {
    return 4 * phases[0][0].bytes();
  }

  /**
   * y = the convolution of x doubled in height and width.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param x {@code [B, H, W, in]}; only to be read
   * @param batch B
   * @param height H
   * @param width W
   * @param y receives {@code [B, 2H, 2W, out]}; another array than x
   * @throws LazyDitException when an array is too short
   */
  public void apply(
      Workers workers, Scratch scratch, float[] x, int batch, int height, int width, float[] y) {
    Convolution.requireRoom("input", x, batch, height, width, in());
    Convolution.requireRoom("output", y, batch, 2 * height, 2 * width, out());
    for (int row = 0; row < 2; row++) {
      for (int column = 0; column < 2; column++) {
        phases[row][column].run(
            workers,
            scratch,
            x,
            batch,
            new WindowProduct.Source(height, width, 1 - row, 1 - column),
            new WindowProduct.Target(y, false, height, width, 2, row, column));
      }
    }
  }
}
