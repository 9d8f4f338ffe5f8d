package lazydit.dit;

import lazydit.engine.Epilogue;
import lazydit.engine.LayerNorm;
import lazydit.engine.Linear;
import lazydit.engine.PerGroup;
import lazydit.engine.Prologue;
import lazydit.engine.Rows;

/**
 * One block of a network: its weights, and what its branches do with them. When a branch is
 * computed, and what becomes of its output, is the {@link BlockExecutor}'s business.
 */
sealed interface Block permits DitBlock, LargeDitBlock {
  // The six vectors that adaLN gives a sample, in the checkpoint's order, in units of D.
  int SHIFT = 0;
  int SCALE = 1;
  int GATE = 2;
  int VECTORS_PER_BRANCH = 3;
  int VECTORS = 6;

  /** Whether a tensor of that name in the checkpoint belongs to a block. */
  static boolean owns(String tensor) {
    return tensor.startsWith("blocks.") || tensor.startsWith("layers.");
  }

  /** What the checkpoint calls this block. */
  String name();

  /** What the checkpoint calls a branch of this block. */
  String name(Branch branch);

  /** From the conditioning to shift, scale and gate of both branches, {@code [6D, cond]}. */
  Linear adaLn();

  /**
   * The branch's input: Z = norm(x) * (1 + scale) + shift.
   *
   * @param z receives Z for all rows, or null when nobody needs to see it: then a block may leave
   *     the work to the layer that reads it
   * @param score a dot product to take of every row of Z, or null
   * @return how {@link #compute} comes by Z
   */
  Prologue modulate(
      Branch branch,
      BlockWorkspace work,
      float[] x,
      PerGroup shift,
      PerGroup scale,
      float[] z,
      LayerNorm.Probe score);

  /** The branch's output for some samples, given to {@code output}. */
  void compute(Branch branch, BlockWorkspace work, Prologue z, Rows samples, Epilogue output);

  /**
   * The way back through {@link #compute} for all samples: adds to the gradients of its layers.
   *
   * @param work where things are computed, with the branch's record of its way
   * @param z what the branch was given
   * @param dy the gradient of its output, {@code [B, T, D]}; only to be read
   * @param dz receives that of its input
   */
  void backward(
      Branch branch,
      BlockWorkspace work,
      GradientWorkspace back,
      float[] z,
      float[] dy,
      float[] dz);

  /**
   * The way back through {@link #modulate}.
   *
   * @param x what was normalised
   * @param dz the gradient of the branch's input; only to be read
   * @param dx is added to
   * @param dShift is added to, or null when this and {@code dScale} are not wanted
   * @param dScale is added to
   */
  void modulateBackward(
      Branch branch,
      BlockWorkspace work,
      GradientWorkspace back,
      float[] x,
      PerGroup scale,
      float[] dz,
      float[] dx,
      PerGroup dShift,
      PerGroup dScale);
}
