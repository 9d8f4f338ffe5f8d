package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Channel operations with lanes across the channels, so that nothing is ever summed over lanes.
 * Bound by memory: the moments read their pixels twice, the second time from the L1 cache. The last
 * channels, fewer than a vector, go through a vector of their own under a mask.
 */
final class VectorChannels implements ChannelKernels {
  @Override
  public void moments(float[] x, int xo, int rows, int n, float[] moments, int mo) {
    int c = 0;
    for (int bound = Lanes.bound(n); c < bound; c += Lanes.COUNT) {
      FloatVector origin = load(x, xo + c);
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      for (int r = 1; r < rows; r++) {
        sum = sum.add(load(x, xo + c + r * n).sub(origin));
      }
      FloatVector mean = sum.div(rows);
      FloatVector squares = FloatVector.zero(Lanes.FLOATS);
      for (int r = 0; r < rows; r++) {
        FloatVector centred = load(x, xo + c + r * n).sub(origin).sub(mean);
        squares = centred.fma(centred, squares);
      }
      mean.intoArray(moments, mo + c);
      squares.intoArray(moments, mo + n + c);
    }
    for (; c < n; c++) {
      lastMoments(x, xo + c, rows, n, moments, mo + c);
    }
  }

  private static void lastMoments(float[] x, int at, int rows, int n, float[] moments, int mo) {
    float origin = x[at];
    float sum = 0;
    for (int r = 1; r < rows; r++) {
      sum += x[at + r * n] - origin;
    }
    float mean = sum / rows;
    float squares = 0;
    for (int r = 0; r < rows; r++) {
      float centred = x[at + r * n] - origin - mean;
      squares = Math.fma(centred, centred, squares);
    }
    moments[mo] = mean;
    moments[mo + n] = squares;
  }

  @Override
  public void normalise(
      float[] x, int xo, int rows, int n, float[] vectors, int vo, float[] y, int yo) {
    int bound = Lanes.bound(n);
    for (int r = 0; r < rows; r++) {
      int from = xo + r * n;
      int to = yo + r * n;
      for (int c = 0; c < bound; c += Lanes.COUNT) {
        load(x, from + c)
            .sub(load(vectors, vo + c))
            .sub(load(vectors, vo + n + c))
            .fma(load(vectors, vo + 2 * n + c), load(vectors, vo + 3 * n + c))
            .intoArray(y, to + c);
      }
      if (bound < n) {
        VectorMask<Float> rest = rest(n - bound);
        last(x, from + bound, n, vectors, vo + bound, rest).intoArray(y, to + bound, rest);
      }
    }
  }

  @Override
  public void normaliseSilu(
      float[] x, int xo, int rows, int n, float[] vectors, int vo, float[] y, int yo) {
    int bound = Lanes.bound(n);
    for (int r = 0; r < rows; r++) {
      int from = xo + r * n;
      int to = yo + r * n;
      for (int c = 0; c < bound; c += Lanes.COUNT) {
        FloatVector value =
            load(x, from + c)
                .sub(load(vectors, vo + c))
                .sub(load(vectors, vo + n + c))
                .fma(load(vectors, vo + 2 * n + c), load(vectors, vo + 3 * n + c));
        VectorMath.silu(value).intoArray(y, to + c);
      }
      if (bound < n) {
        VectorMask<Float> rest = rest(n - bound);
        FloatVector value = last(x, from + bound, n, vectors, vo + bound, rest);
        VectorMath.silu(value).intoArray(y, to + bound, rest);
      }
    }
  }

  private static FloatVector last(
      float[] x, int from, int n, float[] vectors, int vo, VectorMask<Float> rest) {
    FloatVector mean = FloatVector.fromArray(Lanes.FLOATS, vectors, vo, rest);
    FloatVector low = FloatVector.fromArray(Lanes.FLOATS, vectors, vo + n, rest);
    FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, vectors, vo + 2 * n, rest);
    FloatVector shift = FloatVector.fromArray(Lanes.FLOATS, vectors, vo + 3 * n, rest);
    FloatVector value = FloatVector.fromArray(Lanes.FLOATS, x, from, rest);
    return value.sub(mean).sub(low).fma(scale, shift);
  }

  private static VectorMask<Float> rest(int n) {
    return Lanes.FLOATS.indexInRange(0, n);
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }
}
