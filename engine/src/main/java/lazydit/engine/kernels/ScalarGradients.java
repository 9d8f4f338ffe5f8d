package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/** Gradients as their formulas read, through float64. */
final class ScalarGradients implements GradientKernels {
  @Override
  public void geluAndSlope(float[] x, int xo, float[] y, int yo, int n) {
    for (int i = 0; i < n; i++) {
      y[yo + i] = ScalarMath.gelu(x[xo + i]);
      x[xo + i] = (float) ScalarMath.geluSlope(x[xo + i]);
    }
  }

  @Override
  public void multiply(float[] x, int xo, float[] y, int yo, int n) {
    for (int i = 0; i < n; i++) {
      y[yo + i] *= x[xo + i];
    }
  }

  @Override
  public void silu(float[] x, int xo, float[] dy, int yo, float[] dx, int dxo, int n) {
    for (int i = 0; i < n; i++) {
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
    float[] z = new float[n];
    new ScalarRows().norm(x, xo, n, eps, z, 0);
    double sum = 0;
    double dot = 0;
    for (int i = 0; i < n; i++) {
      double g = dy[yo + i] * (1 + (double) scale[co + i]);
      sum += g;
      dot += g * z[i];
    }
    double factor = factor(x, xo, n, eps);
    for (int i = 0; i < n; i++) {
      double g = dy[yo + i] * (1 + (double) scale[co + i]);
      dx[dxo + i] += (float) ((g - sum / n - z[i] * (dot / n)) * factor);
      if (dShift != null) {
        dShift[dso + i] += dy[yo + i];
        dScale[dco + i] += dy[yo + i] * z[i];
      }
    }
  }

  private static double factor(float[] x, int xo, int n, float eps) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += x[xo + i];
    }
    double squares = 0;
    for (int i = 0; i < n; i++) {
      double centred = x[xo + i] - sum / n;
      squares += centred * centred;
    }
    return 1 / Math.sqrt(squares / n + eps);
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
    double squares = 0;
    double dot = 0;
    for (int i = 0; i < n; i++) {
      squares += (double) x[xo + i] * x[xo + i];
      dot += gradient(weight, scale, co, dy, yo, i) * x[xo + i];
    }
    double factor = 1 / Math.sqrt(squares / n + eps);
    double shared = dot / n * factor * factor * factor;
    for (int i = 0; i < n; i++) {
      double own = gradient(weight, scale, co, dy, yo, i) * factor;
      dx[dxo + i] += (float) (own - shared * x[xo + i]);
    }
  }

  private static double gradient(float[] weight, float[] scale, int co, float[] dy, int yo, int i) {
    return (1.0 + scale[co + i]) * weight[i] * dy[yo + i];
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
    for (int i = 0; i < n; i++) {
      if (dGate != null) {
        dGate[dgo + i] = Math.fma(dx[xo + i], y[yo + i], dGate[dgo + i]);
      }
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
    for (int j = 0; j < columns; j++) {
      double sum = 0;
      for (int i = 0; i < keys; i++) {
        long at = ((long) i * columns + j) * Float.BYTES;
        float probability = weights.get(JAVA_FLOAT, at) * inverse[io + j];
        rows[po + i * stride + j] = probability;
        sum += (double) probability * dp[dpo + i * columns + j];
      }
      for (int i = 0; i < keys; i++) {
        double centred = dp[dpo + i * columns + j] - sum;
        float ds = (float) (rows[po + i * stride + j] * centred * scale);
        rows[dso + i * stride + j] = ds;
        weights.set(JAVA_FLOAT, ((long) i * columns + j) * Float.BYTES, ds);
      }
    }
  }
}
