package lazydit.sampler.evaluate;

import lazydit.engine.LazyDitException;

/**
 * The normal distribution that fits some vectors.
 *
 * @param mean {@code [d]}
 * @param covariance {@code [d, d]}, divided by one less than the number of vectors
 */
public record Gaussian(double[] mean, double[] covariance) {
  /**
   * Checks the sizes.
   *
   * @throws LazyDitException when the covariance is not {@code [d, d]}
   */
  public Gaussian {
    if (covariance.length != (long) mean.length * mean.length) {
      throw new LazyDitException(
          "A covariance of %d values does not belong to a mean of %d."
              .formatted(covariance.length, mean.length));
    }
  }

  /**
   * Fits vectors, in two passes so that a large mean costs no digits.
   *
   * @param values {@code [count, width]}; only to be read
   * @param count how many vectors, at least 2
   * @param width d
   * @return their mean and covariance
   * @throws LazyDitException when there are fewer than 2, or a value is not finite
   */
  public static Gaussian of(float[] values, int count, int width) {
    if (count < 2) {
      throw new LazyDitException(
          "A covariance takes at least 2 pictures, but there are " + count + ".");
    }
    double[] mean = new double[width];
    for (int i = 0; i < count * width; i++) {
      mean[i % width] += values[i];
    }
    for (int i = 0; i < width; i++) {
      mean[i] /= count;
      if (!Double.isFinite(mean[i])) {
        throw new LazyDitException("Feature %d of the pictures is not finite.".formatted(i));
      }
    }
    double[] covariance = new double[width * width];
    double[] centred = new double[width];
    for (int n = 0; n < count; n++) {
      for (int i = 0; i < width; i++) {
        centred[i] = values[n * width + i] - mean[i];
      }
      for (int i = 0; i < width; i++) {
        for (int j = 0; j <= i; j++) {
          covariance[i * width + j] += centred[i] * centred[j];
        }
      }
    }
    for (int i = 0; i < width; i++) {
      for (int j = 0; j <= i; j++) {
        covariance[i * width + j] /= count - 1;
        covariance[j * width + i] = covariance[i * width + j];
      }
    }
    return new Gaussian(mean, covariance);
  }

  /**
   * The Frechet distance (Dowson, Landau 1982; of Inception's features it is the FID of Heusel et
   * al. 2017): {@code |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))}.
   *
   * <p>The root's trace is that of {@code (A S2 A)^(1/2)} with {@code A = S1^(1/2)}, which is
   * symmetric, so that only symmetric matrices are decomposed and singular ones do no harm.
   *
   * @param other of the same width
   * @return 0 or more
   * @throws LazyDitException when the widths differ
   */
  public double distance(Gaussian other) {
    int n = mean.length;
    if (other.mean.length != n) {
      throw new LazyDitException(
          "Features of %d and %d values cannot be compared.".formatted(n, other.mean.length));
    }
    double sum = 0;
    for (int i = 0; i < n; i++) {
      double difference = mean[i] - other.mean[i];
      sum += difference * difference;
      sum += covariance[i * n + i] + other.covariance[i * n + i];
    }
    double[] root = SymmetricEigen.of(covariance, n).squareRoot();
    double[] product = product(product(root, other.covariance, n), root, n);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < i; j++) {
        double middle = (product[i * n + j] + product[j * n + i]) / 2;
        product[i * n + j] = middle;
        product[j * n + i] = middle;
      }
    }
    return Math.max(0, sum - 2 * SymmetricEigen.of(product, n).traceOfSquareRoot());
  }

  private static double[] product(double[] a, double[] b, int n) {
    double[] c = new double[n * n];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < n; k++) {
        for (int j = 0; j < n; j++) {
          c[i * n + j] += a[i * n + k] * b[k * n + j];
        }
      }
    }
    return c;
  }
}
