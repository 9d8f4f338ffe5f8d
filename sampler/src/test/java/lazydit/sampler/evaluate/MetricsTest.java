package lazydit.sampler.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import org.junit.jupiter.api.Test;

/** Measures against values that are known without them. */
class MetricsTest {
  // ---- eigenvalues

  private static double[] random(long seed, int size) {
    return new Random(seed).doubles(size, -1, 1).toArray();
  }

  /** A A^T + shift I. */
  private static double[] positive(double[] a, int n, double shift) {
    double[] s = new double[n * n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        for (int k = 0; k < n; k++) {
          s[i * n + j] += a[i * n + k] * a[j * n + k];
        }
      }
      s[i * n + i] += shift;
    }
    return s;
  }

  @Test
  void eigenvaluesAndVectorsRebuildTheMatrix() {
    int n = 17;
    double[] matrix = positive(random(1, n * n), n, -3);
    SymmetricEigen eigen = SymmetricEigen.of(matrix, n);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double rebuilt = 0;
        double product = 0;
        for (int k = 0; k < n; k++) {
          double[] v = eigen.vectors();
          rebuilt += eigen.values()[k] * v[k * n + i] * v[k * n + j];
          product += v[i * n + k] * v[j * n + k];
        }
        assertEquals(matrix[i * n + j], rebuilt, 1e-12);
        assertEquals(i == j ? 1 : 0, product, 1e-13);
      }
    }
  }

  @Test
  void knownEigenvalues() {
    // Second differences: 2 - 2 cos(k pi / (n + 1)).
    int n = 9;
    double[] matrix = new double[n * n];
    for (int i = 0; i < n; i++) {
      matrix[i * n + i] = 2;
      if (i > 0) {
        matrix[i * n + i - 1] = -1;
        matrix[(i - 1) * n + i] = -1;
      }
    }
    double[] values = SymmetricEigen.of(matrix, n).values();
    Arrays.sort(values);
    for (int k = 1; k <= n; k++) {
      assertEquals(2 - 2 * Math.cos(k * Math.PI / (n + 1)), values[k - 1], 1e-14);
    }
  }

  @Test
  void aRootIsARootEvenOfASingularMatrix() {
    int n = 8;
    double[] a = random(2, n * n);
    Arrays.fill(a, 3 * n, 5 * n, 0);
    double[] matrix = positive(a, n, 0);
    double[] root = SymmetricEigen.of(matrix, n).squareRoot();
    double[] square = positive(root, n, 0);
    for (int i = 0; i < n * n; i++) {
      assertEquals(matrix[i], square[i], 1e-13);
    }
  }

  // ---- Frechet distance

  private static double[] diagonal(double... values) {
    double[] matrix = new double[values.length * values.length];
    for (int i = 0; i < values.length; i++) {
      matrix[i * values.length + i] = values[i];
    }
    return matrix;
  }

  @Test
  void betweenAxisParallelGaussiansItIsASum() {
    Gaussian a = new Gaussian(new double[] {0, 1, 2}, diagonal(4, 9, 0));
    Gaussian b = new Gaussian(new double[] {3, 1, -2}, diagonal(1, 16, 25));
    // |m|^2 = 9 + 0 + 16, and (2 - 1)^2 + (3 - 4)^2 + (0 - 5)^2.
    assertEquals(25 + 27, a.distance(b), 1e-12);
    assertEquals(25 + 27, b.distance(a), 1e-12);
  }

  @Test
  void commutingCovariancesHaveAClosedForm() {
    // S and S^2 share eigenvectors: tr(S + S^2 - 2 S^(3/2)) = sum (l - l^(1/2))^2.
    int n = 12;
    double[] s = positive(random(3, n * n), n, 0.1);
    double expected =
        Arrays.stream(SymmetricEigen.of(s, n).values())
            .map(l -> (l - Math.sqrt(l)) * (l - Math.sqrt(l)))
            .sum();
    double[] mean = new double[n];
    double distance = new Gaussian(mean, s).distance(new Gaussian(mean, positive(s, n, 0)));
    assertEquals(expected, distance, 1e-11 * expected);
  }

  @Test
  void twoByTwoWithoutCommonAxes() {
    // tr (S1 S2)^(1/2) = sqrt(tr(S1 S2) + 2 sqrt(det(S1 S2))) for 2 x 2.
    double[] s1 = {2, 0.5, 0.5, 1};
    double[] s2 = {1, -0.7, -0.7, 3};
    double trace = 2 * 1 + 2 * 0.5 * -0.7 + 1 * 3;
    double root = Math.sqrt(trace + 2 * Math.sqrt(1.75 * 2.51));
    double[] mean = new double[2];
    assertEquals(7 - 2 * root, new Gaussian(mean, s1).distance(new Gaussian(mean, s2)), 1e-13);
  }

  @Test
  void aDistributionIsAtNoDistanceFromItself() {
    int n = 64;
    int count = 40;
    // Fewer vectors than features, and dead features: as singular as it gets.
    float[] values = new float[count * n];
    Random random = new Random(4);
    for (int i = 0; i < values.length; i++) {
      values[i] = i % n < 10 ? 0 : 100 + 5 * (float) random.nextGaussian();
    }
    Gaussian gaussian = Gaussian.of(values, count, n);
    assertEquals(0, gaussian.distance(gaussian), 1e-4);
  }

  @Test
  void momentsAreThoseOfTheSample() {
    float[] values = {1000, 1, 1002, 1, 1004, 4};
    Gaussian gaussian = Gaussian.of(values, 3, 2);
    assertEquals(1002, gaussian.mean()[0]);
    assertEquals(2, gaussian.mean()[1]);
    assertEquals(4, gaussian.covariance()[0]);
    assertEquals(3, gaussian.covariance()[1]);
    assertEquals(3, gaussian.covariance()[2]);
    assertEquals(3, gaussian.covariance()[3]);
    values[1] = Float.NaN;
    assertThrows(LazyDitException.class, () -> Gaussian.of(values, 3, 2));
    assertThrows(LazyDitException.class, () -> Gaussian.of(values, 1, 2));
  }

  // ---- precision and recall

  @Test
  void coverageOnALine() {
    try (Workers workers = new Workers(2)) {
      // Points 0, 1, ..., 9: inner ones reach 2, the outermost 3.
      float[] line = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
      float[] others = {-3, -3.1f, 4.5f, 12, 12.1f, 100, 5, 9};
      Neighbours real = new Neighbours(line, 10, 1, workers);
      Neighbours drawn = new Neighbours(others, 8, 1, workers);
      assertEquals(5 / 8.0, real.coverage(drawn, workers));
      assertEquals(1, real.coverage(real, workers));
      assertThrows(LazyDitException.class, () -> new Neighbours(line, 3, 1, workers));
    }
  }

  @Test
  void distancesTakeAllFeatures() {
    try (Workers workers = new Workers(1)) {
      float[] square = {0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0};
      Neighbours corners = new Neighbours(square, 4, 3, workers);
      // The farthest corner is sqrt(2) away.
      float[] others = {0, 0, 1.41f, 0, 0, 1.42f, 0, 0, 9, 0, 0, 8};
      assertEquals(0.25, corners.coverage(new Neighbours(others, 4, 3, workers), workers));
    }
  }

  // ---- classes

  private static Features logits(int classes, float... logits) {
    int count = logits.length / classes;
    return new Features(count, 1, classes, new float[count], logits);
  }

  @Test
  void theInceptionScoreCountsCertainClasses() {
    assertEquals(3, logits(3, 900, 0, 0, 0, 900, 0, 0, 0, 900).inceptionScore(), 1e-12);
    assertEquals(1, logits(3, 900, 0, 0, 900, 0, 0).inceptionScore(), 1e-12);
    assertEquals(1, logits(3, 5, 5, 5, -5, -5, -5).inceptionScore(), 1e-12);
    // Half certain: p(y) = (3/4, 1/4), KL = ln(4/3) and ln(1/2)/2 + ln 2 ... by hand.
    double expected =
        Math.exp(0.5 * Math.log(4 / 3.0) + 0.25 * Math.log(2 / 3.0) + 0.25 * Math.log(2));
    assertEquals(expected, logits(2, 900, 0, 0, 0).inceptionScore(), 1e-12);
  }

  @Test
  void accuracyIsTheShareClassifiedAsAsked() {
    Features seen = logits(3, 1, 2, 0, 3, 2, 1, 0, 0, 1, 5, 6, 7);
    assertEquals(1, seen.predicted(0));
    assertEquals(0.75, seen.accuracy(new int[] {1, 0, 2, 0}));
    assertTrue(seen.accuracy(new int[] {0, 1, 1, 1}) == 0);
  }
}
