package lazydit.engine;

import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Additions to the residual stream: one rounding each, so the bits are known. */
@RunsHere
class ResidualTest {
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 31, 33, 72})
  void gatedAddOfSomeRows(int width) {
    int each = 5;
    int groups = 4;
    float[] x = Matrices.normal(1, groups * each * width);
    float[] y = Matrices.normal(2, x.length);
    float[] gates = Matrices.normal(3, (groups + 1) * width);
    int[] offsets = IntStream.range(0, groups).map(g -> (groups - 1 - g) * width).toArray();
    float[] expected = x.clone();
    for (int i = 0; i < x.length; i++) {
      int group = i / width / each;
      if (group == 1 || group == 3) {
        float gate = gates[width + offsets[group] + i % width];
        expected[i] = Math.fma(gate, y[i], x[i]);
      }
    }
    try (Workers workers = new Workers(3)) {
      Rows some = new Rows(new int[] {1, 3}, 2, each);
      Residual.gatedAdd(workers, x, some, width, new PerGroup(gates, offsets, width, each), y);
    }
    Bits.assertSame(expected, x, "groups 1 and 3");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 33})
  void addRepeated(int width) {
    int period = 3;
    float[] x = Matrices.normal(1, 4 * period * width);
    float[] y = Matrices.normal(2, period * width);
    float[] expected = x.clone();
    for (int i = 0; i < x.length; i++) {
      expected[i] += y[i % (period * width)];
    }
    Residual.addRepeated(WORKERS, x, 4 * period, width, y);
    Bits.assertSame(expected, x, "every group");
  }
}
