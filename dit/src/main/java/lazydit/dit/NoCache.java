package lazydit.dit;

/** Computes everything and keeps nothing. */
enum NoCache implements CachePolicy {
  INSTANCE;

  @Override
  public Gate gate(int step, int block, Branch branch) {
    return null;
  }

  @Override
  public boolean reuse(int step, int block, Branch branch, int sample, float score) {
    return false;
  }

  @Override
  public OutputCache newCache(TransformerConfig config, int batch) {
    return null;
  }
}
