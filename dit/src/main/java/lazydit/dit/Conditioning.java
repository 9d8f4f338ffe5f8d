package lazydit.dit;

import java.util.Arrays;
import lazydit.engine.Activations;
import lazydit.engine.Epilogue;
import lazydit.engine.LinearGradient;
import lazydit.engine.Parameters;
import lazydit.engine.PerGroup;
import lazydit.engine.Residual;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
import lazydit.engine.Workers;

/**
 * Shift, scale and gate of every block for the samples of a run: adaLN applied to the embeddings of
 * timestep and label.
 *
 * <p>They depend on nothing that sampling computes, so they are made for many steps in one product
 * each, before those steps, which then no longer read that third of the parameters. Samples with
 * the same label share a row.
 */
final class Conditioning {
  /** Bytes of vectors held at a time: 20 steps of DiT-XL/2 for one label and null. */
  private static final long BUDGET = 32L << 20;

  private final Dit dit;
  private final Workers workers;
  private final Scratch scratch;
  private final int hidden;
  private final float[] timesteps;
  private final int[] labels;
  private final int[] labelOf;
  private final int chunk;
  private final float[][] blocks;
  private final float[] last;
  private final int[] blockOffsets;
  private final int[] lastOffsets;

  /** The embeddings, and silu of them, as they were computed last. */
  private Dit.Embedding embedding;

  private float[] active;

  /** The first step at hand, or -1. */
  private int first = -1;

  /**
   * Vectors for a schedule in which every sample meets every timestep.
   *
   * @param before no longer needed, whose memory is taken over where it has the same size; or null
   */
  Conditioning(
      Dit dit,
      Workers workers,
      Scratch scratch,
      float[] timesteps,
      int[] labels,
      Conditioning before) {
    this(dit, workers, scratch, timesteps, labels, before, BUDGET);
  }

  /** The same with at most so many bytes of vectors at a time, or else one step's. */
  Conditioning(
      Dit dit,
      Workers workers,
      Scratch scratch,
      float[] timesteps,
      int[] labels,
      Conditioning before,
      long budget) {
    this.dit = dit;
    this.workers = workers;
    this.scratch = scratch;
    this.timesteps = timesteps.clone();
    this.labels = Arrays.stream(labels).sorted().distinct().toArray();
    labelOf = Arrays.stream(labels).map(y -> Arrays.binarySearch(this.labels, y)).toArray();
    hidden = dit.config().hiddenSize();
    int depth = dit.config().depth();
    long vectors = Block.VECTORS * depth + 2L;
    long stepBytes = vectors * hidden * Float.BYTES * this.labels.length;
    chunk = Math.clamp(budget / stepBytes, 1, timesteps.length);
    int rows = chunk * this.labels.length;
    boolean fits = before != null && before.last.length == rows * 2 * hidden;
    blocks = fits ? before.blocks : new float[depth][rows * Block.VECTORS * hidden];
    last = fits ? before.last : new float[rows * 2 * hidden];
    blockOffsets = new int[labels.length];
    lastOffsets = new int[labels.length];
  }

  int samples() {
    return labelOf.length;
  }

  /** Points at a step, computing the steps around it when it is not at hand. */
  void moveTo(int step) {
    if (first < 0 || step < first || step >= first + chunk) {
      // Sampling runs towards 0, so these steps end with this one.
      first = Math.max(0, step - chunk + 1);
      computeSteps();
    }
    for (int sample = 0; sample < labelOf.length; sample++) {
      pointAt(sample, (step - first) * labels.length + labelOf[sample]);
    }
  }

  private void computeSteps() {
    int rows = chunk * labels.length;
    float[] t = new float[rows];
    int[] y = new int[rows];
    for (int row = 0; row < rows; row++) {
      t[row] = timesteps[first + row / labels.length];
      y[row] = labels[row % labels.length];
    }
    compute(t, y, null);
  }

  /** Vectors for samples that each have a timestep of their own. */
  static Conditioning individual(
      Dit dit,
      Workers workers,
      Scratch scratch,
      float[] t,
      int[] y,
      Conditioning before,
      ForwardProbe probe) {
    // One step for as many labels as samples: a row each.
    int[] places = new int[t.length];
    Arrays.setAll(places, i -> i);
    Conditioning rows = new Conditioning(dit, workers, scratch, new float[1], places, before);
    rows.compute(t, y, probe);
    for (int sample = 0; sample < t.length; sample++) {
      rows.pointAt(sample, sample);
    }
    return rows;
  }

  private void pointAt(int sample, int row) {
    blockOffsets[sample] = row * Block.VECTORS * hidden;
    lastOffsets[sample] = row * 2 * hidden;
  }

  private void compute(float[] t, int[] y, ForwardProbe probe) {
    Rows rows = Rows.all(t.length);
    embedding = dit.embed(workers, scratch, t, y, probe);
    float[] c = new float[embedding.values().length];
    Activations.silu(embedding.values(), c);
    active = c;
    for (int i = 0; i < blocks.length; i++) {
      dit.block(i).adaLn().apply(workers, scratch, c, rows, new Epilogue.Store(blocks[i]));
      if (probe != null) {
        long width = (long) Block.VECTORS * hidden;
        probe.observe(dit.block(i).name() + ".adaLN_modulation", blocks[i], 0, t.length, width);
      }
    }
    dit.finalModulation().apply(workers, scratch, c, rows, new Epilogue.Store(last));
  }

  /** The six vectors of a block, one after the other, for every token's row. */
  PerGroup block(int index) {
    return new PerGroup(blocks[index], blockOffsets, 0, dit.config().tokens());
  }

  /** Shift and scale of the final layer. */
  PerGroup last() {
    return new PerGroup(last, lastOffsets, 0, dit.config().tokens());
  }

  /**
   * The way back for samples that each have a timestep of their own: adds to the gradients of all
   * layers that the vectors come from, and of the labels' embeddings.
   *
   * @param gradients the network's
   * @param y the labels
   * @param dBlocks the gradients of the blocks' vectors, {@code [L][B, 6D]}
   * @param dLast the gradient of the final layer's, {@code [B, 2D]}
   */
  void backward(Gradients gradients, int[] y, float[][] dBlocks, float[] dLast) {
    int n = y.length;
    float[] sum = new float[active.length];
    float[] dc = new float[active.length];
    backward(gradients.of(dit.finalModulation()), dLast, n, sum);
    for (int i = 0; i < dBlocks.length; i++) {
      backward(gradients.of(dit.block(i).adaLn()), dBlocks[i], n, dc);
      Residual.addRepeated(workers, sum, n, dit.config().conditioningSize(), dc);
    }
    Activations.siluGradient(embedding.values(), sum, dc);
    addLabels(gradients.parameters(), y, dc);
    LinearGradient out = gradients.of(dit.timestepOut());
    float[] dHidden = new float[dc.length];
    out.weights(workers, scratch, embedding.hidden(), dc, n);
    out.input(workers, scratch, dc, n, dHidden);
    Activations.siluGradient(embedding.raw(), dHidden, dHidden);
    LinearGradient in = gradients.of(dit.timestepIn());
    in.weights(workers, scratch, embedding.waves(), dHidden, n);
  }

  private void backward(LinearGradient layer, float[] dVectors, int n, float[] dActive) {
    layer.weights(workers, scratch, active, dVectors, n);
    layer.input(workers, scratch, dVectors, n, dActive);
  }

  private void addLabels(Parameters parameters, int[] y, float[] dc) {
    int width = dit.config().conditioningSize();
    int table = parameters.get(Dit.LABEL_TABLE).offset();
    float[] sums = parameters.gradients();
    for (int sample = 0; sample < y.length; sample++) {
      for (int i = 0; i < width; i++) {
        sums[table + y[sample] * width + i] += dc[sample * width + i];
      }
    }
  }
}
