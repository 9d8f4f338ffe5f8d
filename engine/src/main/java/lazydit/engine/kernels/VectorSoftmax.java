package lazydit.engine.kernels;

import static java.nio.ByteOrder.nativeOrder;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Softmax over columns, both vectors of a tile's row side by side. A vector takes about 13 cycles:
 * 7 for the arithmetic, which is 15 instructions for an exponential and its part of the sum, the
 * others for what C2 checks at a store to a segment. All of it stays in the L2 cache.
 *
 * <p>Exponentials are of base 2, with the change of base in the scale. Compare-and-blend stands for
 * Java's max and min, whose rules for NaN and -0 cost several instructions each (the maximum was 7
 * % of attention); a NaN still reaches its column's sum by way of its own weight. Loops hand their
 * vectors on by way of arrays: one returned from a method that C2 does not inline is an object,
 * made anew in every turn of the loop (a quarter of attention).
 *
 * <p>After a store to a segment C2 reads the segment's own fields and checks its state again, 25
 * instructions, before the next one, so that registers for addresses are scarce here: vector by
 * vector instead of both of a row, 4.1 instead of 3.7 ns a vector for 256 keys; weights anywhere
 * but at a segment's beginning, 3.9; weights on the heap first and copied, 4.3; a slice of its own
 * for them, 3.5, but one new object a tile.
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
  public void columns(
      float[] scores,
      int so,
      int keys,
      int columns,
      float scale,
      MemorySegment weights,
      float[] inverse,
      int io) {
    checkWidth(columns);
    max(scores, so, keys, inverse, io);
    weigh(scores, so, keys, scale * LOG2_E, weights, inverse, io);
  }

  private static void max(float[] scores, int so, int keys, float[] to, int at) {
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
    max0a.blend(max1a, max1a.compare(GT, max0a)).intoArray(to, at);
    max0b.blend(max1b, max1b.compare(GT, max0b)).intoArray(to, at + Lanes.COUNT);
  }

  /** Writes the weights of columns whose maxima are given, and puts 1 / sum in their place. */
  private static void weigh(
      float[] scores,
      int so,
      int keys,
      float scale,
      MemorySegment weights,
      float[] inverse,
      int io) {
    FloatVector maxA = load(inverse, io);
    FloatVector maxB = load(inverse, io + Lanes.COUNT);
    FloatVector lowest = FloatVector.broadcast(Lanes.FLOATS, LOWEST / scale);
    FloatVector sumA = FloatVector.zero(Lanes.FLOATS);
    FloatVector sumB = FloatVector.zero(Lanes.FLOATS);
    for (int i = 0; i < keys; i++) {
      int row = so + i * COLUMNS;
      long at = (long) i * ROW_BYTES;
      FloatVector a = load(scores, row).sub(maxA);
      FloatVector b = load(scores, row + Lanes.COUNT).sub(maxB);
      FloatVector weightA = VectorMath.exp2(a, scale, LIFT).blend(0f, a.compare(LT, lowest));
      FloatVector weightB = VectorMath.exp2(b, scale, LIFT).blend(0f, b.compare(LT, lowest));
      weightA.intoMemorySegment(weights, at, nativeOrder());
      weightB.intoMemorySegment(weights, at + VECTOR_BYTES, nativeOrder());
      sumA = sumA.add(weightA);
      sumB = sumB.add(weightB);
    }
    FloatVector one = FloatVector.broadcast(Lanes.FLOATS, 1f);
    one.div(sumA).intoArray(inverse, io);
    one.div(sumB).intoArray(inverse, io + Lanes.COUNT);
  }

  @Override
  public void normalise(float[] x, int xo, int rows, int columns, float[] inverse, int io) {
    checkWidth(columns);
    FloatVector factorA = load(inverse, io);
    FloatVector factorB = load(inverse, io + Lanes.COUNT);
    for (int i = 0; i < rows; i++) {
      int row = xo + i * COLUMNS;
      load(x, row).mul(factorA).intoArray(x, row);
      load(x, row + Lanes.COUNT).mul(factorB).intoArray(x, row + Lanes.COUNT);
    }
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
