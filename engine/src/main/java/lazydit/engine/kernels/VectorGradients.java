package lazydit.engine.kernels;

import static java.nio.ByteOrder.nativeOrder;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Gradients on vectors; what is left over by an odd width goes one by one. */
final class VectorGradients implements GradientKernels {
  /** Those of every tile, as in {@link VectorSoftmax}. */
  private static final int COLUMNS = 2 * Lanes.COUNT;

  private static final int ROW_BYTES = COLUMNS * Float.BYTES;

  /** With e = 1 + exp(-u), s = 1 / e and y = x s: y' = s + y (1 - s) u'. */
  @Override
  public void geluAndSlope(float[] x, int xo, float[] y, int yo, int n) {
    FloatVector one = constant(1);
    FloatVector cubic = constant(3 * VectorMath.LN2 * VectorMath.GELU_CUBIC);
    FloatVector linear = constant(VectorMath.LN2 * VectorMath.GELU_LINEAR);
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector v = load(x, xo + i);
      FloatVector e = VectorMath.geluDivisor(v);
      FloatVector gelu = v.div(e);
      gelu.intoArray(y, yo + i);
      FloatVector s = one.div(e);
      one.sub(s).mul(gelu).fma(v.mul(v).fma(cubic, linear), s).intoArray(x, xo + i);
    }
    for (; i < n; i++) {
      y[yo + i] = ScalarMath.gelu(x[xo + i]);
      x[xo + i] = (float) ScalarMath.geluSlope(x[xo + i]);
    }
  }

  @Override
  public void multiply(float[] x, int xo, float[] y, int yo, int n) {
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      load(x, xo + i).mul(load(y, yo + i)).intoArray(y, yo + i);
    }
    for (; i < n; i++) {
      y[yo + i] *= x[xo + i];
    }
  }

  @Override
  public void silu(float[] x, int xo, float[] dy, int yo, float[] dx, int dxo, int n) {
    FloatVector one = constant(1);
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector v = load(x, xo + i);
      FloatVector s = one.div(VectorMath.siluDivisor(v));
      one.sub(s).mul(s.mul(v)).add(s).mul(load(dy, yo + i)).intoArray(dx, dxo + i);
    }
    for (; i < n; i++) {
      dx[dxo + i] = (float) (dy[yo + i] * ScalarMath.siluSlope(x[xo + i]));
    }
  }

  @Override
  public void modulatedNorm(
      float[] x,
      int xo,
      int n,
      float eps,
      float[] scale,
      int co,
      float[] dy,
      int yo,
      float[] dx,
      int dxo,
      float[] dShift,
      int dso,
      float[] dScale,
      int dco) {
    float origin = x[xo];
    float mean = VectorRows.mean(x, xo, n, origin);
    float factor = VectorRows.factor(x, xo, n, origin, mean, eps);
    FloatVector sums = FloatVector.zero(Lanes.FLOATS);
    FloatVector dots = FloatVector.zero(Lanes.FLOATS);
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector z = load(x, xo + i).sub(origin).sub(mean).mul(factor);
      FloatVector g = load(scale, co + i).add(1f).mul(load(dy, yo + i));
      sums = sums.add(g);
      dots = g.fma(z, dots);
    }
    float sum = Lanes.sum(sums);
    float dot = Lanes.sum(dots);
    for (; i < n; i++) {
      float g = dy[yo + i] * (1 + scale[co + i]);
      sum += g;
      dot = Math.fma(g, (x[xo + i] - origin - mean) * factor, dot);
    }
    spread(
        x,
        xo,
        n,
        origin,
        mean,
        factor,
        scale,
        co,
        dy,
        yo,
        sum / n * factor,
        dot / n * factor,
        dx,
        dxo);
    if (dShift != null) {
      modulation(x, xo, n, origin, mean, factor, dy, yo, dShift, dso, dScale, dco);
    }
  }

  /** dx += g * factor - sum - z * dot. */
  private static void spread(
      float[] x,
      int xo,
      int n,
      float origin,
      float mean,
      float factor,
      float[] scale,
      int co,
      float[] dy,
      int yo,
      float sum,
      float dot,
      float[] dx,
      int dxo) {
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector z = load(x, xo + i).sub(origin).sub(mean).mul(factor);
      FloatVector g = load(scale, co + i).add(1f).mul(load(dy, yo + i));
      FloatVector rest = z.mul(-dot).sub(sum);
      g.mul(factor).add(rest).add(load(dx, dxo + i)).intoArray(dx, dxo + i);
    }
    for (; i < n; i++) {
      float z = (x[xo + i] - origin - mean) * factor;
      dx[dxo + i] += dy[yo + i] * (1 + scale[co + i]) * factor + (-dot * z - sum);
    }
  }

  private static void modulation(
      float[] x,
      int xo,
      int n,
      float origin,
      float mean,
      float factor,
      float[] dy,
      int yo,
      float[] dShift,
      int dso,
      float[] dScale,
      int dco) {
    int i = 0;
    for (int bound = Lanes.bound(n); i < bound; i += Lanes.COUNT) {
      FloatVector z = load(x, xo + i).sub(origin).sub(mean).mul(factor);
      FloatVector g = load(dy, yo + i);
      g.add(load(dShift, dso + i)).intoArray(dShift, dso + i);
      g.fma(z, load(dScale, dco + i)).intoArray(dScale, dco + i);
    }
    for (; i < n; i++) {
      float z = (x[xo + i] - origin - mean) * factor;
      dShift[dso + i] += dy[yo + i];
      dScale[dco + i] = Math.fma(dy[yo + i], z, dScale[dco + i]);
    }
  }

  @Override
  public void modulatedRmsNorm(
      float[] x,
      int xo,
      int n,
      float eps,
      float[] weight,
      float[] scale,
      int co,
      float[] dy,
      int yo,
      float[] dx,
      int dxo) {
    float factor = VectorRows.factor(x, xo, n, 0, 0, eps);
    FloatVector dots = FloatVector.zero(Lanes.FLOATS);
    int bound = Lanes.bound(n);
    int i = 0;
    for (; i < bound; i += Lanes.COUNT) {
      FloatVector g = load(scale, co + i).add(1f).mul(load(weight, i)).mul(load(dy, yo + i));
      dots = load(x, xo + i).mul(factor).fma(g, dots);
    }
    float dot = Lanes.sum(dots);
    for (; i < n; i++) {
      dot = Math.fma(x[xo + i] * factor, (1 + scale[co + i]) * weight[i] * dy[yo + i], dot);
    }
    float shared = dot / n * factor * factor;
    for (i = 0; i < bound; i += Lanes.COUNT) {
      FloatVector g = load(scale, co + i).add(1f).mul(load(weight, i)).mul(load(dy, yo + i));
      FloatVector own = g.mul(factor).add(load(x, xo + i).mul(-shared));
      own.add(load(dx, dxo + i)).intoArray(dx, dxo + i);
    }
    for (; i < n; i++) {
      float g = (1 + scale[co + i]) * weight[i] * dy[yo + i];
      dx[dxo + i] += g * factor - x[xo + i] * shared;
    }
  }

  @Override
  public void gatedAdd(
      float[] gate,
      int go,
      float[] y,
      int yo,
      float[] dx,
      int xo,
      float[] dy,
      int dyo,
      float[] dGate,
      int dgo,
      int n) {
    int bound = Lanes.bound(n);
    if (dGate != null) {
      int i = 0;
      for (; i < bound; i += Lanes.COUNT) {
        FloatVector sum = load(dGate, dgo + i);
        load(dx, xo + i).fma(load(y, yo + i), sum).intoArray(dGate, dgo + i);
      }
      for (; i < n; i++) {
        dGate[dgo + i] = Math.fma(dx[xo + i], y[yo + i], dGate[dgo + i]);
      }
    }
    int i = 0;
    for (; i < bound; i += Lanes.COUNT) {
      load(gate, go + i).mul(load(dx, xo + i)).intoArray(dy, dyo + i);
    }
    for (; i < n; i++) {
      dy[dyo + i] = gate[go + i] * dx[xo + i];
    }
  }

  @Override
  public void softmax(
      MemorySegment weights,
      float[] inverse,
      int io,
      float[] dp,
      int dpo,
      int keys,
      int columns,
      float scale,
      float[] rows,
      int po,
      int dso,
      int stride) {
    if (columns != COLUMNS) {
      throw new IllegalArgumentException("A tile has " + COLUMNS + " columns, not " + columns);
    }
    for (int j = 0; j < COLUMNS; j += Lanes.COUNT) {
      long at = (long) j * Float.BYTES;
      FloatVector factor = load(inverse, io + j);
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      for (int i = 0; i < keys; i++) {
        FloatVector probability = load(weights, at + (long) i * ROW_BYTES).mul(factor);
        probability.intoArray(rows, po + i * stride + j);
        sum = probability.fma(load(dp, dpo + i * COLUMNS + j), sum);
      }
      for (int i = 0; i < keys; i++) {
        FloatVector centred = load(dp, dpo + i * COLUMNS + j).sub(sum).mul(scale);
        FloatVector ds = load(rows, po + i * stride + j).mul(centred);
        ds.intoArray(rows, dso + i * stride + j);
        ds.intoMemorySegment(weights, at + (long) i * ROW_BYTES, nativeOrder());
      }
    }
  }

  private static FloatVector constant(float value) {
    return FloatVector.broadcast(Lanes.FLOATS, value);
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }

  private static FloatVector load(MemorySegment x, long at) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, x, at, nativeOrder());
  }
}
