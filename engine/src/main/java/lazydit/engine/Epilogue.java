package lazydit.engine;

/** What a {@link Linear} layer does with its sums, while they are still in the cache. */
public sealed interface Epilogue {
  /**
   * y = x W + b.
   *
   * @param y receives the rows, {@code [rows, out]}; written at the rows computed
   */
  record Store(float[] y) implements Epilogue {}

  /**
   * y = gelu(x W + b), tanh approximation.
   *
   * @param y receives the rows, {@code [rows, out]}
   */
  record Gelu(float[] y) implements Epilogue {}

  /**
   * y = silu(x W + b).
   *
   * @param y receives the rows, {@code [rows, out]}
   */
  record Silu(float[] y) implements Epilogue {}

  /**
   * y = silu(x W1) * (x W2), for a layer of pairs ({@link Linear#packPairs}).
   *
   * @param y receives the rows, {@code [rows, out]}
   */
  record SwiGlu(float[] y) implements Epilogue {}

  /**
   * x += gate * (x W + b), the gated residual of adaLN-Zero.
   *
   * @param x the residual stream, {@code [rows, out]}; updated at the rows computed
   * @param gate a gate vector for every row
   * @param keep receives {@code x W + b} too, {@code [rows, out]}, for reuse in a later step; or
   *     null
   */
  record GatedAdd(float[] x, PerGroup gate, float[] keep) implements Epilogue {}
}
