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
   * @param y receives {@code [B, H / 2, W / 2, C]}
   */
  public void apply(Workers workers, float[] x, int batch, float[] y) {
    workers.forEach(
        batch * (height / 2),
        (worker, from, to) -> {
          int row = width / 2 * channels;
          for (int i = from * row; i < to * row; i++) {
            y[i] = x[largest(x, i)];
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
    workers.forEach(
        batch,
        (worker, from, to) -> {
          int sample = height * width * channels;
          Arrays.fill(dx, from * sample, to * sample, 0);
          int pooled = height / 2 * (width / 2) * channels;
          for (int i = from * pooled; i < to * pooled; i++) {
            dx[largest(x, i)] = dy[i];
          }
        });
  }

  /** Where the largest of the four behind an element of the result lies. */
  private int largest(float[] x, int element) {
    int c = element % channels;
    int pixel = element / channels;
    int column = pixel % (width / 2) * 2;
    int line = pixel / (width / 2);
    int row = line / (height / 2) * height + line % (height / 2) * 2;
    int at = (row * width + column) * channels + c;
    int best = at;
    int below = at + width * channels;
    for (int other : new int[] {at + channels, below, below + channels}) {
      if (x[other] > x[best]) {
        best = other;
      }
    }
    return best;
  }
}
