package lazydit.sampler.learning;

import java.util.stream.IntStream;
import lazydit.dit.Branch;
import lazydit.engine.Workers;

/**
 * Gate vectors that decide as told: for each step, block and branch the w of least length whose
 * logits, {@code sum of Z * w}, come close to a wanted one for every picture (ridge regression).
 *
 * <p>Gates have no bias, but Z is shifted by a vector that hardly depends on the picture, and that
 * the null label shifts elsewhere than labels do: w finds a constant in the former, and the two
 * halves of guidance in the latter. Where everything is computed w is 0, whose score of 0.5 is not
 * below the threshold.
 */
final class GateFit {
  /** The logit of "compute", and with the other sign of "reuse": scores of 0.98 and 0.02. */
  private static final double LOGIT = 4;

  private static final double RIDGE = 1e-3;

  /** The smallest pivot, of the largest. */
  private static final double SINGULAR = 1e-12;

  private static final int BRANCHES = Branch.values().length;

  private GateFit() {}

  /** Gates of one branch, {@code [S, L, D]}. */
  static float[] fit(
      Workers workers, Rollout rollout, Decisions decisions, float[][][] inputs, Branch branch) {
    int hidden = inputs[0][0].length;
    int gates = decisions.steps() * decisions.depth();
    float[] result = new float[gates * hidden];
    workers.forEach(
        gates,
        (worker, from, to) -> {
          for (int gate = from; gate < to; gate++) {
            int step = gate / decisions.depth();
            int first = decisions.place(step, gate % decisions.depth(), branch, 0);
            boolean lazy =
                IntStream.range(first, first + decisions.halves()).anyMatch(decisions::reused);
            if (lazy) {
              float[][] z = inputs[gate * BRANCHES + branch.ordinal()];
              double[] wanted = new double[z.length];
              for (int row = 0; row < wanted.length; row++) {
                wanted[row] = decisions.reused(first + rollout.half(row)) ? -LOGIT : LOGIT;
              }
              System.arraycopy(ridge(z, wanted), 0, result, gate * hidden, hidden);
            }
          }
        });
    return result;
  }

  /** w = Z^T (Z Z^T + ridge)^-1 wanted. */
  static float[] ridge(float[][] z, double[] wanted) {
    int rows = z.length;
    double[][] products = new double[rows][rows];
    double trace = 0;
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = 0;
        for (int k = 0; k < z[i].length; k++) {
          sum += z[i][k] * (double) z[j][k];
        }
        products[i][j] = sum;
      }
      trace += products[i][i];
    }
    for (int i = 0; i < rows; i++) {
      products[i][i] += RIDGE * trace / rows;
    }
    double[] shares = solve(products, wanted);
    double[] w = new double[z[0].length];
    for (int i = 0; i < rows; i++) {
      for (int k = 0; k < w.length; k++) {
        w[k] += shares[i] * z[i][k];
      }
    }
    float[] result = new float[w.length];
    for (int k = 0; k < w.length; k++) {
      result[k] = (float) w[k];
    }
    return result;
  }

  /** Solves a symmetric positive system, of which the lower half is given, by Cholesky's way. */
  private static double[] solve(double[][] a, double[] b) {
    int n = b.length;
    double largest = 0;
    for (int i = 0; i < n; i++) {
      largest = Math.max(largest, a[i][i]);
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = a[i][j];
        for (int k = 0; k < j; k++) {
          sum -= a[i][k] * a[j][k];
        }
        a[i][j] = i == j ? Math.sqrt(Math.max(sum, SINGULAR * largest)) : sum / a[j][j];
      }
    }
    double[] x = b.clone();
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < i; k++) {
        x[i] -= a[i][k] * x[k];
      }
      x[i] /= a[i][i];
    }
    for (int i = n - 1; i >= 0; i--) {
      for (int k = i + 1; k < n; k++) {
        x[i] -= a[k][i] * x[k];
      }
      x[i] /= a[i][i];
    }
    return x;
  }
}
