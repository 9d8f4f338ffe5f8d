package lazydit.engine.kernels;

import java.util.Optional;
import lazydit.engine.LazyDitException;

/**
 * The kernels in use, chosen once per process: the Vector API's where its module is present, else
 * the scalar ones, which give the same numbers (to rounding) far more slowly.
 *
 * @param tile the matrix product's innermost tile
 * @param lower the same with one row less, where there is one; else {@code tile} itself
 * @param stores what is done to a finished tile on its way to memory
 * @param rows operations on one token's features
 * @param channels operations on the channels of pixels
 * @param winograd what Winograd's convolution does beside its products
 * @param softmax the softmax of attention
 * @param transpose rows to columns
 * @param bfloat16 weights of half the size to float32
 * @param int8 weights of a quarter of the size to float32
 * @param elements exp and what is made of it
 * @param gradients the ways back through rows, softmax and elements
 * @param description which kernels these are, for people
 */
public record Kernels(
    GemmTile tile,
    GemmTile lower,
    TileStores stores,
    RowKernels rows,
    ChannelKernels channels,
    WinogradKernels winograd,
    SoftmaxKernel softmax,
    TransposeKernel transpose,
    Bfloat16Kernel bfloat16,
    Int8Kernel int8,
    ElementKernels elements,
    GradientKernels gradients,
    String description) {
  /** Forces a vector width: 128, 256 or 512 bits. Default: what the machine prefers. */
  public static final String BITS_PROPERTY = "lazydit.vector.bits";

  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  /**
   * {@return this process's kernels}
   *
   * @throws LazyDitException when a vector width was asked for that this machine has not
   */
  public static Kernels active() {
    if (Holder.REFUSAL != null) {
      throw new LazyDitException(Holder.REFUSAL);
    }
    return Holder.ACTIVE;
  }

  /** {@return the scalar kernels, the oracle that the others are tested against} */
  public static Kernels scalar() {
    GemmTile tile = new ScalarTile();
    return new Kernels(
        tile,
        tile,
        new ScalarTileStores(),
        new ScalarRows(),
        new ScalarChannels(),
        new ScalarWinograd(),
        new ScalarSoftmax(),
        new ScalarTranspose(),
        new ScalarBfloat16(),
        new ScalarInt8(),
        new ScalarElements(),
        new ScalarGradients(),
        "scalar");
  }

  /**
   * {@return the Vector API's kernels, or empty when its module is absent}
   *
   * @throws LazyDitException when a width was asked for that this machine has not
   */
  public static Optional<Kernels> vector() {
    if (ModuleLayer.boot().findModule(VECTOR_MODULE).isEmpty()) {
      return Optional.empty();
    }
    VectorWidth.bits();
    return Optional.of(VectorKernels.create());
  }

  /**
   * Initialised on first use, so that asking for the scalar oracle never touches the vectors. What
   * is wrong is kept as a sentence: an exception would come out as an error of initialisation.
   */
  private static final class Holder {
    static final Kernels ACTIVE;
    static final String REFUSAL;

    static {
      Kernels kernels = null;
      String refusal = null;
      try {
        kernels = vector().orElseGet(Holder::warnAndFallBack);
      } catch (LazyDitException e) {
        refusal = e.getMessage();
      }
      ACTIVE = kernels;
      REFUSAL = refusal;
    }

    private static Kernels warnAndFallBack() {
      if (System.getProperty(BITS_PROPERTY) != null) {
        throw new LazyDitException(
            "-D%s is set, but there are no vectors without --add-modules %s."
                .formatted(BITS_PROPERTY, VECTOR_MODULE));
      }
      System.getLogger("lazydit.engine")
          .log(
              System.Logger.Level.WARNING,
              "lazydit runs its scalar kernels, many times slower: start Java with"
                  + " --add-modules "
                  + VECTOR_MODULE
                  + " to use the processor's vector units.");
      return scalar();
    }
  }

  /** Apart, so that nothing of the incubator module is linked when it is absent. */
  private static final class VectorKernels {
    private static TransposeKernel transpose() {
      return switch (Lanes.COUNT) {
        case 16 -> new VectorGather();
        case 8 -> new VectorTranspose();
        // Of 4 lanes a gather gains nothing.
        default -> new ScalarTranspose();
      };
    }

    static Kernels create() {
      // 512-bit lanes come with 32 registers; below that C2 is given the 16 of SSE and AVX2.
      GemmTile tile = Lanes.COUNT == 16 ? new VectorTile13x2() : new VectorTile4x2();
      GemmTile lower = Lanes.COUNT == 16 ? new VectorTile12x2() : tile;
      return new Kernels(
          tile,
          lower,
          new VectorTileStores(),
          new VectorRows(),
          new VectorChannels(),
          new VectorWinograd(),
          new VectorSoftmax(),
          transpose(),
          new VectorBfloat16(),
          new VectorInt8(),
          new VectorElements(),
          new VectorGradients(),
          "Vector API, %d-bit (%d lanes), tile %dx%d"
              .formatted(Lanes.COUNT * 32, Lanes.COUNT, tile.rows(), tile.columns()));
    }
  }
}
