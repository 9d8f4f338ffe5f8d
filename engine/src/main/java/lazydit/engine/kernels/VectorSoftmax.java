package lazydit.engine.kernels;

import static java.nio.ByteOrder.nativeOrder;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Softmax over columns, a vector of them at a time. Bound by arithmetic: 15 instructions for an
 * exponential and its part of the sum, beside one load and one store of what stays in the L2 cache.
 *
 * <p>Exponentials are of base 2, with the change of base in the scale. Compare-and-blend stands for
 * Java's max and min, whose rules for NaN and -0 cost several instructions each (the maximum was 7
 * % of attention); a NaN still reaches its column's sum by way of its own weight. Loops hand their
 * vectors on by way of arrays: one returned from a method that C2 does not inline is an object,
 * made anew in every turn of the loop (a quarter of attention).
 */
final class VectorSoftmax implements SoftmaxKernel {
  /** Those of every tile; a constant, since C2 moves no bounds check of an unknown stride. */
  private static final int COLUMNS = 2 * Lanes.COUNT;

  private static final int ROW_BYTES = COLUMNS * Float.BYTES;

  private static final float LOG2_E = 1.442695041f;

  /**
   * Weights are this many powers of two too large until 1 / sum takes that back, so that the
   * smallest are normal numbers on the way, which need no care.
   */
  private static final int LIFT = 24;

  /** Logarithm to base 2 of the smallest weight that is not 0. */
  private static final float LOWEST = -125 - LIFT;

  /** Rows whose maxima are taken side by side, so that none waits for the one before. */
  private static final int CHAINS = 4;

  @Override
  public void columns(
      float[] scores,
      int so,
      int keys,
      int columns,
      float scale,
      MemorySegment weights,
      long wo,
      float[] inverse,
      int io) {
    if (columns != COLUMNS) {
      throw new IllegalArgumentException("A tile has " + COLUMNS + " columns, not " + columns);
    }
    for (int j = 0; j < COLUMNS; j += Lanes.COUNT) {
      max(scores, so + j, keys, inverse, io + j);
      long to = wo + (long) j * Float.BYTES;
      weigh(scores, so + j, keys, scale * LOG2_E, weights, to, inverse, io + j);
    }
  }

  private static void max(float[] scores, int so, int keys, float[] to, int at) {
    FloatVector max0 = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    FloatVector max1 = max0;
    FloatVector max2 = max0;
    FloatVector max3 = max0;
    int i = 0;
    for (; i < keys - CHAINS + 1; i += CHAINS) {
      int row = so + i * COLUMNS;
      max0 = larger(max0, load(scores, row));
      max1 = larger(max1, load(scores, row + COLUMNS));
      max2 = larger(max2, load(scores, row + 2 * COLUMNS));
      max3 = larger(max3, load(scores, row + 3 * COLUMNS));
    }
    for (; i < keys; i++) {
      max0 = larger(max0, load(scores, so + i * COLUMNS));
    }
    larger(larger(max0, max1), larger(max2, max3)).intoArray(to, at);
  }

  private static FloatVector larger(FloatVector max, FloatVector x) {
    return max.blend(x, x.compare(GT, max));
  }

  /** Writes the weights of a column whose maximum is given, and puts 1 / sum in its place. */
  private static void weigh(
      float[] scores,
      int so,
      int keys,
      float scale,
      MemorySegment weights,
      long wo,
      float[] inverse,
      int io) {
    FloatVector max = load(inverse, io);
    FloatVector lowest = FloatVector.broadcast(Lanes.FLOATS, LOWEST / scale);
    FloatVector sum = FloatVector.zero(Lanes.FLOATS);
    for (int i = 0; i < keys; i++) {
      FloatVector below = load(scores, so + i * COLUMNS).sub(max);
      FloatVector weight = VectorMath.exp2(below, scale, LIFT).blend(0f, below.compare(LT, lowest));
      weight.intoMemorySegment(weights, wo + (long) i * ROW_BYTES, nativeOrder());
      sum = sum.add(weight);
    }
    FloatVector.broadcast(Lanes.FLOATS, 1f).div(sum).intoArray(inverse, io);
  }

  private static FloatVector load(float[] scores, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, scores, at);
  }
}
