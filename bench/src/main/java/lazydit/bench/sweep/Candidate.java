package lazydit.bench.sweep;

import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lazydit.engine.LazyDitException;

/**
 * A tile to try, and its source: every accumulator a local variable, no call that might not be
 * inlined, as in the engine's tiles.
 *
 * @param rows rows of A
 * @param vectors vectors of B's columns
 * @param steps steps of the sum in a round of the loop, 1 or 2
 */
record Candidate(int rows, int vectors, int steps) {
  private static final Pattern NAME = Pattern.compile("([1-9]\\d?)x([1-9])(u2)?");

  /**
   * Reads a name.
   *
   * @param name rows x vectors, such as 13x2, with u2 behind it for two steps a round
   * @throws LazyDitException when it is none
   */
  static Candidate named(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      throw new LazyDitException(
          "A tile is named by rows x vectors, such as 13x2 or 8x2u2, not \"%s\".".formatted(name));
    }
    int rows = Integer.parseInt(matcher.group(1));
    return new Candidate(
        rows, Integer.parseInt(matcher.group(2)), matcher.group(3) == null ? 1 : 2);
  }

  String name() {
    return rows + "x" + vectors + (steps == 1 ? "" : "u" + steps);
  }

  String className() {
    return "Tile" + name();
  }

  /** A class of the default package that is a {@link Tile}. */
  String source() {
    return """
    import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
    import static java.nio.ByteOrder.nativeOrder;

    import java.lang.foreign.MemorySegment;
    import jdk.incubator.vector.FloatVector;
    import jdk.incubator.vector.VectorSpecies;

    public final class %s implements lazydit.bench.sweep.Tile {
      private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
      private static final int LANES = S.length();
      private static final int COLUMNS = %d * LANES;
      private static final int ROW_BYTES = COLUMNS * Float.BYTES;

      @Override
      public int rows() {
        return %d;
      }

      @Override
      public int columns() {
        return COLUMNS;
      }

      @Override
      public long multiply(
          float[] a, int ao, MemorySegment b, long bo, int depth, float[] c, long ahead) {
    %s    long seen = 0;
        for (int i = 0; i < depth; i += %d) {
          seen |= b.get(JAVA_LONG_UNALIGNED, ahead + (long) i * AHEAD);
          long bi = bo + (long) i * ROW_BYTES;
    %s    }
    %s    return seen;
      }
    }
    """
        .formatted(
            className(),
            vectors,
            rows,
            sums("    FloatVector c%1$d_%2$d = FloatVector.zero(S);\n"),
            steps,
            lines(steps, this::step),
            sums("    c%1$d_%2$d.intoArray(c, %1$d * COLUMNS + %2$d * LANES);\n"));
  }

  /** Loads a row of B, and spreads each value of a column of A over it. */
  private String step(int step) {
    String loads =
        lines(
            vectors,
            v ->
                """
                      FloatVector b%1$d_%2$d =
                          FloatVector.fromMemorySegment(
                              S, b, bi + %1$d * ROW_BYTES + %2$d * LANES * Float.BYTES, nativeOrder());
                """
                    .formatted(step, v));
    return loads + lines(rows, row -> products(step, row));
  }

  private String products(int step, int row) {
    String value =
        "      FloatVector a%1$d_%2$d = FloatVector.broadcast(S, a[ao + i + %1$d + %2$d * STRIDE]);\n"
            .formatted(step, row);
    return value
        + lines(
            vectors,
            v ->
                "      c%2$d_%3$d = a%1$d_%2$d.fma(b%1$d_%3$d, c%2$d_%3$d);\n"
                    .formatted(step, row, v));
  }

  private String sums(String line) {
    return lines(rows, row -> lines(vectors, v -> line.formatted(row, v)));
  }

  private static String lines(int count, IntFunction<String> line) {
    return IntStream.range(0, count).mapToObj(line).collect(Collectors.joining());
  }
}
