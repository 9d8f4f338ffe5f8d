package lazydit.engine;

import java.util.Arrays;
import lazydit.engine.kernels.GradientKernels;
import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.RowKernels;

/**
 * Rotary position embedding (Su et al. 2021): in each head of queries and keys the pair of features
 * (2i, 2i + 1) of token t is turned by the angle {@code t * theta^(-2i / d)}; before that the whole
 * row of all heads may be normalised (QK-norm, Dehghani et al. 2023).
 *
 * <p>Immutable and safe for concurrent use.
 */
public final class Rotary {
  private final int tokens;
  private final int headDim;

  // [T, d]: the cosine of its angle for each feature of a pair, and the sine with the sign it
  // needs.
  private final float[] cos;
  private final float[] sin;

  /** The sine of turning back. */
  private final float[] back;

  /**
   * A layer normalisation with weights and biases over all heads of a row.
   *
   * @param weight {@code [heads * d]}
   * @param bias {@code [heads * d]}
   * @param eps added to the variance
   */
  public record Norm(float[] weight, float[] bias, float eps) {}

  /**
   * Some neighbouring heads of every row.
   *
   * @param offset the first one's first feature
   * @param heads how many
   * @param norm what they are normalised with, or null
   */
  public record Part(int offset, int heads, Norm norm) {}

  /**
   * Works out the angles, in float64.
   *
   * @param tokens T, tokens of a sample
   * @param headDim d, features of a head
   * @param theta the base of the frequencies
   * @throws LazyDitException when a size is below 1 or a head has an odd number of features
   */
  public Rotary(int tokens, int headDim, double theta) {
    if (tokens < 1 || headDim < 2 || headDim % 2 != 0) {
      throw new LazyDitException(
          "Rotary positions need at least 1 token and an even number of features a head, not %d and %d."
              .formatted(tokens, headDim));
    }
    this.tokens = tokens;
    this.headDim = headDim;
    cos = new float[Math.multiplyExact(tokens, headDim)];
    sin = new float[cos.length];
    for (int t = 0; t < tokens; t++) {
      for (int i = 0; i < headDim; i += 2) {
        double angle = t * Math.pow(theta, -(double) i / headDim);
        int at = t * headDim + i;
        cos[at] = (float) Math.cos(angle);
        cos[at + 1] = cos[at];
        sin[at + 1] = (float) Math.sin(angle);
        sin[at] = -sin[at + 1];
      }
    }
    back = new float[sin.length];
    for (int i = 0; i < back.length; i++) {
      back[i] = -sin[i];
    }
  }

  /**
   * Normalises and turns parts of some rows, in place.
   *
   * @param workers who works
   * @param x {@code [B, T, stride]}
   * @param stride features of a row
   * @param samples which samples: groups of T rows
   * @param parts queries and keys
   */
  public void apply(Workers workers, float[] x, int stride, Rows samples, Part... parts) {
    RowKernels kernels = Kernels.active().rows();
    workers.forEach(
        samples.size(),
        (worker, from, to) -> {
          for (int i = from; i < to; i++) {
            int row = samples.at(i) * stride;
            int angles = i % tokens * headDim;
            for (Part part : parts) {
              int at = row + part.offset;
              if (part.norm != null) {
                int width = part.heads * headDim;
                Norm norm = part.norm;
                kernels.affineNorm(x, at, width, norm.eps, norm.weight, norm.bias, x, at);
              }
              for (int head = 0; head < part.heads; head++, at += headDim) {
                kernels.rotate(x, at, cos, sin, angles, headDim);
              }
            }
          }
        });
  }

  /**
   * The way back through {@link #apply} over all rows, in place.
   *
   * @param workers who works
   * @param x what was normalised and turned, {@code [B, T, stride]}, as it was before; only to be
   *     read
   * @param dx the gradient of the result, replaced by that of x
   * @param rows B * T
   * @param stride features of a row
   * @param parts queries and keys
   */
  public void gradient(
      Workers workers, float[] x, float[] dx, int rows, int stride, Part... parts) {
    RowKernels kernels = Kernels.active().rows();
    for (Part part : parts) {
      int width = part.heads * headDim;
      float[] scale = part.norm == null ? null : scale(part.norm);
      workers.forEach(
          rows,
          (worker, from, to) -> {
            float[] sum = new float[width];
            for (int row = from; row < to; row++) {
              int at = row * stride + part.offset;
              for (int head = 0; head < part.heads; head++) {
                int angles = row % tokens * headDim;
                kernels.rotate(dx, at + head * headDim, cos, back, angles, headDim);
              }
              if (part.norm != null) {
                normGradient(x, at, part.norm.eps, scale, dx, sum);
              }
            }
          });
    }
  }

  /** A norm's weight as the modulation that it is. */
  private static float[] scale(Norm norm) {
    float[] scale = new float[norm.weight.length];
    for (int i = 0; i < scale.length; i++) {
      scale[i] = norm.weight[i] - 1;
    }
    return scale;
  }

  private static void normGradient(
      float[] x, int at, float eps, float[] scale, float[] dx, float[] sum) {
    GradientKernels kernels = Kernels.active().gradients();
    Arrays.fill(sum, 0);
    kernels.modulatedNorm(x, at, sum.length, eps, scale, 0, dx, at, sum, 0, null, 0, null, 0);
    System.arraycopy(sum, 0, dx, at, sum.length);
  }

  /**
   * The cosine of an angle.
   *
   * @param token which token
   * @param pair which pair of features, below {@code d / 2}
   * @return the cosine by which the pair is turned
   */
  public float cos(int token, int pair) {
    return cos[token * headDim + 2 * pair];
  }

  /**
   * The sine of an angle.
   *
   * @param token which token
   * @param pair which pair of features, below {@code d / 2}
   * @return the sine by which the pair is turned
   */
  public float sin(int token, int pair) {
    return sin[token * headDim + 2 * pair + 1];
  }
}
