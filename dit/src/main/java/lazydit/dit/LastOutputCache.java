package lazydit.dit;

import java.util.Arrays;

/**
 * Reuses the last computed output as it is (LazyDiT). Outputs are written where they are reused
 * from, so that keeping them costs one store and reusing them no copy.
 */
final class LastOutputCache implements OutputCache {
  private final float[][] outputs;
  private final boolean[] present;
  private final int batch;
  private final int outputLength;

  LastOutputCache(TransformerConfig config, int batch) {
    this.batch = batch;
    outputLength = Math.multiplyExact(batch, config.tokens() * config.hiddenSize());
    int places = config.depth() * Branch.values().length;
    outputs = new float[places][];
    present = new boolean[places * batch];
  }

  private static int place(int block, Branch branch) {
    return block * Branch.values().length + branch.ordinal();
  }

  @Override
  public float[] target(int block, Branch branch) {
    int place = place(block, branch);
    if (outputs[place] == null) {
      outputs[place] = new float[outputLength];
    }
    return outputs[place];
  }

  @Override
  public void computed(int step, int block, Branch branch, int sample) {
    present[place(block, branch) * batch + sample] = true;
  }

  @Override
  public boolean has(int block, Branch branch, int sample) {
    return present[place(block, branch) * batch + sample];
  }

  @Override
  public float[] substitute(int step, int block, Branch branch) {
    return target(block, branch);
  }

  @Override
  public void clear() {
    Arrays.fill(present, false);
  }
}
