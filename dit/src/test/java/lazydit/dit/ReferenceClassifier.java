package lazydit.dit;

import java.util.Arrays;
import java.util.function.Function;

/** A {@link Classifier} by its definition, in float64. */
record ReferenceClassifier(ClassifierConfig config) {
  /** What it sees in a picture. */
  record Seen(double[] features, double[] logits) {}

  Seen see(Function<String, double[]> weights, double[] image) {
    double[] ones = new double[config.width2() * config.side() / 4 * (config.side() / 4)];
    Arrays.fill(ones, 1);
    return see(weights, image, ones);
  }

  /** With factors before the features, as in training. */
  Seen see(Function<String, double[]> weights, double[] image, double[] dropout) {
    double[] x = convolvedAndPooled(image, config.channels(), config.side(), weights, "conv1");
    x = convolvedAndPooled(x, config.width1(), config.side() / 2, weights, "conv2");
    for (int i = 0; i < x.length; i++) {
      x[i] *= dropout[i];
    }
    double[] features = linear(x, weights, "fc1");
    for (int i = 0; i < features.length; i++) {
      features[i] = Math.max(0, features[i]);
    }
    return new Seen(features, linear(features, weights, "fc2"));
  }

  private static double[] convolvedAndPooled(
      double[] x, int in, int side, Function<String, double[]> weights, String name) {
    double[] weight = weights.apply(name + ".weight");
    double[] bias = weights.apply(name + ".bias");
    int out = bias.length;
    int half = side / 2;
    double[] pooled = new double[out * half * half];
    for (int o = 0; o < out; o++) {
      for (int row = 0; row < side; row++) {
        for (int column = 0; column < side; column++) {
          double sum = bias[o];
          for (int i = 0; i < in * 9; i++) {
            int r = row + i / 3 % 3 - 1;
            int c = column + i % 3 - 1;
            if (r >= 0 && r < side && c >= 0 && c < side) {
              sum += x[(i / 9 * side + r) * side + c] * weight[o * in * 9 + i];
            }
          }
          int at = (o * half + row / 2) * half + column / 2;
          pooled[at] = Math.max(pooled[at], sum);
        }
      }
    }
    return pooled;
  }

  private static double[] linear(double[] x, Function<String, double[]> weights, String name) {
    double[] weight = weights.apply(name + ".weight");
    double[] y = weights.apply(name + ".bias").clone();
    for (int o = 0; o < y.length; o++) {
      for (int i = 0; i < x.length; i++) {
        y[o] += x[i] * weight[o * x.length + i];
      }
    }
    return y;
  }
}
