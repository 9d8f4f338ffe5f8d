package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Cutting images into patches against a convolution, and putting them together again. */
@RunsHere
class PatchesTest {
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 2, 2", "2, 3, 6, 2", "1, 4, 20, 4", "3, 2, 24, 8", "2, 1, 7, 1"})
  void gatherAndLinearMakeAConvolution(int batch, int channels, int size, int patch) {
    int features = 5;
    int grid = size / patch;
    int in = channels * patch * patch;
    float[] images = Matrices.normal(1, batch * channels * size * size);
    float[] kernel = Matrices.normal(2, features * in);
    float[] bias = Matrices.normal(3, features);
    float[] tokens = new float[batch * grid * grid * in];
    Patches.gather(WORKERS, images, batch, channels, size, patch, tokens);
    float[] y = new float[batch * grid * grid * features];
    try (Workers workers = new Workers(1)) {
      Linear.pack(
              features, in, (row, to, at) -> System.arraycopy(kernel, row * in, to, at, in), bias)
          .apply(
              workers,
              new Scratch(workers),
              tokens,
              Rows.all(batch * grid * grid),
              new Epilogue.Store(y));
    }
    for (int i = 0; i < y.length; i++) {
      int feature = i % features;
      int token = i / features;
      int top = token % (grid * grid) / grid * patch;
      int left = token % grid * patch;
      double expected = bias[feature];
      for (int c = 0; c < channels; c++) {
        int plane = (token / (grid * grid) * channels + c) * size * size;
        for (int row = 0; row < patch; row++) {
          for (int column = 0; column < patch; column++) {
            int weight = ((feature * channels + c) * patch + row) * patch + column;
            float pixel = images[plane + (top + row) * size + left + column];
            expected += (double) pixel * kernel[weight];
          }
        }
      }
      assertEquals(expected, y[i], 1e-4, "token %d, feature %d".formatted(token, feature));
    }
  }

  /** Gathered features are (channel, row, column), scattered ones (row, column, channel). */
  @ParameterizedTest
  @CsvSource({"1, 1, 2, 2", "2, 3, 6, 2", "1, 4, 20, 4", "3, 2, 24, 8", "2, 5, 7, 1"})
  void scatterUndoesGather(int batch, int channels, int size, int patch) {
    float[] images = Matrices.normal(4, batch * channels * size * size);
    float[] tokens = new float[images.length];
    Patches.gather(WORKERS, images, batch, channels, size, patch, tokens);
    int area = patch * patch;
    float[] turned = new float[images.length];
    for (int i = 0; i < turned.length; i++) {
      int token = i / (channels * area);
      int place = i / channels % area;
      turned[i] = tokens[(token * channels + i % channels) * area + place];
    }
    float[] back = new float[images.length];
    Patches.scatter(WORKERS, turned, batch, channels, size, patch, back);
    Bits.assertSame(images, back, "images");
  }
}
