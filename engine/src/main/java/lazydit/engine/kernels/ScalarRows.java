package lazydit.engine.kernels;

/** Row operations as their formulas read, with sums in float64. */
final class ScalarRows implements RowKernels {
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
    float[] mean = new float[1];
    float[] factor = new float[1];
    for (int r = 0; r < rows; r++) {
      int at = xo + r * n;
      moments(x, at, 1, n, eps, mean, factor, 0);
      modulate(x, at, n, x[at], mean[0], factor[0], shift, so, scale, co, y, yo + r * n);
    }
  }

  @Override
  public void moments(
      float[] x, int xo, int rows, int n, float eps, float[] means, float[] factors, int at) {
    for (int r = 0; r < rows; r++) {
      int first = xo + r * n;
      double sum = 0;
      for (int i = 0; i < n; i++) {
        sum += x[first + i] - x[first];
      }
      double mean = sum / n;
      double squares = 0;
      for (int i = 0; i < n; i++) {
        double centred = x[first + i] - x[first] - mean;
        squares += centred * centred;
      }
      means[at + r] = (float) mean;
      factors[at + r] = (float) (1 / Math.sqrt(squares / n + eps));
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
    for (int i = 0; i < n; i++) {
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
      double sum = 0;
      for (int i = 0; i < n; i++) {
        double centred = x[first + i] - x[first] - (double) means[at + r];
        sum += centred * w[wo + i] * (1 + (double) scale[co + i]);
      }
      dots[at + r] = (float) (sum * factors[at + r] + offset);
    }
  }

  @Override
  public void norm(float[] x, int xo, int n, float eps, float[] y, int yo) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += x[xo + i];
    }
    double mean = sum / n;
    double squares = 0;
    for (int i = 0; i < n; i++) {
      double centred = x[xo + i] - mean;
      squares += centred * centred;
    }
    double factor = 1 / Math.sqrt(squares / n + eps);
    for (int i = 0; i < n; i++) {
      y[yo + i] = (float) ((x[xo + i] - mean) * factor);
    }
  }

  @Override
  public void affineNorm(
      float[] x, int xo, int n, float eps, float[] weight, float[] bias, float[] y, int yo) {
    norm(x, xo, n, eps, y, yo);
    for (int i = 0; i < n; i++) {
      y[yo + i] = Math.fma(y[yo + i], weight[i], bias[i]);
    }
  }

  @Override
  public void rmsNorm(float[] x, int xo, int n, float eps, float[] weight, float[] y, int yo) {
    double squares = 0;
    for (int i = 0; i < n; i++) {
      squares += (double) x[xo + i] * x[xo + i];
    }
    double factor = 1 / Math.sqrt(squares / n + eps);
    for (int i = 0; i < n; i++) {
      y[yo + i] = (float) (x[xo + i] * factor * weight[i]);
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
    rmsNorm(x, xo, n, eps, weight, y, yo);
    for (int i = 0; i < n; i++) {
      y[yo + i] = Math.fma(y[yo + i], 1 + scale[co + i], shift[so + i]);
    }
  }

  @Override
  public void rotate(float[] x, int xo, float[] cos, float[] sin, int to, int n) {
    for (int i = 0; i < n; i += 2) {
      float a = x[xo + i];
      float b = x[xo + i + 1];
      x[xo + i] = Math.fma(b, sin[to + i], a * cos[to + i]);
      x[xo + i + 1] = Math.fma(a, sin[to + i + 1], b * cos[to + i + 1]);
    }
  }

  @Override
  public float dot(float[] x, int xo, float[] w, int wo, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += (double) x[xo + i] * w[wo + i];
    }
    return (float) sum;
  }

  @Override
  public void gatedAdd(float[] x, int xo, float[] gate, int go, float[] y, int yo, int n) {
    for (int i = 0; i < n; i++) {
      x[xo + i] = Math.fma(gate[go + i], y[yo + i], x[xo + i]);
    }
  }

  @Override
  public void add(float[] x, int xo, float[] y, int yo, int n) {
    for (int i = 0; i < n; i++) {
      y[yo + i] += x[xo + i];
    }
  }
}
