package lazydit.dit;

import java.util.Arrays;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;

/**
 * The way back through the blending of a branch, {@code used = weight * y + (1 - weight) * old}
 * with a weight that follows the gate's score s = sigmoid(sum of z * w):
 *
 * <pre>
 * ds = dUsed . (y - old) + what the loss says of s itself
 * dOld = (1 - weight) * dUsed,   dy = weight * dUsed
 * dlogit = ds * s * (1 - s),   dw += dlogit * sum over tokens of z,   dz += dlogit * w
 * </pre>
 *
 * <p>Where the weight is the score this is its derivative; where it is a decision, 0 or 1, the
 * decision passes for the score (straight-through, Bengio et al. 2013).
 */
final class GateBackward {
  private final Workers workers;
  private final TransformerConfig config;
  private final Parameters gates;
  private final int length;
  private final float[] dLogits;

  // Of the pass.
  private float[] dScores;
  private BranchOutputs dNext;
  private BranchOutputs dPrevious;
  private BranchOutputs dUsed;

  GateBackward(Workers workers, TransformerConfig config, int batch, Parameters gates) {
    this.workers = workers;
    this.config = config;
    this.gates = gates;
    length = config.tokens() * config.hiddenSize();
    dLogits = new float[batch];
  }

  /**
   * Says what else is known of a pass.
   *
   * @param dScores the gradient of the scores, {@code [L, 2, B]}, or null
   * @param dNext the gradient of the outputs used, or null
   * @param dPrevious is added to; or null
   * @param dUsed receives the gradient of the outputs used, as far as it comes from this pass
   *     alone; or null
   */
  void begin(float[] dScores, BranchOutputs dNext, BranchOutputs dPrevious, BranchOutputs dUsed) {
    this.dScores = dScores;
    this.dNext = dNext;
    this.dPrevious = dPrevious;
    this.dUsed = dUsed;
  }

  /** From the gradient of what was used, in place, to that of what was computed. */
  void output(int block, Branch branch, Tape.Entry entry, float[] dy) {
    float[] used = dUsed == null ? null : dUsed.of(block, branch);
    float[] later = dNext == null ? null : dNext.of(block, branch);
    Tape.Blend blend = entry.blend;
    float[] earlier = blend == null || dPrevious == null ? null : dPrevious.of(block, branch);
    int place = (block * Branch.values().length + branch.ordinal()) * dLogits.length;
    workers.forEach(
        dLogits.length,
        (worker, from, to) -> {
          for (int sample = from; sample < to; sample++) {
            int at = sample * length;
            if (used != null) {
              System.arraycopy(dy, at, used, at, length);
            }
            if (later != null) {
              for (int i = at; i < at + length; i++) {
                dy[i] += later[i];
              }
            }
            if (blend != null) {
              double ds = dScores == null ? 0 : dScores[place + sample];
              ds += difference(dy, entry.y, blend.old(), at);
              float s = blend.scores()[sample];
              dLogits[sample] = (float) (ds * s * (1 - s));
              share(dy, at, blend.weights()[sample], earlier);
            }
          }
        });
  }

  /** dUsed . (y - old): the difference first, for the two are close. */
  private double difference(float[] dy, float[] y, float[] old, int at) {
    double sum = 0;
    for (int i = at; i < at + length; i++) {
      sum += dy[i] * (double) (y[i] - old[i]);
    }
    return sum;
  }

  private void share(float[] dy, int at, float weight, float[] earlier) {
    if (earlier != null) {
      for (int i = at; i < at + length; i++) {
        earlier[i] += (1 - weight) * dy[i];
      }
    }
    for (int i = at; i < at + length; i++) {
      dy[i] *= weight;
    }
  }

  /** Through the score to the gate, and to the branch's input. */
  void input(Tape.Entry entry, float[] dz) {
    if (entry.blend == null) {
      return;
    }
    CachePolicy.Gate gate = entry.blend.gate();
    int hidden = config.hiddenSize();
    int tokens = config.tokens();
    float[] w = gate.weights();
    workers.forEach(
        dLogits.length * tokens,
        (worker, from, to) -> {
          for (int row = from; row < to; row++) {
            float factor = dLogits[row / tokens];
            for (int i = 0; i < hidden; i++) {
              dz[row * hidden + i] += factor * w[gate.offset() + i];
            }
          }
        });
    workers.forEach(hidden, (worker, from, to) -> addToGate(entry.z, gate.offset(), from, to));
  }

  /** dw += dlogit * z over all rows, for some features. */
  private void addToGate(float[] z, int offset, int from, int to) {
    int hidden = config.hiddenSize();
    double[] sums = new double[to - from];
    for (int row = 0; row < z.length / hidden; row++) {
      double factor = dLogits[row / config.tokens()];
      for (int i = from; i < to; i++) {
        sums[i - from] += factor * z[row * hidden + i];
      }
    }
    float[] gradients = gates.gradients();
    for (int i = from; i < to; i++) {
      gradients[offset + i] += (float) sums[i - from];
    }
  }

  /** Forgets the pass. */
  void end() {
    Arrays.fill(dLogits, 0);
    begin(null, null, null, null);
  }
}
