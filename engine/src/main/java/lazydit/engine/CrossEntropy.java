package lazydit.engine;

/** The loss of a classifier: minus the logarithm of the probability of the right class. */
public final class CrossEntropy {
  private CrossEntropy() {}

  /**
   * Computes the losses of a batch and their gradient, {@code softmax(logits) - 1 at the label}.
   *
   * @param logits {@code [N, K]}; only to be read
   * @param labels {@code [N]}, from 0 to K - 1
   * @param factor by which every sample's gradient is multiplied: 1 / N for that of the mean
   * @param dLogits receives the gradient, {@code [N, K]}; or null
   * @return the losses, {@code [N]}
   */
  public static float[] evaluate(float[] logits, int[] labels, double factor, float[] dLogits) {
    int classes = logits.length / labels.length;
    float[] losses = new float[labels.length];
    for (int row = 0; row < labels.length; row++) {
      int first = row * classes;
      double max = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < classes; k++) {
        max = Math.max(max, logits[first + k]);
      }
      double sum = 0;
      for (int k = 0; k < classes; k++) {
        sum += StrictMath.exp(logits[first + k] - max);
      }
      double normaliser = max + StrictMath.log(sum);
      losses[row] = (float) (normaliser - logits[first + labels[row]]);
      for (int k = 0; dLogits != null && k < classes; k++) {
        double probability = StrictMath.exp(logits[first + k] - normaliser);
        double right = k == labels[row] ? 1 : 0;
        dLogits[first + k] = (float) ((probability - right) * factor);
      }
    }
    return losses;
  }
}
