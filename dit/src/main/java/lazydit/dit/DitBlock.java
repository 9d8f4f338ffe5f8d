package lazydit.dit;

import lazydit.engine.Activations;
import lazydit.engine.Epilogue;
import lazydit.engine.LayerNorm;
import lazydit.engine.LayerNormGradient;
import lazydit.engine.Linear;
import lazydit.engine.PerGroup;
import lazydit.engine.Prologue;
import lazydit.engine.Rows;

/**
 * One adaLN-Zero block, its weights under their names in the checkpoint.
 *
 * @param name the checkpoint's name of the block
 * @param adaLn from the conditioning to shift, scale and gate of both branches, {@code [6D, D]}
 * @param qkv to queries, keys and values, {@code [3D, D]}
 * @param proj out of attention, {@code [D, D]}
 * @param fc1 into the feed-forward network, {@code [M, D]}
 * @param fc2 out of it, {@code [D, M]}
 * @param mlpEps of the norm before the feed-forward network
 */
record DitBlock(
    String name, Linear adaLn, Linear qkv, Linear proj, Linear fc1, Linear fc2, float mlpEps)
    implements Block {
  private static final float EPS = 1e-6f;

  static DitBlock load(Weights weights, DitConfig config, DitSemantics semantics, int index) {
    String name = "blocks." + index;
    int d = config.hiddenSize();
    int m = config.mlpHidden();
    return new DitBlock(
        name,
        weights.linear(name + ".adaLN_modulation.1", VECTORS * d, d),
        weights.linear(name + ".attn.qkv", 3 * d, d),
        weights.linear(name + ".attn.proj", d, d),
        weights.linear(name + ".mlp.fc1", m, d),
        weights.linear(name + ".mlp.fc2", d, m),
        semantics.mlpEps());
  }

  @Override
  public String name(Branch branch) {
    return name + "." + branch.label();
  }

  @Override
  public Prologue modulate(
      Branch branch,
      BlockWorkspace work,
      float[] x,
      PerGroup shift,
      PerGroup scale,
      float[] z,
      LayerNorm.Probe score) {
    int d = qkv.in();
    float eps = eps(branch);
    if (z == null || score != null) {
      LayerNorm.moments(work.workers, x, work.rows, d, eps, work.moments, shift, scale, score);
    }
    if (z == null) {
      return new Prologue.ModulatedNorm(x, work.moments, shift, scale);
    }
    LayerNorm.modulate(work.workers, x, work.rows, d, eps, shift, scale, z);
    return new Prologue.Copy(z);
  }

  @Override
  public void compute(
      Branch branch, BlockWorkspace work, Prologue z, Rows samples, Epilogue output) {
    if (branch == Branch.ATTN) {
      qkv.apply(work.workers, work.scratch, z, samples, new Epilogue.Store(work.wide));
      work.attention.apply(work.workers, work.scratch, work.wide, samples, work.mixed);
      proj.apply(work.workers, work.scratch, work.mixed, samples, output);
    } else {
      if (work.raw == null) {
        fc1.apply(work.workers, work.scratch, z, samples, new Epilogue.Gelu(work.wide));
      } else {
        fc1.apply(work.workers, work.scratch, z, samples, new Epilogue.Store(work.raw));
        Activations.geluAndSlope(work.workers, work.raw, work.wide, work.rows * fc1.out());
      }
      fc2.apply(work.workers, work.scratch, work.wide, samples, output);
    }
  }

  @Override
  public void backward(
      Branch branch,
      BlockWorkspace work,
      GradientWorkspace back,
      float[] z,
      float[] dy,
      float[] dz) {
    if (branch == Branch.ATTN) {
      back.through(proj, work, work.mixed, dy, back.mixed);
      back.attention.apply(
          work.workers, work.scratch, work.wide, back.batch, back.mixed, back.wide);
      back.through(qkv, work, z, back.wide, dz);
    } else {
      back.through(fc2, work, work.wide, dy, back.wide);
      Activations.multiply(work.workers, work.raw, back.wide, work.rows * fc1.out());
      back.through(fc1, work, z, back.wide, dz);
    }
  }

  @Override
  public void modulateBackward(
      Branch branch,
      BlockWorkspace work,
      GradientWorkspace back,
      float[] x,
      PerGroup scale,
      float[] dz,
      float[] dx,
      PerGroup dShift,
      PerGroup dScale) {
    LayerNormGradient.modulate(
        work.workers, x, work.rows, qkv.in(), eps(branch), scale, dz, dx, dShift, dScale);
  }

  private float eps(Branch branch) {
    return branch == Branch.ATTN ? EPS : mlpEps;
  }
}
