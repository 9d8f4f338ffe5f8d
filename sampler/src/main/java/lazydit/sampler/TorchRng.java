package lazydit.sampler;

/**
 * PyTorch's CPU random numbers: after {@code torch.manual_seed(seed)}, {@link #randn} gives the
 * values of {@code torch.randn} in float32, so that a seed means the same picture as in the
 * reference.
 *
 * <p>The source is MT19937 seeded with the seed's low 32 bits. PyTorch makes normal values in two
 * ways, both Box-Muller:
 *
 * <ul>
 *   <li>16 values or more: the buffer is filled with 24-bit uniforms, then transformed in blocks of
 *       16 (value j of the first eight gives the radius, value j + 8 the angle); when the count is
 *       no multiple of 16, the last 16 values are drawn again and transformed as one block;
 *   <li>fewer: each value on its own from 53-bit uniforms, in double, with the second value of a
 *       pair kept for the next such call.
 * </ul>
 *
 * <p>The blocks follow the AVX2 path of PyTorch, which has its own float32 logarithm, sine and
 * cosine (the Cephes polynomials, with fused multiply-adds where the compiler puts them), bit for
 * bit. On processors without AVX2, PyTorch itself differs from this by a few units in the last
 * place.
 *
 * <p>Not safe for use by many threads.
 */
public final class TorchRng {
  private static final int BLOCK = 16;
  private static final int HALF = BLOCK / 2;

  private final Mt19937 engine;
  private double kept;
  private boolean hasKept;

  /**
   * A generator just seeded.
   *
   * @param seed what {@code torch.manual_seed} is given; negative numbers too
   */
  public TorchRng(long seed) {
    engine = new Mt19937((int) seed);
  }

  /**
   * Writes the values of one call of {@code torch.randn(count)}; a shape's total is its count.
   *
   * @param values receives the standard normal values
   * @param offset where the first goes
   * @param count how many
   */
  public void randn(float[] values, int offset, int count) {
    if (count < BLOCK) {
      for (int i = 0; i < count; i++) {
        values[offset + i] = (float) nextNormal();
      }
      return;
    }
    fillUniform(values, offset, count);
    for (int i = 0; i <= count - BLOCK; i += BLOCK) {
      transformBlock(values, offset + i);
    }
    if (count % BLOCK != 0) {
      int last = offset + count - BLOCK;
      fillUniform(values, last, BLOCK);
      transformBlock(values, last);
    }
  }

  private double nextNormal() {
    if (hasKept) {
      hasKept = false;
      return kept;
    }
    double angle = 2 * Math.PI * nextUniform53();
    double radius = Math.sqrt(-2 * StrictMath.log1p(-nextUniform53()));
    kept = radius * StrictMath.sin(angle);
    hasKept = true;
    return radius * StrictMath.cos(angle);
  }

  private double nextUniform53() {
    long high = engine.next();
    long word = (high << 32) | Integer.toUnsignedLong(engine.next());
    return (word & ((1L << 53) - 1)) * 0x1p-53;
  }

  private void fillUniform(float[] values, int offset, int count) {
    for (int i = offset; i < offset + count; i++) {
      values[i] = (engine.next() & ((1 << 24) - 1)) * 0x1p-24f;
    }
  }

  private static void transformBlock(float[] values, int offset) {
    for (int j = offset; j < offset + HALF; j++) {
      float radius = (float) Math.sqrt(-2 * CephesFloat.log(1 - values[j]));
      float angle = (float) (2 * Math.PI) * values[j + HALF];
      values[j] = radius * CephesFloat.cos(angle);
      values[j + HALF] = radius * CephesFloat.sin(angle);
    }
  }
}
