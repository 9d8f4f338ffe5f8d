package lazydit.sampler;

import java.util.Arrays;
import lazydit.dit.Branch;
import lazydit.dit.LazyStatistics;

/**
 * How much of a whole run was reused instead of computed, over all its batches.
 *
 * <p>An evaluation is one module (attention or MLP) of one block at one step for one row; under
 * guidance every picture has two rows. Not changed any more once the run is over, and then safe for
 * use by many threads.
 */
public final class LazySummary {
  private final int steps;
  private final int depth;
  private final long[][] reused;
  private long rows;

  LazySummary(int steps, int depth) {
    this.steps = steps;
    this.depth = depth;
    reused = new long[Branch.values().length][steps * depth];
  }

  /** Counts one batch. */
  void add(LazyStatistics batch) {
    rows += batch.batch();
    for (Branch branch : Branch.values()) {
      for (int step = 0; step < steps; step++) {
        for (int block = 0; block < depth; block++) {
          reused[branch.ordinal()][step * depth + block] += reused(batch, step, block, branch);
        }
      }
    }
  }

  /**
   * {@return the summary of this run and another of the same network and number of steps}
   *
   * @param other the other run
   * @throws IllegalArgumentException when the steps or the blocks are not as many
   */
  public LazySummary plus(LazySummary other) {
    if (steps != other.steps || depth != other.depth) {
      throw new IllegalArgumentException("Runs of different steps or networks do not add up.");
    }
    LazySummary sum = new LazySummary(steps, depth);
    sum.rows = rows + other.rows;
    for (Branch branch : Branch.values()) {
      int b = branch.ordinal();
      Arrays.setAll(sum.reused[b], i -> reused[b][i] + other.reused[b][i]);
    }
    return sum;
  }

  private static int reused(LazyStatistics batch, int step, int block, Branch branch) {
    int count = 0;
    for (int row = 0; row < batch.batch(); row++) {
      if (batch.reused(step, block, branch, row)) {
        count++;
      }
    }
    return count;
  }

  /** {@return S, the number of steps} */
  public int steps() {
    return steps;
  }

  /** {@return L, the number of blocks} */
  public int depth() {
    return depth;
  }

  /** {@return the number of rows that went through the network at each step} */
  public long rows() {
    return rows;
  }

  /** {@return evaluations of one kind of module, reused or computed} */
  public long evaluations() {
    return rows * steps * depth;
  }

  /**
   * {@return how many evaluations were reused}
   *
   * @param branch the kind of module
   */
  public long reused(Branch branch) {
    long sum = 0;
    for (long count : reused[branch.ordinal()]) {
      sum += count;
    }
    return sum;
  }

  /**
   * {@return the share of rows that reused a module at a step, 0 to 1}
   *
   * @param step 0 (least noise, the last one taken) to {@code steps() - 1}
   * @param block 0 to {@code depth() - 1}
   * @param branch the kind of module
   */
  public double share(int step, int block, Branch branch) {
    return (double) reused[branch.ordinal()][step * depth + block] / rows;
  }

  /**
   * {@return the lazy ratio of one kind of module: reused evaluations of all, the first step
   * counted, 0 to 1}
   *
   * @param branch the kind of module
   */
  public double ratio(Branch branch) {
    return (double) reused(branch) / evaluations();
  }

  /** {@return the lazy ratio of all modules together} */
  public double ratio() {
    return (double) (reused(Branch.ATTN) + reused(Branch.MLP)) / (2 * evaluations());
  }
}
