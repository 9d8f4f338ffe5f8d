package lazydit.dit;

/** The two branches of a block, each of which may be computed or reused. */
public enum Branch {
  /** Multi-head self-attention. */
  ATTN,
  /** The feed-forward network. */
  MLP;

  /** {@return the branch's name in checkpoints and reports} */
  public String label() {
    return this == ATTN ? "attn" : "mlp";
  }
}
