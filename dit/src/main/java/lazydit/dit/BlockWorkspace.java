package lazydit.dit;

import lazydit.engine.Attention;
import lazydit.engine.LayerNorm;
import lazydit.engine.Scratch;
import lazydit.engine.Workers;

/** What the blocks of a run compute with: threads and memory, used by one block after the other. */
final class BlockWorkspace {
  final Workers workers;
  final Scratch scratch;
  final Attention attention;

  /** Tokens of all samples, at most as many as there is room for. */
  int rows;

  /** Of the residual stream before a branch. */
  final LayerNorm.Moments moments;

  /** What a branch is on the way, {@code [B, T, ...]}: qkv, or the hidden features of an MLP. */
  float[] wide;

  /** Attention before its projection, {@code [B, T, D]}. */
  float[] mixed;

  private float[] modulated;

  /**
   * Receives what the way back needs of a branch: the slopes of its activation function, or what is
   * changed in place after. Null when nobody goes back.
   */
  float[] raw;

  /** Sees what a block's own tensors are, or null. */
  ForwardProbe probe;

  BlockWorkspace(TransformerConfig config, int batch, Workers workers, Scratch scratch) {
    this.workers = workers;
    this.scratch = scratch;
    attention =
        new Attention(config.tokens(), config.numHeads(), config.numKvHeads(), config.headDim());
    rows = Math.multiplyExact(batch, config.tokens());
    int qkv = (config.numHeads() + 2 * config.numKvHeads()) * config.headDim();
    wide = new float[Math.multiplyExact(rows, Math.max(qkv, config.mlpHidden()))];
    mixed = new float[Math.multiplyExact(rows, config.hiddenSize())];
    moments = LayerNorm.Moments.of(rows);
  }

  /** A branch's input {@code [B, T, D]}, for blocks that do not leave it to a layer. */
  float[] modulated() {
    if (modulated == null) {
      modulated = new float[mixed.length];
    }
    return modulated;
  }
}
