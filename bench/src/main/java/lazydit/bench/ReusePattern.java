package lazydit.bench;

import lazydit.dit.Branch;
import lazydit.dit.CachePolicy;
import lazydit.dit.DitConfig;
import lazydit.dit.LazyGates;
import lazydit.dit.OutputCache;
import lazydit.dit.TransformerConfig;

/**
 * Reuses a given share of the modules, spread evenly over blocks, branches and samples, whatever
 * the gates say; the gates are evaluated all the same.
 */
final class ReusePattern implements CachePolicy {
  private final DitConfig config;
  private final double ratio;
  private final Gate gate;

  ReusePattern(DitConfig config, double ratio) {
    this.config = config;
    this.ratio = ratio;
    gate = new Gate(new float[config.hiddenSize()], 0);
  }

  @Override
  public Gate gate(int step, int block, Branch branch) {
    return gate;
  }

  @Override
  public boolean reuse(int step, int block, Branch branch, int sample, float score) {
    int module = (branch.ordinal() * ForwardWork.BATCH + sample) * config.depth() + block;
    return Math.round((module + 1) * ratio) > Math.round(module * ratio);
  }

  /** The share that is reused in a network of this depth. */
  double share() {
    int modules = Branch.values().length * ForwardWork.BATCH * config.depth();
    return (double) Math.round(modules * ratio) / modules;
  }

  @Override
  public OutputCache newCache(TransformerConfig config, int batch) {
    return neverReusing(config).newCache(config, batch);
  }

  /** Gates that are evaluated and compute everything. */
  static LazyGates neverReusing(TransformerConfig config) {
    int steps = ForwardWork.STEPS;
    float[] zeros = new float[steps * config.depth() * config.hiddenSize()];
    return new LazyGates(steps, config.depth(), config.hiddenSize(), zeros, zeros, 0.5f, 0.5f);
  }
}
