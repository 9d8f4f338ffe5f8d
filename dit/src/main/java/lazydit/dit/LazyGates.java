package lazydit.dit;

import lazydit.engine.LazyDitException;

/**
 * LazyDiT's learned gates (arXiv 2412.12444, section 3): a branch is computed when {@code
 * sigmoid(sum(Z * w)) >= threshold} and reused otherwise, with one vector w for every step, block
 * and branch.
 *
 * <p>Gates of 0 score 0.5 and, at the usual threshold of 0.5, compute everything.
 */
public final class LazyGates implements CachePolicy {
  private final int steps;
  private final int depth;
  private final int hiddenSize;
  private final float attnThreshold;
  private final float mlpThreshold;
  private final Gate[] attn;
  private final Gate[] mlp;

  /**
   * Gates with their thresholds.
   *
   * @param steps S, steps of the schedule they were learned for
   * @param depth L, blocks of the network
   * @param hiddenSize D, features of a token
   * @param attn gates of attention, {@code [S, L, D]}; kept, not copied
   * @param mlp gates of the feed-forward networks, {@code [S, L, D]}; kept, not copied
   * @param attnThreshold attention is reused below it
   * @param mlpThreshold the feed-forward network is reused below it
   * @throws LazyDitException when an array has another size
   */
  public LazyGates(
      int steps,
      int depth,
      int hiddenSize,
      float[] attn,
      float[] mlp,
      float attnThreshold,
      float mlpThreshold) {
    this.steps = steps;
    this.depth = depth;
    this.hiddenSize = hiddenSize;
    this.attnThreshold = attnThreshold;
    this.mlpThreshold = mlpThreshold;
    this.attn = gates("attention", attn);
    this.mlp = gates("feed-forward", mlp);
  }

  private Gate[] gates(String what, float[] values) {
    long expected = (long) steps * depth * hiddenSize;
    if (values.length != expected) {
      throw new LazyDitException(
          "The %s gates have %d values, expected %d for %d steps, %d blocks and %d features."
              .formatted(what, values.length, expected, steps, depth, hiddenSize));
    }
    Gate[] gates = new Gate[steps * depth];
    for (int i = 0; i < gates.length; i++) {
      gates[i] = new Gate(values, i * hiddenSize);
    }
    return gates;
  }

  /** {@return S, steps of the schedule the gates belong to} */
  public int steps() {
    return steps;
  }

  @Override
  public Gate gate(int step, int block, Branch branch) {
    return (branch == Branch.ATTN ? attn : mlp)[step * depth + block];
  }

  @Override
  public boolean reuse(int step, int block, Branch branch, int sample, float score) {
    return score < (branch == Branch.ATTN ? attnThreshold : mlpThreshold);
  }

  @Override
  public OutputCache newCache(TransformerConfig config, int batch) {
    if (config.depth() != depth || config.hiddenSize() != hiddenSize) {
      throw new LazyDitException(
          "The gates are for %d blocks of %d features, but the network has %d of %d."
              .formatted(depth, hiddenSize, config.depth(), config.hiddenSize()));
    }
    return new LastOutputCache(config, batch);
  }
}
