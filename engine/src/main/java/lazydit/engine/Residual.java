package lazydit.engine;

import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.RowKernels;

/** Additions to the residual stream. */
public final class Residual {
  private Residual() {}

  /**
   * x += gate * y at some rows: what {@link Epilogue.GatedAdd} does, to the bit, for a y that is
   * already there.
   *
   * @param workers who works
   * @param x the residual stream, {@code [rows, width]}
   * @param rows which of its rows
   * @param width features of a row
   * @param gate a vector for every row
   * @param y {@code [rows, width]}
   */
  public static void gatedAdd(
      Workers workers, float[] x, Rows rows, int width, PerGroup gate, float[] y) {
    RowKernels kernels = Kernels.active().rows();
    workers.forEach(
        rows.size(),
        (worker, from, to) -> {
          for (int i = from; i < to; ) {
            int row = rows.at(i);
            int gateAt = gate.at(row);
            int end = i + Math.min(rows.run(i, to), gate.run(row));
            for (; i < end; i++, row++) {
              kernels.gatedAdd(x, row * width, gate.values(), gateAt, y, row * width, width);
            }
          }
        });
  }

  /**
   * x += y, with the same y for every group of rows.
   *
   * @param x {@code [groups, period, width]}, updated
   * @param rows groups * period
   * @param width features of a row
   * @param y {@code [period, width]}
   */
  public static void addRepeated(float[] x, int rows, int width, float[] y) {
    int period = y.length / width;
    for (int r = 0; r < rows; r++) {
      Kernels.active().rows().add(y, r % period * width, x, r * width, width);
    }
  }
}
