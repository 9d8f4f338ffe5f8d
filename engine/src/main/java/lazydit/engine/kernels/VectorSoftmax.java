package lazydit.engine.kernels;

import static java.nio.ByteOrder.nativeOrder;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;

/**
 * Softmax over columns, both vectors of a tile's row side by side. A weight takes 2.4 ns a vector,
 * 8 cycles, of which 7 are 15 instructions for an exponential and its part of the sum; a maximum
 * 0.6 ns. All of it stays in the L2 cache.
 *
 * <p>Exponentials are of base 2, with the change of base in the scale. Compare-and-blend stands for
 * Java's max and min, whose rules for NaN and -0 cost several instructions each (the maximum was 7
 * % of attention); a NaN still reaches its column's sum by way of its own weight. Loops hand their
 * vectors on by way of arrays: one returned from a method that C2 does not inline is an object,
 * made anew in every turn of the loop (a quarter of attention).
 *
 * <p>Weights go to {@link Operands}: to a segment that the kernel is handed, with its checks after
 * each store, a vector took 3.7 ns; to the heap first and copied 4.3.
 */
final class VectorSoftmax implements SoftmaxKernel {
  /** Those of every tile; a constant, since C2 moves no bounds check of an unknown stride. */
  private static final int COLUMNS = 2 * Lanes.COUNT;

  private static final int ROW_BYTES = COLUMNS * Float.BYTES;
  private static final int VECTOR_BYTES = ROW_BYTES / 2;

  private static final float LOG2_E = 1.442695041f;

  /**
   * Weights are this many powers of two too large until 1 / sum takes that back, so that the
   * smallest are normal numbers on the way, which need no care.
   */
  private static final int LIFT = 24;

  /** Logarithm to base 2 of the smallest weight that is not 0. */
  private static final float LOWEST = -125 - LIFT;

  @Override
  public void max(float[] scores, int so, int keys, int columns, float[] max, int mo) {
    checkWidth(columns);
    FloatVector max0a = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    FloatVector max0b = max0a;
    FloatVector max1a = max0a;
    FloatVector max1b = max0a;
    for (int i = 0; i < keys - 1; i += 2) {
      int row = so + i * COLUMNS;
      FloatVector s0a = load(scores, row);
      FloatVector s0b = load(scores, row + Lanes.COUNT);
      FloatVector s1a = load(scores, row + COLUMNS);
      FloatVector s1b = load(scores, row + COLUMNS + Lanes.COUNT);
      max0a = max0a.blend(s0a, s0a.compare(GT, max0a));
      max0b = max0b.blend(s0b, s0b.compare(GT, max0b));
      max1a = max1a.blend(s1a, s1a.compare(GT, max1a));
      max1b = max1b.blend(s1b, s1b.compare(GT, max1b));
    }
    // The last row, of an odd number the only one left; of an even number once more.
    int last = so + (keys - 1) * COLUMNS;
    FloatVector lastA = load(scores, last);
    FloatVector lastB = load(scores, last + Lanes.COUNT);
    max0a = max0a.blend(lastA, lastA.compare(GT, max0a));
    max0b = max0b.blend(lastB, lastB.compare(GT, max0b));
    max0a.blend(max1a, max1a.compare(GT, max0a)).intoArray(max, mo);
    max0b.blend(max1b, max1b.compare(GT, max0b)).intoArray(max, mo + Lanes.COUNT);
  }

  @Override
  public void weigh(
      float[] scores,
      int so,
      int keys,
      int columns,
      float scale,
      float[] max,
      int mo,
      float[] sums,
      int uo,
      long to) {
    checkWidth(columns);
    float factor = scale * LOG2_E;
    FloatVector maxA = load(max, mo);
    FloatVector maxB = load(max, mo + Lanes.COUNT);
    FloatVector lowest = FloatVector.broadcast(Lanes.FLOATS, LOWEST / factor);
    FloatVector sumA = load(sums, uo);
    FloatVector sumB = load(sums, uo + Lanes.COUNT);
    for (int i = 0; i < keys; i++) {
      int row = so + i * COLUMNS;
      long at = to + (long) i * ROW_BYTES;
      FloatVector a = load(scores, row).sub(maxA);
      FloatVector b = load(scores, row + Lanes.COUNT).sub(maxB);
      FloatVector weightA = VectorMath.exp2(a, factor, LIFT).blend(0f, a.compare(LT, lowest));
      FloatVector weightB = VectorMath.exp2(b, factor, LIFT).blend(0f, b.compare(LT, lowest));
      weightA.intoMemorySegment(Operands.MEMORY, at, nativeOrder());
      weightB.intoMemorySegment(Operands.MEMORY, at + VECTOR_BYTES, nativeOrder());
      sumA = sumA.add(weightA);
      sumB = sumB.add(weightB);
    }
    sumA.intoArray(sums, uo);
    sumB.intoArray(sums, uo + Lanes.COUNT);
  }

  private static void checkWidth(int columns) {
    if (columns != COLUMNS) {
      throw new IllegalArgumentException("A tile has " + COLUMNS + " columns, not " + columns);
    }
  }

  private static FloatVector load(float[] scores, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, scores, at);
  }
}
