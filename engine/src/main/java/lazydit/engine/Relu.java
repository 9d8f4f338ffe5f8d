package lazydit.engine;

/** The rectifier of convolutional networks, alone and with the pooling that follows it. */
public final class Relu {
  private static final int SIDE = 2;

  private Relu() {}

  /**
   * x = max(x, 0).
   *
   * @param x the values, changed
   * @param count how many of them
   */
  public static void apply(float[] x, int count) {
    for (int i = 0; i < count; i++) {
      x[i] = Math.max(x[i], 0);
    }
  }

  /**
   * y = max(x, 0), of which only the largest in every square of 2 x 2 pixels is kept. An odd last
   * row or column is left out.
   *
   * @param workers who works
   * @param x {@code [B, H, W, C]}; only to be read
   * @param batch B
   * @param height H
   * @param width W
   * @param channels C
   * @param y receives {@code [B, H / 2, W / 2, C]}; another array than x
   * @throws LazyDitException when an array is too short
   */
  public static void pool(
      Workers workers, float[] x, int batch, int height, int width, int channels, float[] y) {
    int rows = height / SIDE;
    int columns = width / SIDE;
    Convolution.requireRoom("input", x, batch, height, width, channels);
    Convolution.requireRoom("output", y, batch, rows, columns, channels);
    workers.forEach(
        batch * rows,
        (worker, from, to) -> {
          for (int row = from; row < to; row++) {
            int above = ((row / rows) * height + row % rows * SIDE) * width * channels;
            for (int column = 0; column < columns; column++) {
              int at = above + column * SIDE * channels;
              poolSquare(
                  x, at, at + width * channels, channels, y, (row * columns + column) * channels);
            }
          }
        });
  }

  private static void poolSquare(float[] x, int above, int below, int channels, float[] y, int to) {
    for (int c = 0; c < channels; c++) {
      float upper = Math.max(x[above + c], x[above + channels + c]);
      float lower = Math.max(x[below + c], x[below + channels + c]);
      y[to + c] = Math.max(Math.max(upper, lower), 0);
    }
  }
}
