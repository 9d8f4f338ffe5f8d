package lazydit.sampler;

import java.util.Arrays;
import lazydit.dit.Branch;
import lazydit.dit.BranchOutputs;
import lazydit.dit.CachePolicy;
import lazydit.dit.DitRun;
import lazydit.dit.GateTrainingRun;
import lazydit.dit.TrainableDit;
import lazydit.dit.TrainableGates;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;

/**
 * The loss that LazyDiT's authors train gates with (arXiv 2412.12444, section 3.3), forth and back:
 * a pass at a step fills the caches, one DDIM step leads to the next, and there the network's own
 * output is compared with the one of the blended branches.
 *
 * <pre>
 * loss = mean((full - lazy)^2) + rho_attn * mean over samples of (sum over blocks of score_attn)
 *                              + rho_mlp  * the same of the MLPs
 * </pre>
 *
 * <p>Owned by one thread at a time.
 */
public final class LazyLearning {
  private static final int BRANCHES = Branch.values().length;

  private final TransformerConfig config;
  private final GaussianDiffusion diffusion;
  private final DdimSampler sampler;
  private final int batch;
  private final DitRun plain;
  private final GateTrainingRun lazy;
  private final BranchOutputs cached;
  private final BranchOutputs used;
  private final float[] first;
  private final float[] full;
  private final float[] blended;
  private final float[] xt;
  private final float[] xNext;
  private final float[] dOutput;

  /**
   * Sets up the passes.
   *
   * @param model the frozen network
   * @param gates the gates that learn
   * @param diffusion the process, respaced to the gates' steps
   * @param batch B, samples of a batch
   * @param workers who works
   * @throws LazyDitException when the gates are for another network or number of steps
   */
  public LazyLearning(
      TrainableDit model,
      TrainableGates gates,
      GaussianDiffusion diffusion,
      int batch,
      Workers workers) {
    if (gates.steps() != diffusion.schedule().steps()) {
      throw new LazyDitException(
          "The gates are for %d steps, but the schedule has %d."
              .formatted(gates.steps(), diffusion.schedule().steps()));
    }
    this.diffusion = diffusion;
    this.batch = batch;
    config = model.dit().config();
    sampler = new DdimSampler(diffusion, 0);
    plain = model.dit().newRun(batch, gates.steps(), CachePolicy.none(), workers);
    lazy = model.newRun(gates, batch, workers);
    cached = new BranchOutputs(config, batch);
    used = new BranchOutputs(config, batch);
    first = new float[batch * config.outputLength()];
    full = new float[first.length];
    blended = new float[first.length];
    dOutput = new float[first.length];
    xt = new float[batch * config.inputLength()];
    xNext = new float[xt.length];
  }

  /**
   * Runs the three passes.
   *
   * @param xStart clean samples, {@code [B, C, H, W]}
   * @param noise standard normal values, {@code [B, C, H, W]}
   * @param labels {@code [B]}, the null class where a label is dropped
   * @param index the step at which the caches are filled; the gates asked are those of the next,
   *     {@code index - 1}
   * @throws LazyDitException when there is no step after it
   */
  public void forward(float[] xStart, float[] noise, int[] labels, int index) {
    if (index < 1 || index >= diffusion.schedule().steps()) {
      throw new LazyDitException(
          "Gates are learned from step 1 to %d, not from step %d."
              .formatted(diffusion.schedule().steps() - 1, index));
    }
    for (int row = 0; row < batch; row++) {
      diffusion.qSample(index, row, xStart, noise, xt);
    }
    lazy.compute(xt, timesteps(index), labels, index, cached, first);
    System.arraycopy(xt, 0, xNext, 0, xt.length);
    sampler.step(index, xNext, first, null);
    float[] timesteps = timesteps(index - 1);
    plain.forward(xNext, timesteps, labels, index - 1, full);
    GateTrainingRun.Weight score = GateTrainingRun.Weight.SCORE;
    lazy.blend(xNext, timesteps, labels, index - 1, cached, score, used, blended);
  }

  private float[] timesteps(int index) {
    float[] timesteps = new float[batch];
    Arrays.fill(timesteps, diffusion.schedule().timestep(index));
    return timesteps;
  }

  /** {@return the noisy samples of the last pass, {@code [B, C, H, W]}: the array itself} */
  public float[] noisy() {
    return xt;
  }

  /** {@return the samples one step later, {@code [B, C, H, W]}: the array itself} */
  public float[] next() {
    return xNext;
  }

  /** {@return the network's output for the noisy samples, {@code [B, Cout, H, W]}} */
  public float[] firstOutput() {
    return first;
  }

  /** {@return the network's own output one step later, {@code [B, Cout, H, W]}} */
  public float[] fullOutput() {
    return full;
  }

  /** {@return the output of the blended branches there, {@code [B, Cout, H, W]}} */
  public float[] lazyOutput() {
    return blended;
  }

  /** {@return the mean squared difference of the two outputs for each sample, {@code [B]}} */
  public float[] difference() {
    int length = config.outputLength();
    float[] means = new float[batch];
    for (int sample = 0; sample < batch; sample++) {
      double sum = 0;
      for (int i = sample * length; i < (sample + 1) * length; i++) {
        double error = full[i] - (double) blended[i];
        sum += error * error;
      }
      means[sample] = (float) (sum / length);
    }
    return means;
  }

  /**
   * The scores of all gates asked.
   *
   * @param branch which branch
   * @return {@code [L, B]}
   */
  public float[] scores(Branch branch) {
    float[] scores = new float[config.depth() * batch];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = lazy.score(i / batch, branch, i % batch);
    }
    return scores;
  }

  /**
   * How much is computed.
   *
   * @param branch which branch
   * @return the mean over samples of the sum over blocks of the scores
   */
  public double computed(Branch branch) {
    double sum = 0;
    for (float score : scores(branch)) {
      sum += score;
    }
    return sum / batch;
  }

  /**
   * The loss of the last pass.
   *
   * @param attn rho_attn
   * @param mlp rho_mlp
   * @return the loss
   */
  public double loss(double attn, double mlp) {
    double sum = 0;
    for (float difference : difference()) {
      sum += difference;
    }
    return sum / batch + attn * computed(Branch.ATTN) + mlp * computed(Branch.MLP);
  }

  /**
   * Adds the gradient of the last pass's loss to the gates asked.
   *
   * @param attn rho_attn
   * @param mlp rho_mlp
   */
  public void backward(double attn, double mlp) {
    float[] dScores = new float[config.depth() * BRANCHES * batch];
    for (int i = 0; i < dScores.length; i++) {
      boolean ofAttention = i / batch % BRANCHES == Branch.ATTN.ordinal();
      dScores[i] = (float) ((ofAttention ? attn : mlp) / batch);
    }
    double factor = 2.0 / full.length;
    for (int i = 0; i < dOutput.length; i++) {
      dOutput[i] = (float) (factor * (blended[i] - (double) full[i]));
    }
    lazy.backward(dOutput, dScores, null, null, null, null);
  }
}
