package lazydit.bench.sweep;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import lazydit.bench.FmaCeiling;
import lazydit.bench.Median;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;

/**
 * Times one tile in a JVM of its own: on one thread, in the loops of the engine's product, over 256
 * rows of A that stay in the L2 cache and panels of B that come from beyond it.
 */
public final class TileRun {
  private static final int ROWS = 256;
  private static final int COLUMNS = 3456;
  private static final double TOLERANCE = 1e-3;

  private final Tile tile;
  private final int rowPanels;
  private final int columnPanels;
  private final int depth;
  private final float[] a;
  private final MemorySegment b;
  private final float[] c;
  private long seen;

  private TileRun(Tile tile, int depth) {
    this.tile = tile;
    this.depth = depth;
    rowPanels = Math.max(1, Math.round((float) ROWS / tile.rows()));
    columnPanels = Math.max(1, Math.round((float) COLUMNS / tile.columns()));
    SplittableRandom random = new SplittableRandom(1);
    a = new float[rowPanels * tile.rows() * Tile.STRIDE];
    for (int i = 0; i < a.length; i++) {
      a[i] = (float) random.nextDouble() - 0.5f;
    }
    long floats = (long) columnPanels * depth * tile.columns();
    b = Arena.ofAuto().allocate(floats * Float.BYTES, 64);
    for (long i = 0; i < floats; i++) {
      b.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble() - 0.5f);
    }
    c = new float[tile.rows() * tile.columns()];
  }

  /**
   * Prints the share of the FMA ceiling that a tile reaches.
   *
   * @param args the tile's class, the length of sums, seconds to warm up, seconds to measure
   * @throws ReflectiveOperationException when there is no such class
   */
  public static void main(String[] args) throws ReflectiveOperationException {
    Tile tile = (Tile) Class.forName(args[0]).getDeclaredConstructor().newInstance();
    TileRun run = new TileRun(tile, Integer.parseInt(args[1]));
    try (Workers one = new Workers(1)) {
      FmaCeiling fma = new FmaCeiling();
      fma.sustained(one);
      run.shares(Double.parseDouble(args[2]), () -> fma.measure(one));
      run.check();
      System.out.println(
          "share " + Median.of(run.shares(Double.parseDouble(args[3]), () -> fma.measure(one))));
    }
  }

  private double[] shares(double seconds, DoubleSupplier ceiling) {
    double work = 2.0 * rowPanels * tile.rows() * columnPanels * tile.columns() * depth;
    List<Double> shares = new ArrayList<>();
    long end = System.nanoTime() + (long) (seconds * 1e9);
    do {
      long start = System.nanoTime();
      product();
      double rate = work / (System.nanoTime() - start);
      shares.add(rate / ceiling.getAsDouble());
    } while (System.nanoTime() < end);
    return shares.stream().mapToDouble(share -> share).toArray();
  }

  private void product() {
    long panelBytes = (long) depth * tile.columns() * Float.BYTES;
    long slice = (long) depth * Tile.AHEAD;
    for (int j = 0; j < columnPanels; j++) {
      long panel = j * panelBytes;
      for (int i = 0; i < rowPanels; i++) {
        long ahead = panel + panelBytes + i * slice;
        boolean inside =
            (i + 1) * slice <= panelBytes && ahead + slice <= columnPanels * panelBytes;
        int rows = i * tile.rows() * Tile.STRIDE;
        seen |= tile.multiply(a, rows, b, panel, depth, c, inside ? ahead : panel);
      }
    }
  }

  /** Compares the last tile with sums in float64. */
  private void check() {
    int firstRow = (rowPanels - 1) * tile.rows();
    long panel = (long) (columnPanels - 1) * depth * tile.columns();
    for (int at = 0; at < c.length; at++) {
      int row = (firstRow + at / tile.columns()) * Tile.STRIDE;
      double sum = 0;
      for (int i = 0; i < depth; i++) {
        long column = panel + (long) i * tile.columns() + at % tile.columns();
        sum += (double) a[row + i] * b.getAtIndex(ValueLayout.JAVA_FLOAT, column);
      }
      if (!(Math.abs(c[at] - sum) < TOLERANCE)) {
        throw new LazyDitException("The tile gives %s for %s.".formatted(c[at], sum));
      }
    }
  }
}
