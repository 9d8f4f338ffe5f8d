package lazydit.engine;

/** How the weights of a {@link Linear} layer are kept in memory. What is computed is float32. */
public enum WeightType {
  /** 32 bits, as they are. */
  FLOAT32(Float.BYTES),
  /**
   * The upper 16 bits of a float32, rounded to nearest, ties to even: its range, and 8 significant
   * bits. Half the memory; weights that are bfloat16 in the checkpoint lose nothing.
   */
  BFLOAT16(Short.BYTES),
  /**
   * 8-bit integers with a float32 scale for every output feature, see {@link Int8}: a quarter of
   * the memory; weights that are such integers in the checkpoint lose nothing.
   */
  INT8(Byte.BYTES);

  private final int bytes;

  WeightType(int bytes) {
    this.bytes = bytes;
  }

  /** {@return bytes of a weight} */
  public int bytes() {
    return bytes;
  }
}
