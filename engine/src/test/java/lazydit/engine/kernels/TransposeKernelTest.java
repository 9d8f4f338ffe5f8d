package lazydit.engine.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.stream.IntStream;
import lazydit.engine.Matrices;
import lazydit.engine.RunsHere;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Every element where the formula says, and nothing else touched. */
@RunsHere
class TransposeKernelTest {
  private static final float UNTOUCHED = -7;

  @Property(tries = 300)
  void rowsBecomeColumns(
      @ForAll @IntRange(min = 1, max = 41) int rows,
      @ForAll @IntRange(min = 1, max = 41) int columns,
      @ForAll @IntRange(max = 9) int gap,
      @ForAll @IntRange(max = 5) int offset) {
    int apart = columns + gap;
    int stride = rows + gap;
    // Rows in reverse order, with one left out.
    int[] at = IntStream.range(0, rows).map(r -> (rows - r) * apart).toArray();
    float[] x = Matrices.normal(rows + columns, offset + (rows + 1) * apart);
    x[x.length - 1] = Float.NaN;
    x[offset + at[0]] = Float.NEGATIVE_INFINITY;
    float[] expected = new float[offset + columns * stride + gap];
    Arrays.fill(expected, UNTOUCHED);
    float[] actual = expected.clone();
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        expected[offset + c * stride + r] = x[offset + at[r] + c];
      }
    }
    Kernels.active().transpose().transpose(x, offset, at, rows, columns, actual, offset, stride);
    assertArrayEquals(expected, actual);
  }
}
