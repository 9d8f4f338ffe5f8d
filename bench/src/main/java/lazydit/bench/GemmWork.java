package lazydit.bench;

import lazydit.engine.Epilogue;
import lazydit.engine.Linear;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
import lazydit.engine.Workers;

/**
 * A linear layer, y = x W<sup>T</sup>. Weights are packed before, rows inside the measurement.
 *
 * @param m rows of x
 * @param in columns of x
 * @param out rows of W
 */
public record GemmWork(int m, int in, int out) implements Work {
  @Override
  public String benchmark() {
    return "gemm";
  }

  @Override
  public String shape() {
    return m + "x" + in + "x" + out;
  }

  @Override
  public Limit limit() {
    return Limit.COMPUTE;
  }

  @Override
  public double amount() {
    return 2.0 * m * in * out;
  }

  @Override
  public double intensity() {
    return amount() / (Float.BYTES * ((double) m * in + (double) in * out + (double) m * out));
  }

  /** {@return x, {@code [m, in]}} */
  public float[] x() {
    return Work.uniform(1, m * in);
  }

  /** {@return W, {@code [out, in]}} */
  public float[] weights() {
    return Work.uniform(2, out * in);
  }

  @Override
  public Side ours(Workers workers) {
    float[] w = weights();
    Linear linear =
        Linear.pack(out, in, (row, into, at) -> System.arraycopy(w, row * in, into, at, in), null);
    float[] x = x();
    Rows rows = Rows.all(m);
    Scratch scratch = new Scratch(workers);
    Epilogue.Store store = new Epilogue.Store(new float[m * out]);
    return new Side() {
      @Override
      public void run() {
        linear.apply(workers, scratch, x, rows, store);
      }

      @Override
      public float[] result() {
        return store.y();
      }
    };
  }
}
