package lazydit.engine;

/** Between images {@code [B, C, H, W]} and tokens, one a patch, in row-major order of patches. */
public final class Patches {
  private Patches() {}

  /**
   * Cuts images into patches, as rows for a linear layer whose weight is a convolution's {@code [D,
   * C, p, p]}.
   *
   * @param images {@code [B, C, size, size]}; only to be read
   * @param batch B
   * @param channels C
   * @param size height and width, a multiple of the patch
   * @param patch p
   * @param tokens receives {@code [B, T, C * p * p]}
   */
  public static void gather(
      float[] images, int batch, int channels, int size, int patch, float[] tokens) {
    int grid = size / patch;
    int to = 0;
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < grid * grid; t++) {
        int corner = t / grid * patch * size + t % grid * patch;
        for (int c = 0; c < channels; c++) {
          for (int i = 0; i < patch; i++) {
            int from = ((b * channels + c) * size + i) * size + corner;
            System.arraycopy(images, from, tokens, to, patch);
            to += patch;
          }
        }
      }
    }
  }

  /**
   * Puts patches together to images.
   *
   * @param tokens {@code [B, T, p, p, C]}: features in the order row, column, channel
   * @param batch B
   * @param channels C
   * @param size height and width, a multiple of the patch
   * @param patch p
   * @param images receives {@code [B, C, size, size]}
   */
  public static void scatter(
      float[] tokens, int batch, int channels, int size, int patch, float[] images) {
    int grid = size / patch;
    int from = 0;
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < grid * grid; t++) {
        int corner = t / grid * patch * size + t % grid * patch;
        for (int i = 0; i < patch; i++) {
          for (int j = 0; j < patch; j++) {
            for (int c = 0; c < channels; c++) {
              images[(b * channels + c) * size * size + corner + i * size + j] = tokens[from++];
            }
          }
        }
      }
    }
  }
}
