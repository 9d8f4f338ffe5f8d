package lazydit.engine;

/** The length of all gradients as one vector, and its bound (Pascanu et al. 2013). */
public final class GradientNorm {
  private static final int PIECE = 1 << 14;

  private GradientNorm() {}

  /**
   * Measures the gradients.
   *
   * @param workers who works
   * @param parameters whose gradients
   * @return the root of the sum of their squares
   */
  public static double of(Workers workers, Parameters parameters) {
    float[] g = parameters.gradients();
    double[] sums = new double[(g.length + PIECE - 1) / PIECE];
    workers.forEach(
        sums.length,
        (worker, from, to) -> {
          for (int piece = from; piece < to; piece++) {
            sums[piece] = squares(g, piece * PIECE, Math.min(g.length, (piece + 1) * PIECE));
          }
        });
    double sum = 0;
    for (double part : sums) {
      sum += part;
    }
    return Math.sqrt(sum);
  }

  private static double squares(float[] g, int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += (double) g[i] * g[i];
    }
    return sum;
  }

  /**
   * Shortens the gradients to a length, if they are longer.
   *
   * @param workers who works
   * @param parameters whose gradients
   * @param most the largest length
   * @return their length before
   */
  public static double clip(Workers workers, Parameters parameters, double most) {
    double norm = of(workers, parameters);
    // As in PyTorch: the small number keeps the quotient finite.
    double factor = most / (norm + 1e-6);
    if (factor < 1) {
      scale(workers, parameters, (float) factor);
    }
    return norm;
  }

  /**
   * Multiplies all gradients.
   *
   * @param workers who works
   * @param parameters whose gradients
   * @param factor by what
   */
  public static void scale(Workers workers, Parameters parameters, float factor) {
    float[] g = parameters.gradients();
    workers.forEach(
        (g.length + PIECE - 1) / PIECE,
        (worker, from, to) -> {
          int end = Math.min(to * PIECE, g.length);
          for (int i = from * PIECE; i < end; i++) {
            g[i] *= factor;
          }
        });
  }
}
