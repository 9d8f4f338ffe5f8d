package lazydit.dit;

import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;

/**
 * Passes of a frozen network that train its lazy gates, forth and back. A pass computes every
 * branch and blends its output y with the one remembered from the step before:
 *
 * <pre>
 * used = weight * y + (1 - weight) * old,   weight = rule(sigmoid(sum of Z * w))
 * </pre>
 *
 * <p>Training in the manner of LazyDiT (arXiv 2412.12444, section 3.3) takes the score itself as
 * the weight; a decision, 0 or 1, instead lets the caches hold what sampling would really hold, and
 * passes the gradient straight through. What is used is remembered in {@code next}, which with
 * scores as weights is the paper's cache and with decisions the last output computed. Gradients
 * flow through the later blocks, and, if wanted, into the outputs remembered and into the input:
 * through a whole roll-out.
 *
 * <p>Owned by one thread at a time. The same bits for any number of threads.
 */
public final class GateTrainingRun {
  /** How much of a computed output counts, from 0 to 1, the rest being what is remembered. */
  @FunctionalInterface
  public interface Weight {
    /** The score itself. */
    Weight SCORE = (step, block, branch, sample, score) -> score;

    /**
     * Weighs an output.
     *
     * @param step index in the respaced schedule
     * @param block which block
     * @param branch which branch
     * @param sample row of the batch
     * @param score of the gate, "keep computing"
     * @return the share of the computed output
     */
    float of(int step, int block, Branch branch, int sample, float score);

    /**
     * The decision that sampling makes.
     *
     * @param attnThreshold attention is reused below it
     * @param mlpThreshold the feed-forward network is reused below it
     * @return 1 to compute, 0 to reuse
     */
    static Weight decision(float attnThreshold, float mlpThreshold) {
      return (step, block, branch, sample, score) ->
          score >= (branch == Branch.ATTN ? attnThreshold : mlpThreshold) ? 1 : 0;
    }
  }

  private final TransformerConfig config;
  private final TrainableGates gates;
  private final int batch;
  private final Tape tape;
  private final DitRun run;
  private final DitBackward back;
  private final GateBackward gateBack;
  private int step = -1;

  GateTrainingRun(Dit dit, Gradients gradients, TrainableGates gates, int batch, Workers workers) {
    config = dit.config();
    this.gates = gates;
    this.batch = batch;
    tape = new Tape(config, batch);
    run = new DitRun(dit, batch, gates.steps(), new Policy(gates), workers, tape);
    back = new DitBackward(dit, run, tape, batch, workers, gradients);
    gateBack = new GateBackward(workers, config, batch, gates.parameters());
  }

  /** Tells the executor which gates to ask; it decides nothing. */
  private record Policy(TrainableGates gates) implements CachePolicy {
    @Override
    public Gate gate(int step, int block, Branch branch) {
      return new Gate(gates.parameters().values(), gates.offset(step, block, branch));
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

  /**
   * Runs the network and computes everything.
   *
   * @param images {@code [B, C, H, W]}; only to be read
   * @param timesteps {@code [B]}, 0 to 999
   * @param labels {@code [B]}
   * @param step index in the respaced schedule
   * @param next receives the outputs of all branches, or null
   * @param out receives {@code [B, Cout, H, W]}
   * @throws LazyDitException when a length does not fit the run
   */
  public void compute(
      float[] images, float[] timesteps, int[] labels, int step, BranchOutputs next, float[] out) {
    requireFit(next);
    run.executor().blend(next == null ? null : new Blending(null, next, null));
    run.forward(images, timesteps, labels, step, out);
    this.step = step;
  }

  /**
   * Runs the network and blends.
   *
   * @param images {@code [B, C, H, W]}; only to be read
   * @param timesteps {@code [B]}, 0 to 999
   * @param labels {@code [B]}
   * @param step index in the respaced schedule: whose gates are asked
   * @param previous the outputs remembered; to be left as they are until the way back is taken
   * @param weight how much of the computed outputs counts
   * @param next receives the outputs used; not {@code previous}
   * @param out receives {@code [B, Cout, H, W]}
   * @throws LazyDitException when a length does not fit the run
   */
  public void blend(
      float[] images,
      float[] timesteps,
      int[] labels,
      int step,
      BranchOutputs previous,
      Weight weight,
      BranchOutputs next,
      float[] out) {
    requireFit(previous);
    requireFit(next);
    if (previous == next) {
      throw new LazyDitException("A pass cannot overwrite the outputs that it remembers.");
    }
    run.executor().blend(new Blending(previous, next, weight));
    run.forward(images, timesteps, labels, step, out);
    this.step = step;
  }

  private void requireFit(BranchOutputs outputs) {
    if (outputs != null) {
      outputs.requireFit(config, batch);
    }
  }

  /**
   * A gate's score in the last pass.
   *
   * @param block which block
   * @param branch which branch
   * @param sample row of the batch
   * @return between 0 and 1; NaN when nothing was blended
   */
  public float score(int block, Branch branch, int sample) {
    Tape.Blend blend = tape.at(block, branch).blend;
    return blend == null ? Float.NaN : blend.scores()[sample];
  }

  /**
   * A branch's input in the last pass: normalised and modulated, what gates look at.
   *
   * @param block which block
   * @param branch which branch
   * @return {@code [B, T, D]}: the array itself, only to be read, and until the next pass
   */
  public float[] input(int block, Branch branch) {
    return tape.at(block, branch).z;
  }

  /**
   * What a branch computed in the last pass, if that was one that blends; whether used or not.
   *
   * @param block which block
   * @param branch which branch
   * @return {@code [B, T, D]}: the array itself, only to be read, and until the next pass
   */
  public float[] output(int block, Branch branch) {
    return tape.at(block, branch).y;
  }

  /**
   * Adds to the gradients of the gates that the last pass has asked, and touches them.
   *
   * @param dOut the gradient of the pass's output, {@code [B, Cout, H, W]}; only to be read
   * @param dScores the gradient of the scores beside that, {@code [L, 2, B]}, attention before the
   *     MLP; or null
   * @param dNext the gradient of the outputs used, from a later step; or null
   * @param dPrevious is added to: the gradient of the outputs remembered; or null
   * @param dUsed receives the gradient of the outputs used, computed or remembered, as far as it
   *     comes from this pass alone, without {@code dNext}; or null
   * @param dImages receives the gradient of the input, {@code [B, C, H, W]}; or null
   * @throws IllegalStateException when there was no pass, or the way back from it was taken before
   */
  public void backward(
      float[] dOut,
      float[] dScores,
      BranchOutputs dNext,
      BranchOutputs dPrevious,
      BranchOutputs dUsed,
      float[] dImages) {
    if (step < 0) {
      throw new IllegalStateException("A pass comes before backward().");
    }
    requireFit(dNext);
    requireFit(dPrevious);
    requireFit(dUsed);
    gateBack.begin(dScores, dNext, dPrevious, dUsed);
    back.begin(dOut);
    back.blocks(gateBack);
    if (dImages != null) {
      back.images(dImages);
    }
    gateBack.end();
    touch();
    step = -1;
  }

  private void touch() {
    for (int block = 0; block < config.depth(); block++) {
      for (Branch branch : Branch.values()) {
        if (tape.at(block, branch).blend != null) {
          gates.parameters().touch(TrainableGates.name(step, block, branch));
        }
      }
    }
  }
}
