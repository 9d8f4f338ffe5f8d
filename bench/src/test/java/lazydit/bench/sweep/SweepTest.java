package lazydit.bench.sweep;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import lazydit.engine.LazyDitException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The candidates of the sweep and the reading of their machine code; nothing is timed. */
class SweepTest {
  private static final int DEPTH = 6;

  @ParameterizedTest
  @ValueSource(strings = {"1x1", "13x2", "4x3", "3x2u2"})
  void candidatesMultiply(String name, @TempDir Path folder) throws Exception {
    Tile tile = compiled(Candidate.named(name), folder);
    int rows = tile.rows();
    int columns = tile.columns();
    float[] a = new float[rows * Tile.STRIDE];
    for (int i = 0; i < a.length; i++) {
      a[i] = i % 11;
    }
    float[] c = new float[rows * columns];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment b = arena.allocate((long) DEPTH * columns * Float.BYTES, 64);
      for (int i = 0; i < DEPTH * columns; i++) {
        b.setAtIndex(ValueLayout.JAVA_FLOAT, i, i % 7);
      }
      tile.multiply(a, 0, b, 0, DEPTH, c, 0);
      for (int at = 0; at < c.length; at++) {
        float sum = 0;
        for (int i = 0; i < DEPTH; i++) {
          float value = b.getAtIndex(ValueLayout.JAVA_FLOAT, i * columns + at % columns);
          sum += a[at / columns * Tile.STRIDE + i] * value;
        }
        assertEquals(sum, c[at]);
      }
    }
  }

  private static Tile compiled(Candidate candidate, Path folder) throws Exception {
    Sweep.compile(List.of(candidate), folder);
    URL[] path = {folder.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(path, SweepTest.class.getClassLoader())) {
      Class<?> type = loader.loadClass(candidate.className());
      return (Tile) type.getDeclaredConstructor().newInstance();
    }
  }

  @Test
  void namesAreReadBack() {
    for (String name : List.of("13x2", "8x2u2")) {
      assertEquals(name, Candidate.named(name).name());
    }
    assertThrows(LazyDitException.class, () -> Candidate.named("0x2"));
    assertThrows(LazyDitException.class, () -> Candidate.named("2x2u3"));
  }

  @Test
  void spillsAreCountedAmidTheMultiplyAdds() throws IOException {
    String early = compiled(" 12 ", "62f2 7d48 b8c1 | 62f1 fe48 6f44 2401 | 62f2 7d48 b8c1");
    String osr = compiled("%12 ", "62f2 7d48 b8c1 | 62f1 fe48 6f44 2401 | 62f2 7d48 b8c1");
    // vmovdqu64 before the loop, fma, vmovdqu64 to and from the stack, vmovdqu from elsewhere, fma.
    String last =
        compiled(
            " 13 ",
            "62f1 fe48 7f84 2430 0300 00 | 62f2 7d48 b8c1 | 62f1 fe48 7f44 2401",
            "62e1 fe48 6f84 24b0 0200 00 | c5fe 6f02 | c4e2 7db8 c1",
            "62f1 fe48 7f44 2401");
    assertEquals(OptionalInt.of(1), MachineCode.spills(early + osr));
    assertEquals(OptionalInt.of(2), MachineCode.spills(early + last + osr));
    assertEquals(OptionalInt.empty(), MachineCode.spills(osr));
    assertEquals(OptionalInt.empty(), MachineCode.spills("a disassembly"));
  }

  /** As the JVM prints it. */
  private static String compiled(String number, String... lines) {
    StringBuilder text =
        new StringBuilder(
            """
            Compiled method (c2) 3670  %s      4       Tile8x2::multiply (1353 bytes)
             main code      [0x00007f77644c3800,0x00007f77644e0cc8] = 120008

            [MachCode]
            [Instructions begin]
            """
                .formatted(number));
    for (String line : lines) {
      text.append("  0x00007f77644c3818: ;   {metadata(method data)}\n");
      text.append("  0x00007f77644c3818: ").append(line).append(" \n");
    }
    return text.append("[/MachCode]\n").toString();
  }
}
