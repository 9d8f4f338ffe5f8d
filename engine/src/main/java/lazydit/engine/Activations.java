package lazydit.engine;

import lazydit.engine.kernels.Kernels;

/**
 * Elementwise functions over float32, within 3 units in the last place of the exact value (gelu and
 * silu: of their argument's). {@code x} and {@code y} may be the same array.
 */
public final class Activations {
  /** Elements that stay together: a multiple of every vector length. */
  private static final int PIECE = 1024;

  private Activations() {}

  /**
   * y = e to the x.
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void exp(float[] x, float[] y) {
    Kernels.active().elements().exp(x, 0, y, 0, x.length);
  }

  /**
   * y = tanh(x).
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void tanh(float[] x, float[] y) {
    Kernels.active().elements().tanh(x, 0, y, 0, x.length);
  }

  /**
   * y = 1 / (1 + exp(-x)).
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void sigmoid(float[] x, float[] y) {
    Kernels.active().elements().sigmoid(x, 0, y, 0, x.length);
  }

  /**
   * y = x * sigmoid(x).
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void silu(float[] x, float[] y) {
    Kernels.active().elements().silu(x, 0, y, 0, x.length);
  }

  /**
   * y = gelu(x), the tanh approximation: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void gelu(float[] x, float[] y) {
    Kernels.active().elements().gelu(x, 0, y, 0, x.length);
  }

  /**
   * y = x Phi(x), GELU without the approximation by tanh, with Phi the normal distribution
   * function, within 2e-7 of it (Abramowitz and Stegun, 7.1.26). One by one, in float64: no network
   * here uses it.
   *
   * @param x the arguments
   * @param y receives the values; as long as x
   */
  public static void geluExact(float[] x, float[] y) {
    for (int i = 0; i < x.length; i++) {
      double upper = normalTail(Math.abs((double) x[i]));
      y[i] =
          (float) (x[i] == 0 || upper == 0 && x[i] < 0 ? 0 : x[i] * (x[i] > 0 ? 1 - upper : upper));
    }
  }

  /** The probability that a standard normal number is above z, which is 0 or more. */
  private static double normalTail(double z) {
    double t = 1 / (1 + 0.3275911 * z / Math.sqrt(2));
    double series =
        t
            * (0.254829592
                + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return 0.5 * series * Math.exp(-z * z / 2);
  }

  /**
   * y = gelu(x), and its derivative in place of x: what the way back is to be multiplied with.
   * Whole vectors come out as {@link Epilogue.Gelu} gives them.
   *
   * @param workers who works
   * @param x the arguments, replaced by gelu'(x)
   * @param y receives the values
   * @param size how many
   */
  public static void geluAndSlope(Workers workers, float[] x, float[] y, int size) {
    inPieces(workers, size, (at, n) -> Kernels.active().gradients().geluAndSlope(x, at, y, at, n));
  }

  /**
   * dy *= slope: the way back through an activation function whose derivative was kept.
   *
   * @param workers who works
   * @param slope the derivative at each argument
   * @param dy the gradient of the values, replaced by that of the arguments
   * @param size how many
   */
  public static void multiply(Workers workers, float[] slope, float[] dy, int size) {
    inPieces(workers, size, (at, n) -> Kernels.active().gradients().multiply(slope, at, dy, at, n));
  }

  /**
   * dx = dy * silu'(x), the way back through silu.
   *
   * @param x the arguments
   * @param dy the gradient of the values
   * @param dx receives the gradient of the arguments; may be dy
   */
  public static void siluGradient(float[] x, float[] dy, float[] dx) {
    Kernels.active().gradients().silu(x, 0, dy, 0, dx, 0, x.length);
  }

  /**
   * The way back through {@link Epilogue.SwiGlu}, h = silu(g) * v.
   *
   * @param workers who works
   * @param pairs g, then v of every row, {@code [rows, 2 width]}, replaced by their gradients
   * @param dh the gradient of h, {@code [rows, width]}; only to be read
   * @param rows how many rows
   * @param width features of a row of h
   */
  public static void swiGluGradient(
      Workers workers, float[] pairs, float[] dh, int rows, int width) {
    Kernels kernels = Kernels.active();
    workers.forEach(
        rows,
        (worker, from, to) -> {
          float[] silu = new float[width];
          for (int row = from; row < to; row++) {
            int g = row * 2 * width;
            int v = g + width;
            kernels.elements().silu(pairs, g, silu, 0, width);
            kernels.gradients().multiply(dh, row * width, pairs, v, width);
            kernels.gradients().silu(pairs, g, pairs, v, pairs, g, width);
            System.arraycopy(silu, 0, pairs, v, width);
            kernels.gradients().multiply(dh, row * width, pairs, v, width);
          }
        });
  }

  /**
   * y = max(y, 0), shared by threads.
   *
   * @param workers who works
   * @param y the arguments, replaced by the values
   * @param size how many
   */
  public static void relu(Workers workers, float[] y, int size) {
    inPieces(
        workers,
        size,
        (at, n) -> {
          for (int i = at; i < at + n; i++) {
            y[i] = Math.max(y[i], 0);
          }
        });
  }

  /**
   * The way back through relu: a gradient stays where the value is positive.
   *
   * @param workers who works
   * @param y the values
   * @param dy their gradient, replaced by that of the arguments
   * @param size how many
   */
  public static void reluGradient(Workers workers, float[] y, float[] dy, int size) {
    inPieces(
        workers,
        size,
        (at, n) -> {
          for (int i = at; i < at + n; i++) {
            dy[i] = y[i] > 0 ? dy[i] : 0;
          }
        });
  }

  private interface Piece {
    void run(int at, int n);
  }

  /** Cuts at the same places for any number of threads. */
  private static void inPieces(Workers workers, int size, Piece piece) {
    workers.forEach(
        (size + PIECE - 1) / PIECE,
        (worker, from, to) -> {
          int at = from * PIECE;
          piece.run(at, Math.min(to * PIECE, size) - at);
        });
  }
}
