package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.function.ToDoubleFunction;

/** Gradients by central differences of a loss in float64, to compare others with. */
public final class Derivatives {
  private static final double STEP = 1e-5;

  private Derivatives() {}

  /** In float64. */
  public static double[] widened(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  /** The loss that has {@code weights} as its gradient: their product with some values. */
  public static double dot(double[] values, float[] weights) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += values[i] * weights[i];
    }
    return sum;
  }

  /** The gradient of a loss at x. */
  public static double[] of(float[] x, ToDoubleFunction<double[]> loss) {
    double[] at = widened(x);
    double[] gradient = new double[at.length];
    for (int i = 0; i < at.length; i++) {
      double old = at[i];
      at[i] = old + STEP;
      double above = loss.applyAsDouble(at);
      at[i] = old - STEP;
      double below = loss.applyAsDouble(at);
      at[i] = old;
      gradient[i] = (above - below) / (2 * STEP);
    }
    return gradient;
  }

  /** Fails unless found is the gradient, to float32's roundings of the largest element. */
  public static void assertGradient(double[] expected, float[] found, String what) {
    double scale = 1e-3;
    for (double value : expected) {
      scale = Math.max(scale, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], 4e-6 * scale, "%s at %d".formatted(what, i));
    }
  }
}
