package lazydit.sampler;

import lazydit.dit.Branch;
import lazydit.dit.TransformerConfig;

/**
 * The multiply-adds in the matrix products of a DiT. Everything else (norms, softmax, activations,
 * gates) is linear in the number of features and not counted.
 */
final class MultiplyAdds {
  private static final int TIMESTEP_FEATURES = 256;

  private MultiplyAdds() {}

  /** Those of a whole forward pass, for one row. */
  static long total(TransformerConfig config) {
    long tokens = config.tokens();
    long width = config.hiddenSize();
    long given = config.conditioningSize();
    long patch = (long) config.patchSize() * config.patchSize();
    long blocks =
        config.depth() * (config.multiplyAdds(Branch.ATTN) + config.multiplyAdds(Branch.MLP));
    long embedders =
        tokens * patch * config.inChannels() * width + TIMESTEP_FEATURES * given + given * given;
    long modulations = (6L * config.depth() + 2) * width * given;
    long last = tokens * width * patch * config.outChannels();
    return blocks + embedders + modulations + last;
  }

  /** The share of a run's multiply-adds that were not done because their results were reused. */
  static double savedShare(TransformerConfig config, LazySummary lazy) {
    double saved = 0;
    for (Branch branch : Branch.values()) {
      saved += (double) lazy.reused(branch) * config.multiplyAdds(branch);
    }
    return saved / ((double) lazy.rows() * lazy.steps() * total(config));
  }
}
