package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CastTensorTest {
  private static CastTensor cast(DType dtype, float... values) {
    return new CastTensor(new FloatTensor(values, values.length), dtype);
  }

  private static int rounded(DType dtype, float value) {
    byte[] bytes = new byte[2];
    cast(dtype, value).readBytes(0, bytes, 0, 1);
    return bytes[0] & 0xFF | (bytes[1] & 0xFF) << 8;
  }

  private static float value(DType dtype, int bits) {
    float[] value = new float[1];
    byte[] bytes = {(byte) bits, (byte) (bits >> 8)};
    dtype.toFloats(MemorySegment.ofArray(bytes), 0, value, 0, 1);
    return value[0];
  }

  /** Of the numbers around it the nearest; of two equally near ones that with the even last bit. */
  @Property(tries = 5000)
  void roundsToNearestEven(@ForAll short high, @ForAll("lowHalves") int low, @ForAll boolean half) {
    float exact = Float.intBitsToFloat(high << 16 | low);
    DType dtype = half ? DType.F16 : DType.BF16;
    int found = rounded(dtype, exact);
    float chosen = value(dtype, found);
    if (Float.isNaN(exact)) {
      assertTrue(Float.isNaN(chosen));
      return;
    }
    assertEquals(Math.copySign(1, exact), Math.copySign(1, chosen));
    if (Float.isInfinite(chosen)) {
      int largest = found - 1;
      double step = (double) value(dtype, largest) - value(dtype, largest - 1);
      assertTrue(Math.abs((double) exact) >= Math.abs(value(dtype, largest)) + Math.abs(step) / 2);
      return;
    }
    double error = Math.abs((double) chosen - exact);
    for (int other : new int[] {found - 1, found + 1}) {
      if ((other & 0x7FFF) < (dtype == DType.F16 ? 0x7C00 : 0x7F80)) {
        double theirs = Math.abs((double) value(dtype, other) - exact);
        assertTrue(error < theirs || error == theirs && (found & 1) == 0, exact + " " + chosen);
      }
    }
  }

  /** Ties of both types and their neighbours among all others. */
  @Provide
  Arbitrary<Integer> lowHalves() {
    return Arbitraries.oneOf(
        Arbitraries.of(0x0FFF, 0x1000, 0x1001, 0x3000, 0x7FFF, 0x8000, 0x8001),
        Arbitraries.integers().between(0, 0xFFFF));
  }

  @ParameterizedTest
  @CsvSource({"F16, 65519.99, 0", "F16, 65520, 1", "F16, -1e30, 1", "BF16, 3.389e38, 0"})
  void countsWhatBecomesInfinite(DType dtype, float value, long expected) {
    CastTensor cast = cast(dtype, 1, value, Float.POSITIVE_INFINITY, Float.NaN);
    cast.readBytes(0, new byte[8], 0, 4);
    assertEquals(expected, cast.overflows());
  }

  @Test
  void theLargestFloatsBecomeInfiniteAsBfloat16() {
    CastTensor cast = cast(DType.BF16, Float.MAX_VALUE, Float.intBitsToFloat(0x7F7F7FFF));
    float[] values = new float[2];
    cast.readFloats(0, values, 0, 2);
    assertEquals(Float.POSITIVE_INFINITY, values[0]);
    assertEquals(Float.intBitsToFloat(0x7F7F0000), values[1]);
    assertEquals(1, cast.overflows());
  }
}
