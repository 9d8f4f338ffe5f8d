package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lazydit.engine.Matrices;
import lazydit.engine.RunsHere;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** One tile of each backend against float64. */
@RunsHere
class GemmTileTest {
  static Stream<GemmTile> tiles() {
    return Stream.of(Kernels.scalar().tile(), Kernels.active().tile(), Kernels.active().lower());
  }

  @ParameterizedTest
  @MethodSource("tiles")
  void multiplies(GemmTile tile) {
    int max = tile.maxDepth();
    IntStream.of(1, 2, 3, 5, 31, 33, 127, 575, max - 1, max).forEach(k -> check(tile, k, 0, 1));
  }

  @ParameterizedTest
  @MethodSource("tiles")
  void multipliesValuesOfOneSign(GemmTile tile) {
    IntStream.of(7, 33, 575).forEach(k -> check(tile, k, 3, 1));
  }

  @ParameterizedTest
  @MethodSource("tiles")
  void multipliesHugeAndTinyValues(GemmTile tile) {
    check(tile, 127, 0, 1e17);
    check(tile, 127, 0, 1e-19);
    check(tile, 127, 0, 1e-23);
  }

  /** Parts of 80 bytes: four fit into 320, before the end of the panel or of the memory. */
  @Test
  void aBlockReadsAheadPartsOfThePanelAndNothingElse() {
    assertArrayEquals(new long[] {1000, 1080, 1160, 1240, -1}, ahead(320, 2000));
    assertArrayEquals(new long[] {1000, 1080, 1160, -1, -1}, ahead(319, 2000));
    assertArrayEquals(new long[] {1000, 1080, 1160, -1, -1}, ahead(320, 1319));
    assertArrayEquals(new long[] {1000, 1080, 1160, 1240, -1}, ahead(320, 1320));
  }

  private static long[] ahead(long panelBytes, long end) {
    return IntStream.range(0, 5)
        .mapToLong(i -> GemmTile.ahead(1000, i, 10, panelBytes, end, -1))
        .toArray();
  }

  /** Both panels lie inside larger arrays, and the tile beside another that must stay. */
  private static void check(GemmTile tile, int depth, double mean, double scale) {
    int rows = tile.rows();
    int columns = tile.columns();
    int size = rows * columns;
    int ao = 5;
    float[] a = Matrices.normal(depth, ao + rows * tile.rowStride(), mean * scale, scale);
    float[] b = Matrices.normal(depth + 1, depth * columns, mean * scale, scale);
    float[] old = Matrices.normal(depth + 2, 3 * size, 0, scale * scale);
    try (Arena arena = Arena.ofConfined()) {
      long bo = 64;
      MemorySegment packed = arena.allocate(bo + (long) b.length * Float.BYTES, 64);
      MemorySegment.copy(b, 0, packed, JAVA_FLOAT, bo, b.length);
      for (boolean accumulate : new boolean[] {false, true}) {
        float[] c = old.clone();
        tile.multiply(a, ao, packed, bo, depth, c, size, accumulate, packed, bo);
        for (int i = 0; i < old.length; i++) {
          float found = c[i];
          if (i / size != 1) {
            assertEquals(old[i], found, "beside the tile");
            continue;
          }
          int row = ao + (i - size) / columns * tile.rowStride();
          double sum = accumulate ? old[i] : 0;
          double magnitude = Math.abs(sum);
          for (int k = 0; k < depth; k++) {
            double term = (double) a[row + k] * b[k * columns + i % columns];
            sum += term;
            magnitude += Math.abs(term);
          }
          double tolerance =
              Matrices.relative(depth) * magnitude + depth * (double) Float.MIN_VALUE;
          assertEquals(sum, found, tolerance, "depth " + depth + " at " + i);
        }
      }
    }
  }
}
