package lazydit.engine;

import lazydit.engine.kernels.GradientKernels;
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
   * The way back through {@code x += gate * y}: dy = gate * dx, dGate += dx * y summed over the
   * rows of a group; dx is passed on as it is. Threads share the groups.
   *
   * @param workers who works
   * @param gate a vector for every row
   * @param y {@code [rows, width]}; not read without {@code dGate}
   * @param rows how many rows
   * @param width features of a row
   * @param dx the gradient of the result, {@code [rows, width]}
   * @param dy receives {@code [rows, width]}
   * @param dGate is added to; a vector of its own for every group of the gate's, or null when this
   *     gradient is not wanted
   */
  public static void gatedAddGradient(
      Workers workers,
      PerGroup gate,
      float[] y,
      int rows,
      int width,
      float[] dx,
      float[] dy,
      PerGroup dGate) {
    GradientKernels kernels = Kernels.active().gradients();
    int each = gate.each();
    float[] sums = dGate == null ? null : dGate.values();
    workers.forEach(
        (rows + each - 1) / each,
        (worker, from, to) -> {
          for (int r = from * each; r < Math.min(to * each, rows); r++) {
            int at = r * width;
            int sumAt = dGate == null ? 0 : dGate.at(r);
            kernels.gatedAdd(gate.values(), gate.at(r), y, at, dx, at, dy, at, sums, sumAt, width);
          }
        });
  }

  /**
   * x += y, with the same y for every group of rows.
   *
   * @param workers who works
   * @param x {@code [groups, period, width]}, updated
   * @param rows groups * period
   * @param width features of a row
   * @param y {@code [period, width]}
   */
  public static void addRepeated(Workers workers, float[] x, int rows, int width, float[] y) {
    RowKernels kernels = Kernels.active().rows();
    int period = y.length / width;
    workers.forEach(
        rows,
        (worker, from, to) -> {
          for (int r = from; r < to; ) {
            int at = r % period;
            int count = Math.min(to - r, period - at);
            kernels.add(y, at * width, x, r * width, count * width);
            r += count;
          }
        });
  }
}
