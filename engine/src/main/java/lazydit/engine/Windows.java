package lazydit.engine;

import java.util.Arrays;

/**
 * The windows of an image as rows of a matrix, and the way back: so a convolution learns as the
 * {@link Linear} layer that it is, with {@link LinearGradient} as its gradient.
 *
 * <pre>
 * windows.gather(workers, x, rows);        [B, H, W, in] to [B, H', W', in, k, k]
 * linear.apply(workers, scratch, rows, ...)    its weights are those of a convolution, [out, in, k, k]
 * ...
 * windows.scatter(workers, dRows, dx);
 * </pre>
 *
 * <p>The matrix is k * k times the image: for training small networks, where {@link Convolution} is
 * for large ones that are only run. Immutable and safe for concurrent use.
 */
public final class Windows {
  private final int batch;
  private final int height;
  private final int width;
  private final int channels;
  private final Convolution.Window window;
  private final int down;
  private final int across;

  /**
   * Windows over a batch of images.
   *
   * @param batch B
   * @param height H
   * @param width W
   * @param channels in
   * @param window how it moves
   * @throws LazyDitException when no window fits, or their matrix does not fit an array
   */
  public Windows(int batch, int height, int width, int channels, Convolution.Window window) {
    this.batch = batch;
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.window = window;
    down = window.count(height);
    across = window.count(width);
    long area = (long) window.size() * window.size();
    double floats = (double) batch * down * across * channels * area;
    if (batch < 1 || channels < 1 || down < 1 || across < 1 || floats > Integer.MAX_VALUE - 8) {
      throw new LazyDitException(
          "Windows of %d x %d over %d images of %d x %d x %d make no matrix."
              .formatted(window.size(), window.size(), batch, height, width, channels));
    }
  }

  /** {@return rows of the matrix: {@code B * H' * W'}} */
  public int rows() {
    return batch * down * across;
  }

  /** {@return columns of the matrix: {@code in * k * k}} */
  public int columns() {
    return channels * window.size() * window.size();
  }

  /**
   * Makes the matrix.
   *
   * @param workers who works
   * @param x {@code [B, H, W, in]}; only to be read
   * @param rows receives {@code [B, H', W', in, k, k]}, zeros beyond the image's edges
   */
  public void gather(Workers workers, float[] x, float[] rows) {
    workers.forEach(
        batch,
        (worker, from, to) -> {
          int sample = down * across * columns();
          Arrays.fill(rows, from * sample, to * sample, 0);
          visit(from, to, (pixel, element) -> rows[element] = x[pixel]);
        });
  }

  /**
   * The way back: every pixel's gradient is the sum over the windows that see it.
   *
   * @param workers who works
   * @param dRows the gradient of the matrix, {@code [B, H', W', in, k, k]}; only to be read
   * @param dx receives that of the images, {@code [B, H, W, in]}
   */
  public void scatter(Workers workers, float[] dRows, float[] dx) {
    workers.forEach(
        batch,
        (worker, from, to) -> {
          int sample = height * width * channels;
          Arrays.fill(dx, from * sample, to * sample, 0);
          visit(from, to, (pixel, element) -> dx[pixel] += dRows[element]);
        });
  }

  /** Takes an element of an image and the one of the matrix that shows it. */
  private interface Visitor {
    void visit(int pixel, int element);
  }

  private void visit(int from, int to, Visitor visitor) {
    int size = window.size();
    int area = size * size;
    for (int row = from * down * across; row < to * down * across; row++) {
      int sample = row / (down * across);
      int top = row / across % down * window.stride() - window.before();
      int left = row % across * window.stride() - window.before();
      for (int k = 0; k < area; k++) {
        int y = top + k / size;
        int x = left + k % size;
        if (y >= 0 && y < height && x >= 0 && x < width) {
          int pixel = ((sample * height + y) * width + x) * channels;
          int element = row * columns() + k;
          for (int c = 0; c < channels; c++) {
            visitor.visit(pixel + c, element + c * area);
          }
        }
      }
    }
  }
}
