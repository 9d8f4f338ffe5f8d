package lazydit.sampler.evaluate;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations: each makes one pair of
 * off-diagonal elements zero, and sweeps over all pairs converge quadratically. Slower than QL for
 * large matrices, but short, and small eigenvalues of positive matrices come out as exactly as
 * large ones (Demmel, Veselic 1992).
 *
 * @param values the eigenvalues, {@code [n]}, in no order
 * @param vectors a row for each eigenvalue, {@code [n, n]}, of length 1
 */
record SymmetricEigen(double[] values, double[] vectors) {
  private static final int MOST_SWEEPS = 60;

  /**
   * Decomposes a matrix.
   *
   * @param matrix {@code [n, n]}, symmetric, finite; not changed
   * @param n its rows
   */
  static SymmetricEigen of(double[] matrix, int n) {
    double[] a = matrix.clone();
    double[] v = new double[n * n];
    for (int i = 0; i < n; i++) {
      v[i * n + i] = 1;
    }
    boolean rotated = true;
    for (int sweep = 0; rotated && sweep < MOST_SWEEPS; sweep++) {
      rotated = false;
      for (int p = 0; p < n; p++) {
        for (int q = p + 1; q < n; q++) {
          rotated |= rotate(a, v, n, p, q);
        }
      }
    }
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = a[i * n + i];
    }
    return new SymmetricEigen(values, v);
  }

  /** Makes a[p][q] zero; false where it already is, next to the diagonal. */
  private static boolean rotate(double[] a, double[] v, int n, int p, int q) {
    double off = a[p * n + q];
    double app = a[p * n + p];
    double aqq = a[q * n + q];
    if (Math.abs(off) <= Math.ulp(Math.sqrt(Math.abs(app)) * Math.sqrt(Math.abs(aqq))) / 2) {
      return false;
    }
    double theta = (aqq - app) / (2 * off);
    double t = Math.copySign(1, theta) / (Math.abs(theta) + Math.hypot(theta, 1));
    double c = 1 / Math.hypot(t, 1);
    double s = t * c;
    for (int k = 0; k < n; k++) {
      double akp = a[k * n + p];
      double akq = a[k * n + q];
      a[k * n + p] = c * akp - s * akq;
      a[k * n + q] = s * akp + c * akq;
    }
    rows(a, n, p, q, c, s);
    rows(v, n, p, q, c, s);
    a[p * n + p] = app - t * off;
    a[q * n + q] = aqq + t * off;
    a[p * n + q] = 0;
    a[q * n + p] = 0;
    return true;
  }

  private static void rows(double[] m, int n, int p, int q, double c, double s) {
    for (int k = 0; k < n; k++) {
      double mp = m[p * n + k];
      double mq = m[q * n + k];
      m[p * n + k] = c * mp - s * mq;
      m[q * n + k] = s * mp + c * mq;
    }
  }

  /** {@return the positive square root of a matrix without negative eigenvalues, {@code [n, n]}} */
  double[] squareRoot() {
    int n = values.length;
    double[] root = new double[n * n];
    for (int k = 0; k < n; k++) {
      double scale = Math.sqrt(Math.max(0, values[k]));
      for (int i = 0; i < n; i++) {
        double left = scale * vectors[k * n + i];
        for (int j = 0; j < n; j++) {
          root[i * n + j] += left * vectors[k * n + j];
        }
      }
    }
    return root;
  }

  /** {@return the sum of the square roots of the eigenvalues, rounding errors below 0 left out} */
  double traceOfSquareRoot() {
    double sum = 0;
    for (double value : values) {
      sum += Math.sqrt(Math.max(0, value));
    }
    return sum;
  }
}
