package lazydit.engine.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rounding to bfloat16. That a layer unpacks what it packed is the layer's test. */
class Bfloat16KernelTest {
  private static float rounded(float value) {
    return Float.intBitsToFloat(Bfloat16Kernel.round(value) << 16);
  }

  @ParameterizedTest
  @CsvSource({
    "0x1.00p0, 0x1.00p0",
    "0x1.01p0, 0x1.00p0",
    "0x1.010002p0, 0x1.02p0",
    "0x1.03p0, 0x1.04p0",
    "-0x1.05p0, -0x1.04p0",
    "0x1.fffffep127, Infinity",
    "-Infinity, -Infinity",
    "-0.0, -0.0",
    "0x1p-149, 0.0",
    "0x1p-133, 0x1p-133",
    "NaN, NaN"
  })
  void roundsTiesToEven(String value, String expected) {
    assertEquals(
        Float.floatToIntBits(Float.parseFloat(expected)),
        Float.floatToIntBits(rounded(Float.parseFloat(value))));
  }

  @Test
  void nothingIsNearer() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 100_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      float found = rounded(value);
      if (Float.isNaN(value)) {
        assertTrue(Float.isNaN(found));
      } else if (Float.isFinite(found)) {
        int bits = Float.floatToRawIntBits(found);
        double error = Math.abs((double) found - value);
        for (int step : new int[] {-0x10000, 0x10000}) {
          double other = Float.intBitsToFloat(bits + step);
          assertTrue(!(Math.abs(other - value) < error), value + " to " + found);
        }
      }
    }
  }
}
