package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class ReluTest {
  @Test
  void nothingNegativeStays() {
    float[] x = {-1, 2, -0f, 0, -3};
    Relu.apply(x, 4);
    assertArrayEquals(new float[] {0, 2, 0, 0, -3}, x);
  }

  @Test
  void thePoolKeepsTheLargestOfEachSquareAndChannel() {
    // Two images of 3 x 5 pixels and 2 channels: the last row and column count for nothing.
    float[] x = new float[2 * 3 * 5 * 2];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i * 37 % 61) - 30;
    }
    float[] expected = new float[2 * 1 * 2 * 2];
    for (int b = 0; b < 2; b++) {
      for (int column = 0; column < 2; column++) {
        for (int c = 0; c < 2; c++) {
          float most = 0;
          for (int dy = 0; dy < 2; dy++) {
            for (int dx = 0; dx < 2; dx++) {
              most = Math.max(most, x[((b * 3 + dy) * 5 + 2 * column + dx) * 2 + c]);
            }
          }
          expected[(b * 2 + column) * 2 + c] = most;
        }
      }
    }
    for (int threads = 1; threads <= 3; threads++) {
      try (Workers workers = new Workers(threads)) {
        float[] y = new float[expected.length];
        Relu.pool(workers, x, 2, 3, 5, 2, y);
        assertArrayEquals(expected, y);
      }
    }
  }

  @Test
  void shortArraysAreRefused() {
    try (Workers workers = new Workers(1)) {
      assertThrows(
          LazyDitException.class,
          () -> Relu.pool(workers, new float[15], 1, 4, 4, 1, new float[4]));
      assertThrows(
          LazyDitException.class,
          () -> Relu.pool(workers, new float[16], 1, 4, 4, 1, new float[3]));
    }
  }
}
