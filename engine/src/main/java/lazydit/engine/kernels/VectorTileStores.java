package lazydit.engine.kernels;

import static java.nio.ByteOrder.nativeOrder;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Epilogues on whole vectors; the columns left over by an odd width go one by one. */
final class VectorTileStores implements TileStores {
  @Override
  public void bias(MemorySegment c, long co, float[] bias, int bo, float[] y, int yo, int n) {
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      biased(c, co, bias, bo, i).intoArray(y, yo + i);
    }
    for (; i < n; i++) {
      y[yo + i] = ScalarTileStores.biased(c, co, bias, bo, i);
    }
  }

  @Override
  public void gelu(MemorySegment c, long co, float[] bias, int bo, float[] y, int yo, int n) {
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      VectorMath.gelu(biased(c, co, bias, bo, i)).intoArray(y, yo + i);
    }
    for (; i < n; i++) {
      y[yo + i] = ScalarMath.gelu(ScalarTileStores.biased(c, co, bias, bo, i));
    }
  }

  @Override
  public void silu(MemorySegment c, long co, float[] bias, int bo, float[] y, int yo, int n) {
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      VectorMath.silu(biased(c, co, bias, bo, i)).intoArray(y, yo + i);
    }
    for (; i < n; i++) {
      y[yo + i] = ScalarMath.silu(ScalarTileStores.biased(c, co, bias, bo, i));
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
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector g = FloatVector.fromArray(Lanes.FLOATS, gate, go + i);
      FloatVector old = FloatVector.fromArray(Lanes.FLOATS, x, xo + i);
      g.fma(biased(c, co, bias, bo, i), old).intoArray(x, xo + i);
    }
    for (; i < n; i++) {
      x[xo + i] = Math.fma(gate[go + i], ScalarTileStores.biased(c, co, bias, bo, i), x[xo + i]);
    }
  }

  private static FloatVector biased(MemorySegment c, long co, float[] bias, int bo, int i) {
    return FloatVector.fromMemorySegment(
            Lanes.FLOATS, c, co + (long) i * Float.BYTES, nativeOrder())
        .add(FloatVector.fromArray(Lanes.FLOATS, bias, bo + i));
  }
}
