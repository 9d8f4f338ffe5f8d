package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Planes and pixels hold the same values, each in its place. */
class ChannelsLastTest {
  @ParameterizedTest
  @CsvSource({"1, 1, 1", "2, 3, 5", "1, 4, 64", "3, 1, 7"})
  void everyValueMovesToItsPlaceAndBack(int batch, int channels, int pixels) {
    int size = batch * channels * pixels;
    float[] planes = Matrices.normal(1, size + 3);
    float[] rows = new float[size];
    ChannelsLast.fromPlanes(planes, 3, batch, channels, pixels, rows);
    for (int i = 0; i < size; i++) {
      int image = i / channels / pixels;
      int plane = 3 + (image * channels + i % channels) * pixels;
      assertEquals(planes[plane + i / channels % pixels], rows[i], "at " + i);
    }
    float[] back = new float[size + 3];
    System.arraycopy(planes, 0, back, 0, 3);
    ChannelsLast.toPlanes(rows, batch, channels, pixels, back, 3);
    Bits.assertSame(planes, back, "planes");
  }
}
