package lazydit.bench;

import java.util.stream.IntStream;
import lazydit.engine.PerGroup;
import lazydit.engine.Residual;
import lazydit.engine.Rows;
import lazydit.engine.Workers;

/**
 * The gated residual of a reused branch, x += gate * y, out of cache. Every run adds once more.
 *
 * @param samples samples
 * @param tokens rows of a sample
 * @param width features of a row
 */
public record ResidualWork(int samples, int tokens, int width) implements Work {
  @Override
  public String benchmark() {
    return "residual";
  }

  @Override
  public String shape() {
    return samples + "x" + tokens + "x" + width;
  }

  @Override
  public Limit limit() {
    return Limit.BANDWIDTH;
  }

  /** Two readings and one writing. */
  @Override
  public double amount() {
    return 3.0 * Float.BYTES * samples * tokens * width;
  }

  @Override
  public double intensity() {
    return 2.0 / (3 * Float.BYTES);
  }

  /** {@return x before the first run, {@code [samples, tokens, width]}} */
  public float[] x() {
    return Work.uniform(8, samples * tokens * width);
  }

  /** {@return y, {@code [samples, tokens, width]}} */
  public float[] y() {
    return Work.uniform(9, samples * tokens * width);
  }

  /** {@return the gates, {@code [samples, width]}} */
  public float[] gate() {
    return Work.uniform(10, samples * width);
  }

  @Override
  public Side ours(Workers workers) {
    float[] x = x();
    float[] y = y();
    PerGroup gate = NormWork.perSample(gate(), samples, tokens, width);
    Rows rows = new Rows(IntStream.range(0, samples).toArray(), samples, tokens);
    return new Side() {
      @Override
      public void run() {
        Residual.gatedAdd(workers, x, rows, width, gate, y);
      }

      @Override
      public float[] result() {
        return x;
      }
    };
  }
}
