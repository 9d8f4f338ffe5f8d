package lazydit.sampler.evaluate;

import java.util.Arrays;

/**
 * What a classifier sees in pictures.
 *
 * @param count N, how many pictures
 * @param width values of a picture's features
 * @param classes how many classes there are
 * @param features {@code [N, width]}
 * @param logits {@code [N, classes]}
 */
public record Features(int count, int width, int classes, float[] features, float[] logits) {

  /** Room for the features of pictures yet to come. */
  static Features room(int count, int width, int classes) {
    return new Features(
        count,
        width,
        classes,
        new float[Math.multiplyExact(count, width)],
        new float[Math.multiplyExact(count, classes)]);
  }

  /** {@return the normal distribution of the features} */
  public Gaussian gaussian() {
    return Gaussian.of(features, count, width);
  }

  /**
   * {@return the likeliest class}
   *
   * @param index which picture
   */
  public int predicted(int index) {
    int best = 0;
    for (int k = 1; k < classes; k++) {
      if (logits[index * classes + k] > logits[index * classes + best]) {
        best = k;
      }
    }
    return best;
  }

  /**
   * {@return the share of pictures whose likeliest class is the one that was asked for}
   *
   * @param labels the classes asked for, {@code [N]}
   */
  public double accuracy(int[] labels) {
    int right = 0;
    for (int i = 0; i < count; i++) {
      right += predicted(i) == labels[i] ? 1 : 0;
    }
    return (double) right / count;
  }

  /**
   * The inception score (Salimans et al. 2016) with this classifier: {@code exp(E KL(p(y|x) ||
   * p(y)))}, all pictures in one part.
   *
   * @return from 1, where all pictures look alike, to the number of classes
   */
  public double inceptionScore() {
    double[] marginal = new double[classes];
    double conditional = 0;
    for (int i = 0; i < count; i++) {
      double[] p = probabilities(i);
      for (int k = 0; k < classes; k++) {
        marginal[k] += p[k] / count;
        conditional += p[k] > 0 ? p[k] * Math.log(p[k]) : 0;
      }
    }
    double entropy = Arrays.stream(marginal).map(p -> p > 0 ? -p * Math.log(p) : 0).sum();
    return Math.exp(conditional / count + entropy);
  }

  private double[] probabilities(int index) {
    double[] p = new double[classes];
    double most = logits[index * classes + predicted(index)];
    double sum = 0;
    for (int k = 0; k < classes; k++) {
      p[k] = Math.exp(logits[index * classes + k] - most);
      sum += p[k];
    }
    for (int k = 0; k < classes; k++) {
      p[k] /= sum;
    }
    return p;
  }
}
