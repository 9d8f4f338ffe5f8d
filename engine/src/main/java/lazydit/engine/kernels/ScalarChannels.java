package lazydit.engine.kernels;

/** Channel operations as their formulas read, with sums in float64. */
final class ScalarChannels implements ChannelKernels {
  @Override
  public void moments(float[] x, int xo, int rows, int n, float[] moments, int mo) {
    for (int c = 0; c < n; c++) {
      double origin = x[xo + c];
      double sum = 0;
      for (int r = 0; r < rows; r++) {
        sum += x[xo + r * n + c] - origin;
      }
      float mean = (float) (sum / rows);
      double squares = 0;
      for (int r = 0; r < rows; r++) {
        double centred = x[xo + r * n + c] - origin - mean;
        squares += centred * centred;
      }
      moments[mo + c] = mean;
      moments[mo + n + c] = (float) squares;
    }
  }

  @Override
  public void normalise(
      float[] x, int xo, int rows, int n, float[] vectors, int vo, float[] y, int yo) {
    for (int i = 0; i < rows * n; i++) {
      y[yo + i] = at(x[xo + i], n, vectors, vo + i % n);
    }
  }

  @Override
  public void normaliseSilu(
      float[] x, int xo, int rows, int n, float[] vectors, int vo, float[] y, int yo) {
    for (int i = 0; i < rows * n; i++) {
      y[yo + i] = ScalarMath.silu(at(x[xo + i], n, vectors, vo + i % n));
    }
  }

  private static float at(float x, int n, float[] vectors, int v) {
    return Math.fma(x - vectors[v] - vectors[v + n], vectors[v + 2 * n], vectors[v + 3 * n]);
  }
}
