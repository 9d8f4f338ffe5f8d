package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rounding to 8-bit integers. */
class Int8Test {
  @Test
  void theLargestNumberBecomes127() {
    float scale = Int8.scale(new float[] {0.5f, -3, 2});
    assertEquals(3f / 127, scale);
    assertEquals(-127, Int8.round(-3, scale));
    assertEquals(21, Int8.round(0.5f, scale));
    assertEquals(0, Int8.scale(new float[3]));
  }

  @ParameterizedTest
  @CsvSource({
    "0.5, 1, 0",
    "1.5, 1, 2",
    "-2.5, 1, -2",
    "-0.0, 1, 0",
    "126.5, 1, 126",
    "1000, 1, 127",
    "-1000, 1, -127",
    "3.4e38, 1e-30, 127",
    "5, 0, 0",
    "1.4e-45, 1.4e-45, 1"
  })
  void roundsTiesToEvenAndStaysInside(float value, float scale, int expected) {
    assertEquals(expected, Int8.round(value, scale));
  }

  /** Of any finite product with any scale, however small. */
  @Test
  void everyIntegerIsRecovered() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 20_000; i++) {
      float scale = Float.intBitsToFloat(random.nextInt(1, 0x7b800000));
      byte integer = (byte) random.nextInt();
      assertEquals(integer, Int8.recover(integer * scale, scale), "times " + scale);
    }
  }
}
