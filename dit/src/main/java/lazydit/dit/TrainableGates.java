package lazydit.dit;

import java.util.LinkedHashMap;
import java.util.Map;
import lazydit.engine.LazyDitException;
import lazydit.engine.Parameters;

/**
 * Lazy gates that learn: a vector w {@code [D]} for every step, block and branch, each a tensor of
 * its own under its name in the authors' gate files, so that an optimiser counts the steps of each.
 * They begin at zero, where everything is computed.
 *
 * <p>Not safe for concurrent use.
 */
public final class TrainableGates {
  private static final int BRANCHES = Branch.values().length;

  private final int steps;
  private final int depth;
  private final int hiddenSize;
  private final Parameters parameters;

  /**
   * Gates of zeros.
   *
   * @param steps S, steps of the schedule that they are for
   * @param depth L, blocks of the network
   * @param hiddenSize D, features of a token
   * @throws LazyDitException when they are more than an array holds
   */
  public TrainableGates(int steps, int depth, int hiddenSize) {
    this.steps = steps;
    this.depth = depth;
    this.hiddenSize = hiddenSize;
    Map<String, long[]> shapes = new LinkedHashMap<>();
    for (int step = 0; step < steps; step++) {
      for (int block = 0; block < depth; block++) {
        for (Branch branch : Branch.values()) {
          shapes.put(name(step, block, branch), new long[] {1, hiddenSize});
        }
      }
    }
    parameters = Parameters.of(shapes);
  }

  /**
   * A gate's name in the authors' files.
   *
   * @param step which step
   * @param block which block
   * @param branch which branch
   * @return such as {@code block_3_attn_lazy_learning_weight_7}
   */
  public static String name(int step, int block, Branch branch) {
    return "block_%d_%s_lazy_learning_weight_%d".formatted(block, branch.label(), step);
  }

  /** {@return the numbers: values {@code [S, L, 2, D]}, attention before the MLP} */
  public Parameters parameters() {
    return parameters;
  }

  /** {@return S, steps of the schedule} */
  public int steps() {
    return steps;
  }

  /**
   * Where a gate lies.
   *
   * @param step which step
   * @param block which block
   * @param branch which branch
   * @return its first element in the arrays of the parameters
   */
  public int offset(int step, int block, Branch branch) {
    return ((step * depth + block) * BRANCHES + branch.ordinal()) * hiddenSize;
  }

  /**
   * The gates as they are now, for sampling.
   *
   * @param attnThreshold attention is reused below it
   * @param mlpThreshold the feed-forward network is reused below it
   * @return a copy
   */
  public LazyGates toLazyGates(float attnThreshold, float mlpThreshold) {
    return new LazyGates(
        steps, depth, hiddenSize, copy(Branch.ATTN), copy(Branch.MLP), attnThreshold, mlpThreshold);
  }

  private float[] copy(Branch branch) {
    float[] gates = new float[parameters.size() / BRANCHES];
    for (int i = 0; i < steps * depth; i++) {
      int from = (i * BRANCHES + branch.ordinal()) * hiddenSize;
      System.arraycopy(parameters.values(), from, gates, i * hiddenSize, hiddenSize);
    }
    return gates;
  }

  void requireFit(TransformerConfig config) {
    if (config.depth() != depth || config.hiddenSize() != hiddenSize) {
      throw new LazyDitException(
          "The gates are for %d blocks of %d features, but the network has %d of %d."
              .formatted(depth, hiddenSize, config.depth(), config.hiddenSize()));
    }
  }
}
