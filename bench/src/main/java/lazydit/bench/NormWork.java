package lazydit.bench;

import lazydit.engine.LayerNorm;
import lazydit.engine.PerGroup;
import lazydit.engine.Workers;

/**
 * Layer normalisation with shift and scale of each sample, out of cache.
 *
 * @param samples samples
 * @param tokens rows of a sample
 * @param width features of a row
 */
public record NormWork(int samples, int tokens, int width) implements Work {
  /** Added to the variance. */
  public static final float EPS = 1e-6f;

  @Override
  public String benchmark() {
    return "norm";
  }

  @Override
  public String shape() {
    return samples + "x" + tokens + "x" + width;
  }

  @Override
  public Limit limit() {
    return Limit.BANDWIDTH;
  }

  /** One reading and one writing of a row. */
  @Override
  public double amount() {
    return 2.0 * Float.BYTES * samples * tokens * width;
  }

  /** Sum, sum of squares, subtraction, two multiplications, an addition. */
  @Override
  public double intensity() {
    return 8.0 / (2 * Float.BYTES);
  }

  /** {@return x, {@code [samples, tokens, width]}} */
  public float[] x() {
    return Work.uniform(4, samples * tokens * width);
  }

  /** {@return the shifts, {@code [samples, width]}} */
  public float[] shift() {
    return Work.uniform(5, samples * width);
  }

  /** {@return the scales, {@code [samples, width]}} */
  public float[] scale() {
    return Work.uniform(6, samples * width);
  }

  /** A vector for every sample, one after the other. */
  static PerGroup perSample(float[] values, int samples, int tokens, int width) {
    int[] offsets = new int[samples];
    for (int i = 0; i < samples; i++) {
      offsets[i] = i * width;
    }
    return new PerGroup(values, offsets, 0, tokens);
  }

  @Override
  public Side ours(Workers workers) {
    float[] x = x();
    float[] y = new float[x.length];
    PerGroup shift = perSample(shift(), samples, tokens, width);
    PerGroup scale = perSample(scale(), samples, tokens, width);
    return new Side() {
      @Override
      public void run() {
        LayerNorm.modulate(workers, x, samples * tokens, width, EPS, shift, scale, y);
      }

      @Override
      public float[] result() {
        return y;
      }
    };
  }
}
