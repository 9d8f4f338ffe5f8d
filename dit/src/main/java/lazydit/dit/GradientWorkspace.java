package lazydit.dit;

import lazydit.engine.AttentionGradient;
import lazydit.engine.Linear;
import lazydit.engine.LinearGradient;

/** What blocks go back with: the gradients of what a {@link BlockWorkspace} holds. */
final class GradientWorkspace {
  final Gradients gradients;
  final AttentionGradient attention;
  final int batch;

  /** The gradient of qkv, or of the hidden features of an MLP, which may come in pairs. */
  final float[] wide;

  /** The gradient of what pairs make, or null where there are none. */
  final float[] hidden;

  /** The gradient of attention before its projection, {@code [B, T, D]}. */
  final float[] mixed;

  GradientWorkspace(TransformerConfig config, int batch, Gradients gradients) {
    this.gradients = gradients;
    this.batch = batch;
    attention =
        new AttentionGradient(
            config.tokens(), config.numHeads(), config.numKvHeads(), config.headDim());
    boolean pairs = config instanceof LargeDitConfig;
    int mlp = Math.multiplyExact(Tape.wide(config, Branch.MLP), pairs ? 2 : 1);
    wide = new float[Math.multiplyExact(batch, Math.max(Tape.wide(config, Branch.ATTN), mlp))];
    hidden = pairs ? new float[batch * Tape.wide(config, Branch.MLP)] : null;
    mixed = new float[Math.multiplyExact(batch, config.tokens() * config.hiddenSize())];
  }

  /** The way back through a layer, y = x W + b: dW, db and dX. */
  void through(Linear layer, BlockWorkspace work, float[] x, float[] dy, float[] dx) {
    LinearGradient gradient = gradients.of(layer);
    gradient.weights(work.workers, work.scratch, x, dy, work.rows);
    gradient.input(work.workers, work.scratch, dy, work.rows, dx);
  }
}
