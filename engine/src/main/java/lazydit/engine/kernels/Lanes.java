package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The one vector shape of this process: a static final in a class of its own, so that C2 sees a
 * constant in every kernel.
 */
final class Lanes {
  static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorShape.forBitSize(VectorWidth.bits()));

  /** Lanes of one vector. */
  static final int COUNT = FLOATS.length();

  private static final VectorShuffle<Float> BY_8 = rotation(8);
  private static final VectorShuffle<Float> BY_4 = rotation(4);
  private static final VectorShuffle<Float> BY_2 = rotation(2);
  private static final VectorShuffle<Float> BY_1 = rotation(1);

  private Lanes() {}

  /** The largest multiple of the lane count that is not above {@code n}. */
  static int bound(int n) {
    return FLOATS.loopBound(n);
  }

  /**
   * The sum of all lanes in a fixed order: {@code reduceLanes} leaves its order open, and takes
   * another one when C2 compiles it than the interpreter did.
   */
  static float sum(FloatVector x) {
    FloatVector sum = x;
    if (COUNT >= 16) {
      sum = sum.add(sum.rearrange(BY_8));
    }
    if (COUNT >= 8) {
      sum = sum.add(sum.rearrange(BY_4));
    }
    sum = sum.add(sum.rearrange(BY_2));
    sum = sum.add(sum.rearrange(BY_1));
    return sum.lane(0);
  }

  private static VectorShuffle<Float> rotation(int by) {
    return VectorShuffle.fromOp(FLOATS, lane -> (lane + by) % FLOATS.length());
  }
}
