package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/** Epilogues as their formulas read. */
final class ScalarTileStores implements TileStores {
  @Override
  public void bias(MemorySegment c, long co, float[] bias, int bo, float[] y, int yo, int n) {
    for (int i = 0; i < n; i++) {
      y[yo + i] = biased(c, co, bias, bo, i);
    }
  }

  @Override
  public void gelu(MemorySegment c, long co, float[] bias, int bo, float[] y, int yo, int n) {
    for (int i = 0; i < n; i++) {
      y[yo + i] = ScalarMath.gelu(biased(c, co, bias, bo, i));
    }
  }

  @Override
  public void silu(MemorySegment c, long co, float[] bias, int bo, float[] y, int yo, int n) {
    for (int i = 0; i < n; i++) {
      y[yo + i] = ScalarMath.silu(biased(c, co, bias, bo, i));
    }
  }

  @Override
  public void gatedAdd(
      MemorySegment c,
      long co,
      float[] bias,
      int bo,
      float[] gate,
      int go,
      float[] x,
      int xo,
      int n) {
    for (int i = 0; i < n; i++) {
      x[xo + i] = Math.fma(gate[go + i], biased(c, co, bias, bo, i), x[xo + i]);
    }
  }

  static float biased(MemorySegment c, long co, float[] bias, int bo, int i) {
    return c.get(JAVA_FLOAT, co + (long) i * Float.BYTES) + bias[bo + i];
  }
}
