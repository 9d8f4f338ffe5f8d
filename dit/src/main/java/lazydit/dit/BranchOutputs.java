package lazydit.dit;

import lazydit.engine.LazyDitException;

/**
 * The outputs of all branches at one step, each before its gate: {@code [B, T, D]} for every block
 * and branch. What a later step may use again; while gates learn, also the gradients of these
 * outputs.
 *
 * <p>Plain memory of its owner: a roll-out keeps one for each step that it goes back through.
 */
public final class BranchOutputs {
  private final float[][] outputs;
  private final int length;

  /**
   * Outputs of zeros.
   *
   * @param config the network
   * @param batch B, samples of a batch
   */
  public BranchOutputs(TransformerConfig config, int batch) {
    length = Math.multiplyExact(batch, config.tokens() * config.hiddenSize());
    outputs = new float[config.depth() * Branch.values().length][length];
  }

  /**
   * One branch's outputs.
   *
   * @param block which block
   * @param branch which branch
   * @return {@code [B, T, D]}: the array itself
   */
  public float[] of(int block, Branch branch) {
    return outputs[block * Branch.values().length + branch.ordinal()];
  }

  /** Sets all to zero. */
  public void clear() {
    for (float[] values : outputs) {
      java.util.Arrays.fill(values, 0);
    }
  }

  void requireFit(TransformerConfig config, int batch) {
    int expected = batch * config.tokens() * config.hiddenSize();
    if (length != expected || outputs.length != config.depth() * Branch.values().length) {
      throw new LazyDitException(
          "The outputs are %d branches of %d values, but the run has %d of %d."
              .formatted(outputs.length, length, config.depth() * 2, expected));
    }
  }
}
