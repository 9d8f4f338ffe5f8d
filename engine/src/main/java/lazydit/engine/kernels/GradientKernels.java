package lazydit.engine.kernels;

import java.lang.foreign.MemorySegment;

/**
 * The ways back: what the gradient of a kernel's result makes of its inputs. In every name {@code
 * dx} stands for the derivative of the loss by x. Where a gradient is added to what an array holds,
 * its description says so.
 */
public interface GradientKernels {
  /**
   * {@link ElementKernels#gelu}, y = gelu(x), and its derivative in place of its argument, x =
   * gelu'(x): forward and backward share the exponential. For arguments whose square is finite.
   */
  void geluAndSlope(float[] x, int xo, float[] y, int yo, int n);

  /** y *= x. */
  void multiply(float[] x, int xo, float[] y, int yo, int n);

  /**
   * Of {@link ElementKernels#silu}: dx = dy * silu'(x). {@code dx} may be {@code dy} or {@code x}.
   */
  void silu(float[] x, int xo, float[] dy, int yo, float[] dx, int dxo, int n);

  /**
   * Of {@link RowKernels#modulatedNorm}, y = z * (1 + scale) + shift with z the normalised row:
   *
   * <pre>
   * g = dy * (1 + scale)
   * dx += (g - mean(g) - z * mean(g * z)) / sqrt(variance + eps)
   * dShift += dy,  dScale += dy * z
   * </pre>
   *
   * @param dShift null when the gradients of shift and scale are not wanted
   */
  void modulatedNorm(
      float[] x,
      int xo,
      int n,
      float eps,
      float[] scale,
      int co,
      float[] dy,
      int yo,
      float[] dx,
      int dxo,
      float[] dShift,
      int dso,
      float[] dScale,
      int dco);

  /**
   * Of {@link RowKernels#gatedAdd}, x += gate * y: dy = gate * dx and dGate += dx * y; dx is passed
   * on as it is.
   *
   * @param dGate null when its gradient is not wanted
   */
  void gatedAdd(
      float[] gate,
      int go,
      float[] y,
      int yo,
      float[] dx,
      int xo,
      float[] dy,
      int dyo,
      float[] dGate,
      int dgo,
      int n);

  /** Of {@link RowKernels#modulatedRmsNorm}, by its argument alone: {@code dx} is added to. */
  void modulatedRmsNorm(
      float[] x,
      int xo,
      int n,
      float eps,
      float[] weight,
      float[] scale,
      int co,
      float[] dy,
      int yo,
      float[] dx,
      int dxo);

  /**
   * Of a softmax down the columns, p = weights * inverse: ds = scale * p * (dp - sum of its column
   * of p * dp). Gives p and ds as rows of a matrix product's A, and ds as its B too.
   *
   * @param weights {@code [keys, columns]} from its first byte, replaced by ds
   * @param inverse {@code 1 / sum} of each column from {@code io}
   * @param dp {@code [keys, columns]} from {@code dpo}; only to be read
   * @param scale of the scores
   * @param rows receives p, key i from {@code po + i * stride}, and ds likewise from {@code dso}
   */
  void softmax(
      MemorySegment weights,
      float[] inverse,
      int io,
      float[] dp,
      int dpo,
      int keys,
      int columns,
      float scale,
      float[] rows,
      int po,
      int dso,
      int stride);
}
