package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;

/**
 * Elementwise functions on vectors; the last elements, fewer than a vector, go through a vector of
 * their own under a mask, so that an element's value never depends on its place. Out of cache GELU
 * is bound by memory, at 1.07 of the copy bandwidth.
 */
final class VectorElements implements ElementKernels {
  @Override
  public void exp(float[] x, int xo, float[] y, int yo, int n) {
    int bound = Lanes.bound(n);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      VectorMath.exp(load(x, xo + i)).intoArray(y, yo + i);
    }
    if (bound < n) {
      storeTail(VectorMath.exp(loadTail(x, xo + bound, n - bound)), y, yo + bound, n - bound);
    }
  }

  @Override
  public void tanh(float[] x, int xo, float[] y, int yo, int n) {
    int bound = Lanes.bound(n);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      VectorMath.tanh(load(x, xo + i)).intoArray(y, yo + i);
    }
    if (bound < n) {
      storeTail(VectorMath.tanh(loadTail(x, xo + bound, n - bound)), y, yo + bound, n - bound);
    }
  }

  @Override
  public void sigmoid(float[] x, int xo, float[] y, int yo, int n) {
    int bound = Lanes.bound(n);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      VectorMath.sigmoid(load(x, xo + i)).intoArray(y, yo + i);
    }
    if (bound < n) {
      storeTail(VectorMath.sigmoid(loadTail(x, xo + bound, n - bound)), y, yo + bound, n - bound);
    }
  }

  @Override
  public void silu(float[] x, int xo, float[] y, int yo, int n) {
    int bound = Lanes.bound(n);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      VectorMath.silu(load(x, xo + i)).intoArray(y, yo + i);
    }
    if (bound < n) {
      storeTail(VectorMath.silu(loadTail(x, xo + bound, n - bound)), y, yo + bound, n - bound);
    }
  }

  @Override
  public void gelu(float[] x, int xo, float[] y, int yo, int n) {
    int bound = Lanes.bound(n);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      VectorMath.gelu(load(x, xo + i)).intoArray(y, yo + i);
    }
    if (bound < n) {
      storeTail(VectorMath.gelu(loadTail(x, xo + bound, n - bound)), y, yo + bound, n - bound);
    }
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }

  private static FloatVector loadTail(float[] x, int at, int n) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at, Lanes.FLOATS.indexInRange(0, n));
  }

  private static void storeTail(FloatVector value, float[] y, int at, int n) {
    value.intoArray(y, at, Lanes.FLOATS.indexInRange(0, n));
  }
}
