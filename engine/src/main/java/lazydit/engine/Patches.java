package lazydit.engine;

/** Between images {@code [B, C, H, W]} and tokens, one a patch, in row-major order of patches. */
public final class Patches {
  private Patches() {}

  /**
   * Cuts images into patches, as rows for a linear layer whose weight is a convolution's {@code [D,
   * C, p, p]}.
   *
   * @param workers who works
   * @param images {@code [B, C, size, size]}; only to be read
   * @param batch B
   * @param channels C
   * @param size height and width, a multiple of the patch
   * @param patch p
   * @param tokens receives {@code [B, T, C * p * p]}
   */
  public static void gather(
      Workers workers,
      float[] images,
      int batch,
      int channels,
      int size,
      int patch,
      float[] tokens) {
    eachRow(
        workers,
        batch,
        channels,
        size,
        patch,
        (token, pixel) -> System.arraycopy(images, pixel, tokens, token, patch));
  }

  /**
   * Puts patches together to images.
   *
   * @param workers who works
   * @param tokens {@code [B, T, p, p, C]}: features in the order row, column, channel
   * @param batch B
   * @param channels C
   * @param size height and width, a multiple of the patch
   * @param patch p
   * @param images receives {@code [B, C, size, size]}
   */
  public static void scatter(
      Workers workers,
      float[] tokens,
      int batch,
      int channels,
      int size,
      int patch,
      float[] images) {
    each(workers, batch, channels, size, patch, (token, pixel) -> images[pixel] = tokens[token]);
  }

  /**
   * The way back through {@link #scatter}.
   *
   * @param workers who works
   * @param dImages the gradient of the images, {@code [B, C, size, size]}
   * @param batch B
   * @param channels C
   * @param size height and width, a multiple of the patch
   * @param patch p
   * @param dTokens receives {@code [B, T, p, p, C]}
   */
  public static void scatterGradient(
      Workers workers,
      float[] dImages,
      int batch,
      int channels,
      int size,
      int patch,
      float[] dTokens) {
    each(workers, batch, channels, size, patch, (token, pixel) -> dTokens[token] = dImages[pixel]);
  }

  private interface Pair {
    void meet(int token, int pixel);
  }

  private static void each(
      Workers workers, int batch, int channels, int size, int patch, Pair pair) {
    int grid = size / patch;
    workers.forEach(
        batch,
        (worker, from, to) -> {
          int token = from * channels * size * size;
          for (int b = from; b < to; b++) {
            for (int t = 0; t < grid * grid; t++) {
              int corner = t / grid * patch * size + t % grid * patch;
              for (int i = 0; i < patch; i++) {
                for (int j = 0; j < patch; j++) {
                  for (int c = 0; c < channels; c++) {
                    pair.meet(token++, (b * channels + c) * size * size + corner + i * size + j);
                  }
                }
              }
            }
          }
        });
  }

  /** The first pixels of the rows of patches, where a token's features begin with the channel. */
  private static void eachRow(
      Workers workers, int batch, int channels, int size, int patch, Pair pair) {
    int grid = size / patch;
    workers.forEach(
        batch,
        (worker, from, to) -> {
          int token = from * channels * size * size;
          for (int b = from; b < to; b++) {
            for (int t = 0; t < grid * grid; t++) {
              int corner = t / grid * patch * size + t % grid * patch;
              for (int c = 0; c < channels; c++) {
                for (int i = 0; i < patch; i++) {
                  pair.meet(token, ((b * channels + c) * size + i) * size + corner);
                  token += patch;
                }
              }
            }
          }
        });
  }

  /**
   * The way back through {@link #gather}.
   *
   * @param workers who works
   * @param dTokens the gradient of the patches, {@code [B, T, C * p * p]}
   * @param batch B
   * @param channels C
   * @param size height and width, a multiple of the patch
   * @param patch p
   * @param dImages receives {@code [B, C, size, size]}
   */
  public static void gatherGradient(
      Workers workers,
      float[] dTokens,
      int batch,
      int channels,
      int size,
      int patch,
      float[] dImages) {
    eachRow(
        workers,
        batch,
        channels,
        size,
        patch,
        (token, pixel) -> System.arraycopy(dTokens, token, dImages, pixel, patch));
  }
}
