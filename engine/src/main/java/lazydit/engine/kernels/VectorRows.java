package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * Row operations on vectors. A row of D floats is read three times by the norm (mean, variance,
 * result), the last two times from the L1 cache: bound by memory, not by arithmetic.
 *
 * <p>The modulated norm sums the next row while it writes this one, so that memory is read and
 * written at the same time: 0.95 of the copy bandwidth out of cache, where row after row got 0.80.
 * Two sums a lane halve the wait for additions.
 */
final class VectorRows implements RowKernels {
  /**
   * Mean and variance are summed in float32 over so many features, 16 to a lane of two vectors, and
   * in float64 over these sums: beside one outlier a longer sum in float32 swallows all that
   * follows (5e-6 at 4608 features).
   */
  private static final int PAIR = 2 * Lanes.COUNT;

  private static final int BLOCK = 16 * PAIR;

  private static final VectorShuffle<Float> NEIGHBOURS =
      VectorShuffle.fromOp(Lanes.FLOATS, lane -> lane ^ 1);

  @Override
  public void modulatedNorm(
      float[] x,
      int xo,
      int rows,
      int n,
      float eps,
      float[] shift,
      int so,
      float[] scale,
      int co,
      float[] y,
      int yo) {
    float mean = mean(x, xo, n, x[xo]);
    for (int r = 0; r < rows; r++) {
      int at = xo + r * n;
      int next = r + 1 < rows ? at + n : at;
      float origin = x[at];
      float nextOrigin = x[next];
      float factor = factor(x, at, n, origin, mean, eps);
      double sum = 0;
      for (int i = 0; i < n; i += BLOCK) {
        int length = Math.min(BLOCK, n - i);
        sum +=
            modulate(
                x,
                at + i,
                length,
                origin,
                mean,
                factor,
                shift,
                so + i,
                scale,
                co + i,
                y,
                yo + r * n + i,
                next + i,
                nextOrigin);
      }
      mean = (float) (sum / n);
    }
  }

  private static float modulate(
      float[] x,
      int xo,
      int n,
      float origin,
      float mean,
      float factor,
      float[] shift,
      int so,
      float[] scale,
      int co,
      float[] y,
      int yo,
      int next,
      float nextOrigin) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    int i = 0;
    for (int bound = n - n % PAIR; i < bound; i += PAIR) {
      int j = i + Lanes.COUNT;
      FloatVector a = load(x, xo + i).sub(origin).sub(mean).mul(factor);
      FloatVector b = load(x, xo + j).sub(origin).sub(mean).mul(factor);
      s0 = s0.add(load(x, next + i).sub(nextOrigin));
      s1 = s1.add(load(x, next + j).sub(nextOrigin));
      a.fma(load(scale, co + i).add(1f), load(shift, so + i)).intoArray(y, yo + i);
      b.fma(load(scale, co + j).add(1f), load(shift, so + j)).intoArray(y, yo + j);
    }
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector a = load(x, xo + i).sub(origin).sub(mean).mul(factor);
      s0 = s0.add(load(x, next + i).sub(nextOrigin));
      a.fma(load(scale, co + i).add(1f), load(shift, so + i)).intoArray(y, yo + i);
    }
    float sum = Lanes.sum(s0.add(s1));
    for (; i < n; i++) {
      float normed = (x[xo + i] - origin - mean) * factor;
      y[yo + i] = Math.fma(normed, 1 + scale[co + i], shift[so + i]);
      sum += x[next + i] - nextOrigin;
    }
    return sum;
  }

  @Override
  public void moments(
      float[] x, int xo, int rows, int n, float eps, float[] means, float[] factors, int at) {
    for (int r = 0; r < rows; r++) {
      int first = xo + r * n;
      float origin = x[first];
      float mean = mean(x, first, n, origin);
      means[at + r] = mean;
      factors[at + r] = factor(x, first, n, origin, mean, eps);
    }
  }

  @Override
  public void modulate(
      float[] x,
      int xo,
      int n,
      float origin,
      float mean,
      float factor,
      float[] shift,
      int so,
      float[] scale,
      int co,
      float[] y,
      int yo) {
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector normed = load(x, xo + i).sub(origin).sub(mean).mul(factor);
      normed.fma(load(scale, co + i).add(1f), load(shift, so + i)).intoArray(y, yo + i);
    }
    for (; i < n; i++) {
      float normed = (x[xo + i] - origin - mean) * factor;
      y[yo + i] = Math.fma(normed, 1 + scale[co + i], shift[so + i]);
    }
  }

  @Override
  public void normDots(
      float[] x,
      int xo,
      int rows,
      int n,
      float[] means,
      float[] factors,
      float[] w,
      int wo,
      float[] scale,
      int co,
      float offset,
      float[] dots,
      int at) {
    for (int r = 0; r < rows; r++) {
      int first = xo + r * n;
      float dot = centredDot(x, first, n, x[first], means[at + r], w, wo, scale, co);
      dots[at + r] = Math.fma(factors[at + r], dot, offset);
    }
  }

  private static float centredDot(
      float[] x,
      int xo,
      int n,
      float origin,
      float mean,
      float[] w,
      int wo,
      float[] scale,
      int co) {
    FloatVector sums = FloatVector.zero(Lanes.FLOATS);
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector weight = load(w, wo + i);
      FloatVector scaled = load(scale, co + i).fma(weight, weight);
      sums = load(x, xo + i).sub(origin).sub(mean).fma(scaled, sums);
    }
    float sum = Lanes.sum(sums);
    for (; i < n; i++) {
      sum = Math.fma(x[xo + i] - origin - mean, w[wo + i] * (1 + scale[co + i]), sum);
    }
    return sum;
  }

  @Override
  public void norm(float[] x, int xo, int n, float eps, float[] y, int yo) {
    float origin = x[xo];
    float mean = mean(x, xo, n, origin);
    float factor = factor(x, xo, n, origin, mean, eps);
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      load(x, xo + i).sub(origin).sub(mean).mul(factor).intoArray(y, yo + i);
    }
    for (; i < n; i++) {
      y[yo + i] = (x[xo + i] - origin - mean) * factor;
    }
  }

  @Override
  public void affineNorm(
      float[] x, int xo, int n, float eps, float[] weight, float[] bias, float[] y, int yo) {
    float origin = x[xo];
    float mean = mean(x, xo, n, origin);
    float factor = factor(x, xo, n, origin, mean, eps);
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector normed = load(x, xo + i).sub(origin).sub(mean).mul(factor);
      normed.fma(load(weight, i), load(bias, i)).intoArray(y, yo + i);
    }
    for (; i < n; i++) {
      float normed = (x[xo + i] - origin - mean) * factor;
      y[yo + i] = Math.fma(normed, weight[i], bias[i]);
    }
  }

  @Override
  public void rmsNorm(float[] x, int xo, int n, float eps, float[] weight, float[] y, int yo) {
    float factor = factor(x, xo, n, 0, 0, eps);
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      load(x, xo + i).mul(factor).mul(load(weight, i)).intoArray(y, yo + i);
    }
    for (; i < n; i++) {
      y[yo + i] = x[xo + i] * factor * weight[i];
    }
  }

  @Override
  public void modulatedRmsNorm(
      float[] x,
      int xo,
      int n,
      float eps,
      float[] weight,
      float[] shift,
      int so,
      float[] scale,
      int co,
      float[] y,
      int yo) {
    float factor = factor(x, xo, n, 0, 0, eps);
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector normed = load(x, xo + i).mul(factor).mul(load(weight, i));
      normed.fma(load(scale, co + i).add(1f), load(shift, so + i)).intoArray(y, yo + i);
    }
    for (; i < n; i++) {
      float normed = x[xo + i] * factor * weight[i];
      y[yo + i] = Math.fma(normed, 1 + scale[co + i], shift[so + i]);
    }
  }

  @Override
  public void rotate(float[] x, int xo, float[] cos, float[] sin, int to, int n) {
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector pairs = load(x, xo + i);
      FloatVector kept = pairs.mul(load(cos, to + i));
      pairs.rearrange(NEIGHBOURS).fma(load(sin, to + i), kept).intoArray(x, xo + i);
    }
    for (; i < n; i += 2) {
      float a = x[xo + i];
      float b = x[xo + i + 1];
      x[xo + i] = Math.fma(b, sin[to + i], a * cos[to + i]);
      x[xo + i + 1] = Math.fma(a, sin[to + i + 1], b * cos[to + i + 1]);
    }
  }

  /** Mean of x - origin. */
  static float mean(float[] x, int xo, int n, float origin) {
    double sum = 0;
    for (int at = 0; at < n; at += BLOCK) {
      sum += sum(x, xo + at, Math.min(BLOCK, n - at), origin);
    }
    return (float) (sum / n);
  }

  private static float sum(float[] x, int xo, int n, float origin) {
    FloatVector sums = FloatVector.zero(Lanes.FLOATS);
    FloatVector more = sums;
    int i = 0;
    for (int bound = n - n % PAIR; i < bound; i += PAIR) {
      sums = sums.add(load(x, xo + i).sub(origin));
      more = more.add(load(x, xo + i + Lanes.COUNT).sub(origin));
    }
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      sums = sums.add(load(x, xo + i).sub(origin));
    }
    float sum = Lanes.sum(sums.add(more));
    for (; i < n; i++) {
      sum += x[xo + i] - origin;
    }
    return sum;
  }

  /** 1 / sqrt(variance + eps). */
  static float factor(float[] x, int xo, int n, float origin, float mean, float eps) {
    double sum = 0;
    for (int at = 0; at < n; at += BLOCK) {
      sum += squares(x, xo + at, Math.min(BLOCK, n - at), origin, mean);
    }
    return (float) (1 / Math.sqrt(sum / n + eps));
  }

  private static float squares(float[] x, int xo, int n, float origin, float mean) {
    FloatVector squares = FloatVector.zero(Lanes.FLOATS);
    FloatVector more = squares;
    int i = 0;
    for (int bound = n - n % PAIR; i < bound; i += PAIR) {
      FloatVector a = load(x, xo + i).sub(origin).sub(mean);
      FloatVector b = load(x, xo + i + Lanes.COUNT).sub(origin).sub(mean);
      squares = a.fma(a, squares);
      more = b.fma(b, more);
    }
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector a = load(x, xo + i).sub(origin).sub(mean);
      squares = a.fma(a, squares);
    }
    float sum = Lanes.sum(squares.add(more));
    for (; i < n; i++) {
      float centred = x[xo + i] - origin - mean;
      sum = Math.fma(centred, centred, sum);
    }
    return sum;
  }

  @Override
  public float dot(float[] x, int xo, float[] w, int wo, int n) {
    FloatVector sums = FloatVector.zero(Lanes.FLOATS);
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      sums = load(x, xo + i).fma(load(w, wo + i), sums);
    }
    float sum = Lanes.sum(sums);
    for (; i < n; i++) {
      sum = Math.fma(x[xo + i], w[wo + i], sum);
    }
    return sum;
  }

  @Override
  public void gatedAdd(float[] x, int xo, float[] gate, int go, float[] y, int yo, int n) {
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      load(gate, go + i).fma(load(y, yo + i), load(x, xo + i)).intoArray(x, xo + i);
    }
    for (; i < n; i++) {
      x[xo + i] = Math.fma(gate[go + i], y[yo + i], x[xo + i]);
    }
  }

  @Override
  public void add(float[] x, int xo, float[] y, int yo, int n) {
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      load(y, yo + i).add(load(x, xo + i)).intoArray(y, yo + i);
    }
    for (; i < n; i++) {
      y[yo + i] += x[xo + i];
    }
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }
}
