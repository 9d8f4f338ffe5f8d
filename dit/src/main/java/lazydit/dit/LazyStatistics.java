package lazydit.dit;

import java.util.Arrays;

/**
 * What was computed and what was reused in a run, for every step, block, branch and sample. Steps
 * are indices of the respaced schedule: the first one sampled is {@code steps() - 1}.
 *
 * <p>Owned by its run, which writes it; read it between forward passes.
 */
public final class LazyStatistics {
  private static final int BRANCHES = Branch.values().length;

  private final int steps;
  private final int depth;
  private int batch;
  private final boolean[] done;
  private final boolean[] gated;
  private final boolean[] reused;
  private final float[] logits;

  LazyStatistics(int steps, int depth, int batch) {
    this.steps = steps;
    this.depth = depth;
    this.batch = batch;
    int places = Math.multiplyExact(Math.multiplyExact(steps, depth), BRANCHES);
    done = new boolean[steps];
    gated = new boolean[places];
    reused = new boolean[Math.multiplyExact(places, batch)];
    logits = new float[reused.length];
  }

  private int place(int step, int block, Branch branch) {
    return (step * depth + block) * BRANCHES + branch.ordinal();
  }

  private int at(int step, int block, Branch branch, int sample) {
    return place(step, block, branch) * batch + sample;
  }

  void recordLogit(int step, int block, Branch branch, int sample, float logit) {
    gated[place(step, block, branch)] = true;
    logits[at(step, block, branch, sample)] = logit;
  }

  void recordDecision(int step, int block, Branch branch, int sample, boolean reuse) {
    reused[at(step, block, branch, sample)] = reuse;
  }

  void recordStep(int step) {
    done[step] = true;
  }

  /** Begins anew with another number of samples, at most as many as there is room for. */
  void clear(int batch) {
    this.batch = batch;
    Arrays.fill(done, false);
    Arrays.fill(gated, false);
    Arrays.fill(reused, false);
    Arrays.fill(logits, 0);
  }

  /** {@return S, steps of the schedule} */
  public int steps() {
    return steps;
  }

  /** {@return L, blocks of the network} */
  public int depth() {
    return depth;
  }

  /** {@return B, rows of the batch, null rows of guidance included} */
  public int batch() {
    return batch;
  }

  /**
   * Says whether a step has been taken.
   *
   * @param step which step
   * @return whether a forward pass at it has been completed
   */
  public boolean evaluated(int step) {
    return done[step];
  }

  /**
   * Says whether a gate was evaluated.
   *
   * @param step which step
   * @param block which block
   * @param branch which branch
   * @return false at the first step of a run, and where the policy has no gate
   */
  public boolean gated(int step, int block, Branch branch) {
    return gated[place(step, block, branch)];
  }

  /**
   * Tells a decision.
   *
   * @param step which step
   * @param block which block
   * @param branch which branch
   * @param sample row of the batch
   * @return true where the output was reused, false where it was computed
   */
  public boolean reused(int step, int block, Branch branch, int sample) {
    return reused[at(step, block, branch, sample)];
  }

  /**
   * The sum behind a score.
   *
   * @param step which step
   * @param block which block
   * @param branch which branch
   * @param sample row of the batch
   * @return the sum over tokens and features of {@code Z * w}; 0 where no gate was evaluated
   */
  public float logit(int step, int block, Branch branch, int sample) {
    return logits[at(step, block, branch, sample)];
  }

  /**
   * The score of a gate.
   *
   * @param step which step
   * @param block which block
   * @param branch which branch
   * @param sample row of the batch
   * @return between 0 and 1; NaN where no gate was evaluated
   */
  public float score(int step, int block, Branch branch, int sample) {
    return gated(step, block, branch) ? score(logits[at(step, block, branch, sample)]) : Float.NaN;
  }

  static float score(float logit) {
    return (float) (1 / (1 + Math.exp(-logit)));
  }

  /**
   * Counts reuses.
   *
   * @param branch which branch
   * @return evaluations of it, over all steps, blocks and samples, that were reused
   */
  public long reused(Branch branch) {
    long count = 0;
    for (int place = branch.ordinal(); place < gated.length; place += BRANCHES) {
      for (int sample = 0; sample < batch; sample++) {
        count += reused[place * batch + sample] ? 1 : 0;
      }
    }
    return count;
  }

  /**
   * Counts evaluations, computed or reused, in the steps taken so far.
   *
   * @param branch which branch
   * @return steps * L * B
   */
  public long evaluations(Branch branch) {
    long taken = 0;
    for (boolean step : done) {
      taken += step ? 1 : 0;
    }
    return taken * depth * batch;
  }

  /**
   * The lazy ratio of a branch.
   *
   * @param branch which branch
   * @return reused evaluations among all, the first step's included; 0 before any step
   */
  public double ratio(Branch branch) {
    long all = evaluations(branch);
    return all == 0 ? 0 : (double) reused(branch) / all;
  }

  /** {@return the lazy ratio of both branches together} */
  public double ratio() {
    return (ratio(Branch.ATTN) + ratio(Branch.MLP)) / 2;
  }
}
