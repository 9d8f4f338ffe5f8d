package lazydit.bench;

import java.util.Arrays;
import lazydit.engine.Activations;
import lazydit.engine.Workers;

/**
 * GELU, tanh approximation, out of cache.
 *
 * @param pieces arrays, shared out among the workers
 * @param size elements of each
 */
public record GeluWork(int pieces, int size) implements Work {
  @Override
  public String benchmark() {
    return "gelu";
  }

  @Override
  public String shape() {
    return pieces + "x" + size;
  }

  @Override
  public Limit limit() {
    return Limit.BANDWIDTH;
  }

  /** One reading and one writing. */
  @Override
  public double amount() {
    return 2.0 * Float.BYTES * pieces * size;
  }

  /** A cubic, a tanh of about 20 operations, and two multiplications. */
  @Override
  public double intensity() {
    return 28.0 / (2 * Float.BYTES);
  }

  /**
   * One array of arguments.
   *
   * @param piece which one
   * @return {@code [size]}
   */
  public float[] x(int piece) {
    float[] x = Work.uniform(7 + piece, size);
    for (int i = 0; i < size; i++) {
      x[i] *= 8;
    }
    return x;
  }

  @Override
  public Side ours(Workers workers) {
    float[][] x = new float[pieces][];
    Arrays.setAll(x, this::x);
    float[][] y = new float[pieces][size];
    return new Side() {
      @Override
      public void run() {
        workers.forEach(
            pieces,
            (worker, from, to) -> {
              for (int i = from; i < to; i++) {
                Activations.gelu(x[i], y[i]);
              }
            });
      }

      @Override
      public float[] result() {
        float[] all = new float[pieces * size];
        for (int i = 0; i < pieces; i++) {
          System.arraycopy(y[i], 0, all, i * size, size);
        }
        return all;
      }
    };
  }
}
