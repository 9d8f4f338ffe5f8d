package lazydit.sampler;

import lazydit.dit.Branch;
import lazydit.dit.DitConfig;

/**
 * The multiply-adds in the matrix products of a DiT, for one row and one step. Everything else
 * (norms, softmax, activations, gates) is linear in the number of features and not counted.
 *
 * @param attn attention of one block: q, k, v and output projections, scores and weighted sum
 * @param mlp the MLP of one block
 * @param rest embeddings, modulations of all blocks, and the final layer, which nothing reuses
 * @param depth L, the number of blocks
 */
record MultiplyAdds(long attn, long mlp, long rest, int depth) {
  private static final int TIMESTEP_FEATURES = 256;

  static MultiplyAdds of(DitConfig config) {
    long tokens = config.tokens();
    long width = config.hiddenSize();
    long square = width * width;
    long patch = (long) config.patchSize() * config.patchSize();
    long attn = 4 * tokens * square + 2 * tokens * tokens * width;
    long mlp = 2 * tokens * width * config.mlpHidden();
    long embed = tokens * patch * config.inChannels() * width + TIMESTEP_FEATURES * width + square;
    long modulations = (6L * config.depth() + 2) * square;
    long last = tokens * width * patch * config.outChannels();
    return new MultiplyAdds(attn, mlp, embed + modulations + last, config.depth());
  }

  /** All of one row's step. */
  long total() {
    return depth * (attn + mlp) + rest;
  }

  /** The share of a run's multiply-adds that were not done because their results were reused. */
  double savedShare(LazySummary lazy) {
    double saved = (double) lazy.reused(Branch.ATTN) * attn + (double) lazy.reused(Branch.MLP) * mlp;
    return saved / ((double) lazy.rows() * lazy.steps() * total());
  }
}
