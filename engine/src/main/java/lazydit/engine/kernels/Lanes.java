package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import lazydit.engine.LazyDitException;

/**
 * The one vector shape of this process: a static final in a class of its own, so that C2 sees a
 * constant in every kernel.
 *
 * <p>The machine's preferred shape, or the width asked for with {@code -Dlazydit.vector.bits}.
 */
final class Lanes {
  static final VectorSpecies<Float> FLOATS = choose();

  /** Lanes of one vector. */
  static final int COUNT = FLOATS.length();

  private static final VectorShuffle<Float> BY_8 = rotation(8);
  private static final VectorShuffle<Float> BY_4 = rotation(4);
  private static final VectorShuffle<Float> BY_2 = rotation(2);
  private static final VectorShuffle<Float> BY_1 = rotation(1);

  private Lanes() {}

  private static VectorSpecies<Float> choose() {
    int preferred = FloatVector.SPECIES_PREFERRED.vectorBitSize();
    int bits = Integer.getInteger(Kernels.BITS_PROPERTY, preferred);
    if (bits > preferred) {
      throw new LazyDitException(
          "-D%s asks for %d-bit vectors, but this machine has %d-bit ones at most."
              .formatted(Kernels.BITS_PROPERTY, bits, preferred));
    }
    return switch (bits) {
      case 128 -> FloatVector.SPECIES_128;
      case 256 -> FloatVector.SPECIES_256;
      case 512 -> FloatVector.SPECIES_512;
      default ->
          throw new LazyDitException(
              "-D%s must be 128, 256 or 512, not %d.".formatted(Kernels.BITS_PROPERTY, bits));
    };
  }

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
