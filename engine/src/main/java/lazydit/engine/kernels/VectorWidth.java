package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;
import lazydit.engine.LazyDitException;

/**
 * The width of this process's vectors: what the machine prefers, or what was asked for with {@code
 * -Dlazydit.vector.bits}. Apart from {@link Lanes}, whose initialiser could only fail as an error.
 */
final class VectorWidth {
  private VectorWidth() {}

  /** The width in bits, checked. */
  static int bits() {
    int preferred = FloatVector.SPECIES_PREFERRED.vectorBitSize();
    int bits = Integer.getInteger(Kernels.BITS_PROPERTY, preferred);
    if (bits != 128 && bits != 256 && bits != 512) {
      throw new LazyDitException(
          "-D%s must be 128, 256 or 512, not %d.".formatted(Kernels.BITS_PROPERTY, bits));
    }
    if (bits > preferred) {
      throw new LazyDitException(
          "-D%s asks for %d-bit vectors, but this machine has %d-bit ones at most."
              .formatted(Kernels.BITS_PROPERTY, bits, preferred));
    }
    return bits;
  }
}
