package lazydit.engine.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import lazydit.engine.RunsHere;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The active kernel against the formula, for all integers. */
@RunsHere
class Int8KernelTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 31, 65})
  void everyIntegerTimesItsScale(int rows) {
    int columns = Kernels.active().tile().columns();
    SplittableRandom random = new SplittableRandom(rows);
    float[] scales = new float[3 * columns];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = (float) random.nextDouble(-2, 2);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment from = arena.allocate((rows + 2L) * columns);
      for (long i = 0; i < from.byteSize(); i++) {
        from.set(ValueLayout.JAVA_BYTE, i, (byte) (37 * i));
      }
      long to = Operands.take();
      try {
        Kernels.active().int8().unpack(from, 2L * columns, rows, columns, scales, columns, to);
        for (int i = 0; i < rows * columns; i++) {
          float expected = (byte) (37 * (i + 2L * columns)) * scales[columns + i % columns];
          float found = Operands.MEMORY.get(ValueLayout.JAVA_FLOAT, to + (long) i * Float.BYTES);
          Assertions.assertEquals(expected, found, "element " + i);
        }
      } finally {
        Operands.putBack(to);
      }
    }
  }
}
