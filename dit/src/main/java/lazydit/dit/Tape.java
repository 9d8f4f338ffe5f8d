package lazydit.dit;

/**
 * What the blocks of one pass leave behind for the way back: for each branch its input before and
 * after the norm, its output, and what it was on the way. Written by {@link BlockExecutor} in
 * arrays that the next pass uses again.
 */
final class Tape {
  private final Entry[] entries;

  Tape(TransformerConfig config, int batch) {
    entries = new Entry[config.depth() * Branch.values().length];
    for (int i = 0; i < entries.length; i++) {
      entries[i] = new Entry(config, batch, Branch.values()[i % Branch.values().length]);
    }
  }

  Entry at(int block, Branch branch) {
    return entries[block * Branch.values().length + branch.ordinal()];
  }

  /** The values of a sample that a branch has on its way: qkv, or the hidden features of an MLP. */
  static int wide(TransformerConfig config, Branch branch) {
    int qkv = (config.numHeads() + 2 * config.numKvHeads()) * config.headDim();
    return Math.multiplyExact(config.tokens(), branch == Branch.ATTN ? qkv : config.mlpHidden());
  }

  /** One branch of one block. */
  static final class Entry {
    /** The residual stream before the branch, {@code [B, T, D]}. */
    final float[] x;

    /** The branch's input, {@code [B, T, D]}. */
    final float[] z;

    /** Its output before its gate, {@code [B, T, D]}. */
    final float[] y;

    // As in BlockWorkspace.
    final float[] wide;
    final float[] mixed;
    final float[] raw;

    /** What its output was blended with, or null where it was used as it is. */
    Blend blend;

    Entry(TransformerConfig config, int batch, Branch branch) {
      int size = Math.multiplyExact(batch, config.tokens() * config.hiddenSize());
      x = new float[size];
      z = new float[size];
      y = new float[size];
      wide = new float[Math.multiplyExact(batch, wide(config, branch))];
      mixed = branch == Branch.ATTN ? new float[size] : null;
      Branch changed = config instanceof LargeDitConfig ? Branch.ATTN : Branch.MLP;
      raw = branch == changed ? new float[wide.length] : null;
    }

    /** Has a branch computed in this entry's arrays. */
    void lend(BlockWorkspace work) {
      work.wide = wide;
      work.mixed = mixed;
      work.raw = raw;
    }
  }

  /**
   * How a computed output y and a remembered one became the one used: {@code weight * y + (1 -
   * weight) * old} for each sample.
   *
   * @param gate the gate that was asked
   * @param old the remembered outputs, {@code [B, T, D]}
   * @param scores of the gate, {@code [B]}
   * @param weights made of them, {@code [B]}
   */
  record Blend(CachePolicy.Gate gate, float[] old, float[] scores, float[] weights) {}
}
