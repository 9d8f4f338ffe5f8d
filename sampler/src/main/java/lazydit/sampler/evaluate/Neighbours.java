package lazydit.sampler.evaluate;

import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;

/**
 * The region that some pictures cover, as balls around each that reach to its k-th nearest
 * neighbour (Kynkaanniemi et al. 2019, "Improved precision and recall").
 */
final class Neighbours {
  /** The paper's k. */
  static final int K = 3;

  private final float[] features;
  private final int count;
  private final int width;

  /** Squared radii. */
  private final double[] reach;

  /**
   * Measures the balls.
   *
   * @param features {@code [count, width]}; only to be read
   */
  Neighbours(float[] features, int count, int width, Workers workers) {
    if (count <= K) {
      throw new LazyDitException(
          "Precision and recall take at least %d pictures, but there are %d."
              .formatted(K + 1, count));
    }
    this.features = features;
    this.count = count;
    this.width = width;
    reach = new double[count];
    workers.forEach(
        count,
        (worker, from, to) -> {
          double[] nearest = new double[K];
          for (int i = from; i < to; i++) {
            reach[i] = reach(i, nearest);
          }
        });
  }

  private double reach(int i, double[] nearest) {
    Arrays.fill(nearest, Double.POSITIVE_INFINITY);
    for (int j = 0; j < count; j++) {
      double distance = j == i ? Double.POSITIVE_INFINITY : distance(features, i, features, j);
      for (int k = K - 1; k >= 0 && distance < nearest[k]; k--) {
        if (k + 1 < K) {
          nearest[k + 1] = nearest[k];
        }
        nearest[k] = distance;
      }
    }
    return nearest[K - 1];
  }

  private double distance(float[] a, int i, float[] b, int j) {
    double even = 0;
    double odd = 0;
    int left = i * width;
    int right = j * width;
    int k = 0;
    for (; k + 1 < width; k += 2) {
      double d0 = (double) a[left + k] - b[right + k];
      double d1 = (double) a[left + k + 1] - b[right + k + 1];
      even += d0 * d0;
      odd += d1 * d1;
    }
    if (k < width) {
      double d0 = (double) a[left + k] - b[right + k];
      even += d0 * d0;
    }
    return even + odd;
  }

  /** {@return the share of others' pictures that lie in a ball of one of these} */
  double coverage(Neighbours others, Workers workers) {
    LongAdder inside = new LongAdder();
    workers.forEach(
        others.count,
        (worker, from, to) -> {
          for (int i = from; i < to; i++) {
            if (covers(others.features, i)) {
              inside.increment();
            }
          }
        });
    return (double) inside.sum() / others.count;
  }

  private boolean covers(float[] others, int i) {
    for (int j = 0; j < count; j++) {
      if (distance(others, i, features, j) <= reach[j]) {
        return true;
      }
    }
    return false;
  }
}
