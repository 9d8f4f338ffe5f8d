package lazydit.dit;

/**
 * Sees the tensors inside a forward pass, under names that mirror the checkpoint's: {@code
 * x_embedder}, {@code blocks.3.attn_in}, {@code blocks.3.attn}, {@code blocks.3}, {@code
 * final_layer} and so on. For comparing a port with its reference; slows the pass down a little.
 */
@FunctionalInterface
public interface ForwardProbe {
  /**
   * Called with each tensor as it is made.
   *
   * @param name what it is
   * @param values where it lies; only to be read, and only during the call
   * @param offset its first element
   * @param shape its shape
   */
  void observe(String name, float[] values, int offset, long... shape);
}
