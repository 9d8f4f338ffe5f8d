package lazydit.engine.kernels;

import java.util.List;
import jdk.incubator.vector.FloatVector;
import lazydit.engine.LazyDitException;

/**
 * The width of this process's vectors: what the machine prefers, or what was asked for with {@code
 * -Dlazydit.vector.bits}. Apart from {@link Lanes}, whose initialiser could only fail as an error.
 */
final class VectorWidth {
  private static final List<String> SUPPORTED = List.of("128", "256", "512");

  private VectorWidth() {}

  /** The width in bits, checked. */
  static int bits() {
    int preferred = FloatVector.SPECIES_PREFERRED.vectorBitSize();
    String asked = System.getProperty(Kernels.BITS_PROPERTY, Integer.toString(preferred));
    if (!SUPPORTED.contains(asked)) {
      throw new LazyDitException(
          "-D%s must be 128, 256 or 512, not '%s'.".formatted(Kernels.BITS_PROPERTY, asked));
    }
    int bits = Integer.parseInt(asked);
    if (bits > preferred) {
      throw new LazyDitException(
          "-D%s asks for %d-bit vectors, but this machine has %d-bit ones at most."
              .formatted(Kernels.BITS_PROPERTY, bits, preferred));
    }
    return bits;
  }
}
