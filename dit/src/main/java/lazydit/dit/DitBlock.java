package lazydit.dit;

import lazydit.engine.Linear;

/**
 * The weights of one adaLN-Zero block, under their names in the checkpoint.
 *
 * @param adaLn from the conditioning to shift, scale and gate of both branches, {@code [6D, D]}
 * @param qkv to queries, keys and values, {@code [3D, D]}
 * @param proj out of attention, {@code [D, D]}
 * @param fc1 into the feed-forward network, {@code [M, D]}
 * @param fc2 out of it, {@code [D, M]}
 */
record DitBlock(Linear adaLn, Linear qkv, Linear proj, Linear fc1, Linear fc2) {
  // The six vectors that adaLN gives a sample, in the checkpoint's order, in units of D.
  static final int SHIFT = 0;
  static final int SCALE = 1;
  static final int GATE = 2;
  static final int VECTORS_PER_BRANCH = 3;
  static final int VECTORS = 6;

  static DitBlock load(Weights weights, DitConfig config, int index) {
    String name = "blocks." + index + ".";
    int d = config.hiddenSize();
    int m = config.mlpHidden();
    return new DitBlock(
        weights.linear(name + "adaLN_modulation.1", VECTORS * d, d),
        weights.linear(name + "attn.qkv", 3 * d, d),
        weights.linear(name + "attn.proj", d, d),
        weights.linear(name + "mlp.fc1", m, d),
        weights.linear(name + "mlp.fc2", d, m));
  }
}
