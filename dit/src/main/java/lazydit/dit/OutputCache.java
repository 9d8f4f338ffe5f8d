package lazydit.dit;

/**
 * What a run remembers of its branches' outputs, each before its gate: Y {@code [T, D]} for every
 * block, branch and sample. Owned by one run.
 */
public interface OutputCache {
  /**
   * Where computed outputs are to be written.
   *
   * @param block which block
   * @param branch which branch
   * @return {@code [B, T, D]}; the branch writes the samples that it computes
   */
  float[] target(int block, Branch branch);

  /**
   * Told that a sample's output has been written to its target.
   *
   * @param step index in the respaced schedule
   * @param block which block
   * @param branch which branch
   * @param sample row of the batch
   */
  void computed(int step, int block, Branch branch, int sample);

  /**
   * Says whether there is anything to reuse.
   *
   * @param block which block
   * @param branch which branch
   * @param sample row of the batch
   * @return whether an output was computed since the last {@link #clear}
   */
  boolean has(int block, Branch branch, int sample);

  /**
   * What stands in for the output of the samples that are reused.
   *
   * @param step index in the respaced schedule
   * @param block which block
   * @param branch which branch
   * @return {@code [B, T, D]}; read at the samples that are reused
   */
  float[] substitute(int step, int block, Branch branch);

  /** Forgets everything: a new run begins. */
  void clear();

  /**
   * The memory that LazyDiT reuses from: the last output computed, as it is.
   *
   * @param config the network
   * @param batch rows of a batch, null rows included
   * @return an empty cache
   */
  static OutputCache last(TransformerConfig config, int batch) {
    return new LastOutputCache(config, batch);
  }
}
