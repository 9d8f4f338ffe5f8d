package lazydit.dit;

import lazydit.engine.Attention;
import lazydit.engine.Scratch;
import lazydit.engine.Workers;

/** What the blocks of a run compute with: threads and memory, used by one block after the other. */
final class BlockWorkspace {
  final Workers workers;
  final Scratch scratch;
  final Attention attention;
  final int rows;

  /** What a branch is on the way, {@code [B, T, ...]}: qkv, or the hidden features of an MLP. */
  final float[] wide;

  /** Attention before its projection, {@code [B, T, D]}. */
  final float[] mixed;

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
  }
}
