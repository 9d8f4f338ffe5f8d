package lazydit.dit;

import java.util.Arrays;
import lazydit.engine.LayerNormGradient;
import lazydit.engine.Linear;
import lazydit.engine.Patches;
import lazydit.engine.PerGroup;
import lazydit.engine.Residual;
import lazydit.engine.Workers;

/**
 * Takes the gradient of a pass's output back through the network, block after block in reverse,
 * from what {@link DitRun} and its {@link Tape} hold of that pass.
 *
 * <p>The residual stream's gradient dx runs down beside the blocks: each branch takes {@code gate *
 * dx} for its output and adds what comes out at its input.
 */
final class DitBackward {
  private final Dit dit;
  private final TransformerConfig config;
  private final DitRun run;
  private final Tape tape;
  private final Workers workers;
  private final Gradients gradients;
  private final BlockWorkspace work;
  private final GradientWorkspace back;
  private final int batch;
  private final int rows;
  private final int hidden;

  /** The gradient of the residual stream, {@code [B, T, D]}. */
  private final float[] dx;

  private final float[] dy;
  private final float[] dz;
  private final float[] dOutputs;

  // Of the vectors that the conditioning gives: null when the network is frozen.
  private final float[][] dBlocks;
  private final float[] dLast;

  DitBackward(Dit dit, DitRun run, Tape tape, int batch, Workers workers, Gradients gradients) {
    this.dit = dit;
    this.run = run;
    this.tape = tape;
    this.workers = workers;
    this.gradients = gradients;
    this.batch = batch;
    config = dit.config();
    work = run.executor().workspace();
    back = new GradientWorkspace(config, batch, gradients);
    rows = work.rows;
    hidden = config.hiddenSize();
    dx = new float[rows * hidden];
    dy = new float[rows * hidden];
    dz = new float[rows * hidden];
    dOutputs = new float[rows * dit.finalLinear().out()];
    boolean learns = gradients.learns();
    dBlocks = learns ? new float[config.depth()][batch * Block.VECTORS * hidden] : null;
    dLast = learns ? new float[batch * 2 * hidden] : null;
  }

  /** Through the final layer: what is left is the gradient of the residual stream. */
  void begin(float[] dOut) {
    if (gradients.learns()) {
      Arrays.stream(dBlocks).forEach(d -> Arrays.fill(d, 0));
      Arrays.fill(dLast, 0);
    }
    Patches.scatterGradient(
        workers,
        dOut,
        batch,
        config.outChannels(),
        config.inputSize(),
        config.patchSize(),
        dOutputs);
    Linear last = dit.finalLinear();
    back.through(last, work, run.finalInput(), dOutputs, dz);
    PerGroup vectors = run.vectors().last();
    PerGroup dShift = gradients.learns() ? like(vectors, dLast) : null;
    Arrays.fill(dx, 0);
    LayerNormGradient.modulate(
        workers,
        run.stream(),
        rows,
        hidden,
        DitRun.EPS,
        vectors.plus(hidden),
        dz,
        dx,
        dShift,
        dShift == null ? null : dShift.plus(hidden));
  }

  /** Room for the gradients of vectors, in the same places. */
  private static PerGroup like(PerGroup vectors, float[] gradients) {
    return new PerGroup(gradients, vectors.offsets(), vectors.shift(), vectors.each());
  }

  /** Through all blocks. */
  void blocks(GateBackward gates) {
    for (int index = config.depth() - 1; index >= 0; index--) {
      branch(index, Branch.MLP, gates);
      branch(index, Branch.ATTN, gates);
    }
  }

  private void branch(int index, Branch branch, GateBackward gates) {
    Block block = dit.block(index);
    Tape.Entry entry = tape.at(index, branch);
    entry.lend(work);
    PerGroup own =
        run.vectors().block(index).plus(branch.ordinal() * Block.VECTORS_PER_BRANCH * hidden);
    PerGroup dOwn = gradients.learns() ? like(own, dBlocks[index]) : null;
    PerGroup dGate = dOwn == null ? null : dOwn.plus(Block.GATE * hidden);
    PerGroup gate = own.plus(Block.GATE * hidden);
    Residual.gatedAddGradient(workers, gate, entry.y, rows, hidden, dx, dy, dGate);
    if (gates != null) {
      gates.output(index, branch, entry, dy);
    }
    block.backward(branch, work, back, entry.z, dy, dz);
    if (gates != null) {
      gates.input(entry, dz);
    }
    block.modulateBackward(
        branch,
        work,
        back,
        entry.x,
        own.plus(Block.SCALE * hidden),
        dz,
        dx,
        dOwn == null ? null : dOwn.plus(Block.SHIFT * hidden),
        dOwn == null ? null : dOwn.plus(Block.SCALE * hidden));
  }

  /** Through the embeddings of patches, timesteps and labels, of a network that learns. */
  void embeddings(int[] labels) {
    gradients.of(dit.patchEmbedding()).weights(workers, run.scratch(), run.patches(), dx, rows);
    run.vectors().backward(gradients, labels, dBlocks, dLast);
  }

  /** Through the embedding of patches to the images, {@code [B, C, H, W]}. */
  void images(float[] dImages) {
    float[] dPatches = new float[run.patches().length];
    gradients.of(dit.patchEmbedding()).input(workers, run.scratch(), dx, rows, dPatches);
    Patches.gatherGradient(
        workers,
        dPatches,
        batch,
        config.inChannels(),
        config.inputSize(),
        config.patchSize(),
        dImages);
  }
}
