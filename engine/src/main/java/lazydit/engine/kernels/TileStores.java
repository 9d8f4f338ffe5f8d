package lazydit.engine.kernels;

import java.lang.foreign.MemorySegment;

/**
 * What happens to one row of a finished tile of a matrix product on its way to memory: the
 * epilogues that a BLAS leaves to a second pass over memory.
 *
 * <p>In all of them {@code c} holds the row's sums at byte offset {@code co}, {@code bias} has the
 * row's biases from {@code bo} on, and {@code n} of them are wanted.
 */
public interface TileStores {
  /** y = c + bias. */
  void bias(MemorySegment c, long co, float[] bias, int bo, float[] y, int yo, int n);

  /** y = gelu(c + bias), the tanh approximation. */
  void gelu(MemorySegment c, long co, float[] bias, int bo, float[] y, int yo, int n);

  /** y = silu(c + bias). */
  void silu(MemorySegment c, long co, float[] bias, int bo, float[] y, int yo, int n);

  /** x += gate * (c + bias). */
  void gatedAdd(
      MemorySegment c,
      long co,
      float[] bias,
      int bo,
      float[] gate,
      int go,
      float[] x,
      int xo,
      int n);
}
