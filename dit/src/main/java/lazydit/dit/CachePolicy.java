package lazydit.dit;

/**
 * When a branch's output of an earlier step is used again instead of being computed, and what is
 * used then. The first is {@link #reuse}, the second {@link #newCache}.
 *
 * <p>Asked for every step, block, branch and sample; the conditional and the null row of guidance
 * are samples of their own. Implementations are immutable and safe for concurrent runs; what a run
 * remembers lies in its {@link OutputCache}.
 */
public interface CachePolicy {
  /**
   * A gate vector w in a larger array.
   *
   * @param weights where it lies
   * @param offset its first element
   */
  record Gate(float[] weights, int offset) {}

  /**
   * The gate to evaluate at a place, if the decision depends on the input there.
   *
   * @param step index in the respaced schedule: 0 is the last step of sampling
   * @param block which block
   * @param branch which branch
   * @return a vector w of D weights, or null for a decision without one
   */
  Gate gate(int step, int block, Branch branch);

  /**
   * Decides whether a sample's branch is reused. Only asked when there is something to reuse.
   *
   * @param step index in the respaced schedule
   * @param block which block
   * @param branch which branch
   * @param sample row of the batch
   * @param score sigmoid of the sum over tokens and features of {@code Z * w}, with Z the branch's
   *     modulated, normalised input; NaN where there is no gate
   * @return true to reuse, false to compute
   */
  boolean reuse(int step, int block, Branch branch, int sample, float score);

  /**
   * The memory of a run: keeps what is computed and says what stands in for it.
   *
   * @param config the network
   * @param batch rows of a batch, null rows included
   * @return an empty cache, or null when nothing is ever reused and nothing need be kept
   */
  OutputCache newCache(TransformerConfig config, int batch);

  /** {@return the policy that computes everything and keeps nothing} */
  static CachePolicy none() {
    return NoCache.INSTANCE;
  }
}
