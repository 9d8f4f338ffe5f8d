package lazydit.engine;

import java.util.Arrays;

/**
 * The largest of every 2 x 2 pixels, channel by channel, and the way back. A last row or column
 * without a partner is left out. Immutable and safe for concurrent use.
 *
 * @param height H
 * @param width W
 * @param channels C
 */
public record MaxPooling(int height, int width, int channels) {
  /**
   * Checks the sizes.
   *
   * @throws LazyDitException when there are no 2 x 2 pixels
   */
  public MaxPooling {
    if (height < 2 || width < 2 || channels < 1) {
      throw new LazyDitException(
          "There is no pooling of %d x %d pixels of %d channels."
              .formatted(height, width, channels));
    }
  }

  /**
   * y = the largest.
   *
   * @param workers who works
   * @param x {@code [B, H, W, C]}; only to be read
   * @param batch B
   * @param y receives {@code [B, H / 2, W / 2, C]}; another array than x
   * @throws LazyDitException when an array is too short
   */
  public void apply(Workers workers, float[] x, int batch, float[] y) {
    Convolution.requireRoom("input", x, batch, height, width, channels);
    Convolution.requireRoom("output", y, batch, height / 2, width / 2, channels);
    forEachSquare(
        workers,
        batch,
        (above, below, to) -> {
          for (int c = 0; c < channels; c++) {
            float upper = Math.max(x[above + c], x[above + channels + c]);
            float lower = Math.max(x[below + c], x[below + channels + c]);
            y[to + c] = Math.max(upper, lower);
          }
        });
  }

  /**
   * The way back: each gradient goes to the pixel that was the largest, the first of equal ones.
   *
   * @param workers who works
   * @param x what was pooled, {@code [B, H, W, C]}; only to be read
   * @param batch B
   * @param dy the gradient of the result, {@code [B, H / 2, W / 2, C]}; only to be read
   * @param dx receives {@code [B, H, W, C]}
   */
  public void gradient(Workers workers, float[] x, int batch, float[] dy, float[] dx) {
    if ((height | width) % 2 != 0) {
      Arrays.fill(dx, 0, batch * height * width * channels, 0);
    }
    forEachSquare(
        workers,
        batch,
        (above, below, from) -> {
          for (int c = 0; c < channels; c++) {
            int first = above + c;
            int second = first + channels;
            int third = below + c;
            int fourth = third + channels;
            boolean left = x[first] >= x[second];
            boolean leftBelow = x[third] >= x[fourth];
            boolean upper = Math.max(x[first], x[second]) >= Math.max(x[third], x[fourth]);
            float d = dy[from + c];
            dx[first] = upper && left ? d : 0;
            dx[second] = upper && !left ? d : 0;
            dx[third] = !upper && leftBelow ? d : 0;
            dx[fourth] = !upper && !leftBelow ? d : 0;
          }
        });
  }

  /** Takes 2 x 2 pixels: where the upper and lower two begin, and where their result does. */
  private interface Square {
    void visit(int above, int below, int result);
  }

  private void forEachSquare(Workers workers, int batch, Square square) {
    int rows = height / 2;
    int columns = width / 2;
    workers.forEach(
        batch * rows,
        (worker, from, to) -> {
          for (int row = from; row < to; row++) {
            int above = (row / rows * height + row % rows * 2) * width * channels;
            for (int column = 0; column < columns; column++) {
              int at = above + 2 * column * channels;
              square.visit(at, at + width * channels, (row * columns + column) * channels);
            }
          }
        });
  }
}
