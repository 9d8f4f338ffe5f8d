package lazydit.sampler.learning;

import java.util.Arrays;
import lazydit.dit.Branch;
import lazydit.dit.CachePolicy;
import lazydit.dit.OutputCache;
import lazydit.dit.TransformerConfig;

/**
 * Where a run reuses, the same for every picture: a decision for each step, block and branch, and
 * for each half of guidance, the rows with a label and those with the null label. Nothing is reused
 * at the first step of sampling.
 *
 * <p>Places are numbered {@code [S, L, 2, H]}, so that the same place one step earlier in sampling
 * is {@link #perStep} further on.
 */
final class Decisions {
  private static final int BRANCHES = Branch.values().length;

  private final int steps;
  private final int depth;
  private final int halves;
  private final boolean[] reused;

  /** Decisions to compute everything. */
  Decisions(int steps, int depth, int halves) {
    this(steps, depth, halves, new boolean[steps * depth * BRANCHES * halves]);
  }

  private Decisions(int steps, int depth, int halves, boolean[] reused) {
    this.steps = steps;
    this.depth = depth;
    this.halves = halves;
    this.reused = reused;
  }

  /** Decisions as {@link #toBytes} has written them. */
  static Decisions of(int steps, int depth, int halves, byte[] bytes) {
    Decisions decisions = new Decisions(steps, depth, halves);
    for (int place = 0; place < decisions.reused.length; place++) {
      decisions.reused[place] = bytes[place] != 0;
    }
    return decisions;
  }

  byte[] toBytes() {
    byte[] bytes = new byte[reused.length];
    for (int place = 0; place < bytes.length; place++) {
      bytes[place] = (byte) (reused[place] ? 1 : 0);
    }
    return bytes;
  }

  int steps() {
    return steps;
  }

  int depth() {
    return depth;
  }

  int halves() {
    return halves;
  }

  /** All places, those of the first step included. */
  int places() {
    return reused.length;
  }

  /** Places of one step. */
  int perStep() {
    return depth * BRANCHES * halves;
  }

  int place(int step, int block, Branch branch, int half) {
    return ((step * depth + block) * BRANCHES + branch.ordinal()) * halves + half;
  }

  Branch branch(int place) {
    return Branch.values()[place / halves % BRANCHES];
  }

  boolean reused(int place) {
    return reused[place];
  }

  /** Changes one decision. */
  void flip(int place) {
    reused[place] = !reused[place];
  }

  Decisions copy() {
    return new Decisions(steps, depth, halves, reused.clone());
  }

  /** How many decisions of a branch are to reuse. */
  int count(Branch branch) {
    int count = 0;
    for (int place = 0; place < reused.length; place++) {
      count += reused[place] && branch(place) == branch ? 1 : 0;
    }
    return count;
  }

  /** The lazy ratio of a branch. */
  double ratio(Branch branch) {
    return count(branch) / (double) (reused.length / BRANCHES);
  }

  /** How many decisions are others. */
  int differences(Decisions others) {
    int count = 0;
    for (int place = 0; place < reused.length; place++) {
      count += reused[place] == others.reused[place] ? 0 : 1;
    }
    return count;
  }

  /** How many steps ago each output that is used was computed; 0 where it is computed. */
  int[] ages() {
    int[] ages = new int[reused.length];
    for (int place = ages.length - 1 - perStep(); place >= 0; place--) {
      ages[place] = reused[place] ? ages[place + perStep()] + 1 : 0;
    }
    return ages;
  }

  /**
   * The decisions as a policy.
   *
   * @param pictures of a batch; with guidance it has twice as many rows
   */
  CachePolicy policy(int pictures) {
    return new CachePolicy() {
      @Override
      public Gate gate(int step, int block, Branch branch) {
        return null;
      }

      @Override
      public boolean reuse(int step, int block, Branch branch, int sample, float score) {
        return reused[place(step, block, branch, sample / pictures)];
      }

      @Override
      public OutputCache newCache(TransformerConfig config, int batch) {
        return OutputCache.last(config, batch);
      }
    };
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Decisions d && halves == d.halves && Arrays.equals(reused, d.reused);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(reused);
  }
}
