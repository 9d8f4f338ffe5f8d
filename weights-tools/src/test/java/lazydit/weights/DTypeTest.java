package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class DTypeTest {
  private static MemorySegment hex(String bytes) {
    return MemorySegment.ofArray(HexFormat.of().parseHex(bytes.replace(" ", "")));
  }

  private static float[] floats(DType dtype, String bytes, int count) {
    float[] values = new float[count + 1];
    dtype.toFloats(hex(bytes), 0, values, 1, count);
    double[] doubles = new double[count + 1];
    dtype.toDoubles(hex(bytes), 0, doubles, 1, count);
    for (int i = 0; i <= count; i++) {
      assertEquals(values[i], (float) doubles[i]);
    }
    return values;
  }

  @Test
  void narrowFloatsWiden() {
    assertArrayEquals(
        new float[] {0, 1, -2, 65504, 0x1p-24f, Float.POSITIVE_INFINITY, Float.NaN},
        floats(DType.F16, "003c 00c0 ff7b 0100 007c 017e", 6));
    assertArrayEquals(
        new float[] {0, 1, -0f, 3.140625f, Float.NEGATIVE_INFINITY, Float.NaN},
        floats(DType.BF16, "803f 0080 4940 80ff c17f", 5));
  }

  @Test
  void integersKeepTheirSign() {
    assertArrayEquals(new float[] {0, -2, 127}, floats(DType.I8, "fe7f", 2));
    assertArrayEquals(new float[] {0, 254, 127}, floats(DType.U8, "fe7f", 2));
    assertArrayEquals(new float[] {0, 1, 0, 1}, floats(DType.BOOL, "010002", 3));
    assertArrayEquals(new float[] {0, -2}, floats(DType.I16, "feff", 1));
    assertArrayEquals(new float[] {0, -2}, floats(DType.I32, "feffffff", 1));
    assertArrayEquals(new float[] {0, -2}, floats(DType.I64, "feffffffffffffff", 1));
  }

  @Test
  void doublesRoundToFloats() {
    assertArrayEquals(new float[] {0, 0.1f}, floats(DType.F64, "9a9999999999b93f", 1));
    double[] exact = new double[1];
    DType.F64.toDoubles(hex("9a9999999999b93f"), 0, exact, 0, 1);
    assertEquals(0.1, exact[0]);
  }
}
