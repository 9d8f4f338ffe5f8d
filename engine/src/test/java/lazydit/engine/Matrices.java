package lazydit.engine;

import java.util.Random;
import java.util.SplittableRandom;

/** Random operands, and products of them in float64 with the magnitude that errors scale with. */
public final class Matrices {
  /** Half a unit in the last place of 1: the largest relative error of one rounding. */
  public static final double ROUNDOFF = 0x1p-24;

  private Matrices() {}

  /** Normally distributed values. */
  public static float[] normal(long seed, int size, double mean, double deviation) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    return values;
  }

  /** Standard normal values. */
  public static float[] normal(long seed, int size) {
    return normal(seed, size, 0, 1);
  }

  /** Bits that no computation gives: to see what is left alone. */
  public static float[] untouched(int size) {
    Random random = new Random(size);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = Float.intBitsToFloat(0x7fc00000 | random.nextInt(1 << 20));
    }
    return values;
  }

  /**
   * What the sum of {@code n} products may be off by in float32, for each unit of the sum of their
   * magnitudes: roundings of a chain add up like a random walk, at worst each as large as the sum.
   */
  public static double relative(int n) {
    return (4 + 2 * Math.sqrt(n)) * ROUNDOFF;
  }

  /** x W + b in float64, and with every element the sum of the magnitudes of its terms. */
  public record Product(int rows, int out, double[] values, double[] magnitudes, int in) {
    /** The product of x {@code [rows, in]} and the transpose of w {@code [out, in]}. */
    public static Product of(float[] x, float[] w, float[] bias, int rows, int in, int out) {
      double[] values = new double[rows * out];
      double[] magnitudes = new double[rows * out];
      for (int r = 0; r < rows; r++) {
        for (int j = 0; j < out; j++) {
          double sum = bias == null ? 0 : bias[j];
          double magnitude = Math.abs(sum);
          for (int i = 0; i < in; i++) {
            double term = (double) x[r * in + i] * w[j * in + i];
            sum += term;
            magnitude += Math.abs(term);
          }
          values[r * out + j] = sum;
          magnitudes[r * out + j] = magnitude;
        }
      }
      return new Product(rows, out, values, magnitudes, in);
    }

    /** How far off a float32 result may be; products of tiny values lose bits below the least. */
    public double tolerance(int at) {
      return relative(in) * magnitudes[at] + in * (double) Float.MIN_VALUE;
    }
  }
}
