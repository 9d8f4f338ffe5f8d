package lazydit.dit;

import lazydit.engine.Activations;
import lazydit.engine.Epilogue;
import lazydit.engine.LayerNorm;
import lazydit.engine.Linear;
import lazydit.engine.PerGroup;
import lazydit.engine.Prologue;
import lazydit.engine.RmsNorm;
import lazydit.engine.Rotary;
import lazydit.engine.Rows;

/**
 * One block of a Large-DiT, its weights under their names in the checkpoint.
 *
 * @param name the checkpoint's name of the block
 * @param adaLn from the conditioning to shift, scale and gate of both branches, {@code [6D, cond]}
 * @param attentionNorm weights of the norm before attention, {@code [D]}
 * @param ffnNorm weights of the norm before the feed-forward network, {@code [D]}
 * @param qkv wq, wk and wv below each other, {@code [(heads + 2 kvHeads) d, D]}
 * @param rotary positions
 * @param queries where queries lie in a row, and their norm
 * @param keys where keys lie in a row, and their norm
 * @param wo out of attention, {@code [D, D]}
 * @param w13 the pair w1 and w3 into the feed-forward network, {@code [M, D]} each
 * @param w2 out of it, {@code [D, M]}
 */
record LargeDitBlock(
    String name,
    Linear adaLn,
    float[] attentionNorm,
    float[] ffnNorm,
    Linear qkv,
    Rotary rotary,
    Rotary.Part queries,
    Rotary.Part keys,
    Linear wo,
    Linear w13,
    Linear w2)
    implements Block {
  /** Of the norms of queries and keys. */
  private static final float QK_EPS = 1e-5f;

  private static final float EPS = 1e-5f;

  static LargeDitBlock load(Weights weights, LargeDitConfig config, Rotary rotary, int index) {
    String name = "layers." + index;
    String attention = name + ".attention.";
    String ffn = name + ".feed_forward.";
    int d = config.hiddenSize();
    int m = config.mlpHidden();
    int kv = config.numKvHeads() * config.headDim();
    return new LargeDitBlock(
        name,
        weights.linear(name + ".adaLN_modulation.1", VECTORS * d, config.conditioningSize()),
        weights.floats(name + ".attention_norm.weight", d),
        weights.floats(name + ".ffn_norm.weight", d),
        weights.stacked(
            d,
            new Weights.Part(attention + "wq.weight", d),
            new Weights.Part(attention + "wk.weight", kv),
            new Weights.Part(attention + "wv.weight", kv)),
        rotary,
        new Rotary.Part(0, config.numHeads(), norm(weights, config, attention + "q_norm", d)),
        new Rotary.Part(d, config.numKvHeads(), norm(weights, config, attention + "k_norm", kv)),
        weights.stacked(d, new Weights.Part(attention + "wo.weight", d)),
        weights.pairs(ffn + "w1.weight", ffn + "w3.weight", m, d),
        weights.stacked(m, new Weights.Part(ffn + "w2.weight", d)));
  }

  private static Rotary.Norm norm(Weights weights, LargeDitConfig config, String name, int width) {
    return config.qkNorm()
        ? new Rotary.Norm(
            weights.floats(name + ".weight", width), weights.floats(name + ".bias", width), QK_EPS)
        : null;
  }

  @Override
  public String name(Branch branch) {
    return name + (branch == Branch.ATTN ? ".attention" : ".feed_forward");
  }

  private float[] weightOfNorm(Branch branch) {
    return branch == Branch.ATTN ? attentionNorm : ffnNorm;
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
    float[] weight = weightOfNorm(branch);
    if (work.probe != null) {
      float[] normed = new float[x.length];
      RmsNorm.apply(x, work.rows, EPS, weight, normed);
      String norm = branch == Branch.ATTN ? ".attention_norm" : ".ffn_norm";
      observe(work, name + norm, normed);
    }
    float[] modulated = z == null ? work.modulated() : z;
    RmsNorm.modulate(work.workers, x, work.rows, EPS, weight, shift, scale, modulated, score);
    return new Prologue.Copy(modulated);
  }

  @Override
  public void compute(
      Branch branch, BlockWorkspace work, Prologue z, Rows samples, Epilogue output) {
    if (branch == Branch.ATTN) {
      qkv.apply(work.workers, work.scratch, z, samples, new Epilogue.Store(work.wide));
      if (work.probe != null && queries.norm() != null) {
        observeQueries(work);
      }
      if (work.raw != null) {
        System.arraycopy(work.wide, 0, work.raw, 0, work.rows * qkv.out());
      }
      rotary.apply(work.workers, work.wide, qkv.out(), samples, queries, keys);
      work.attention.apply(work.workers, work.scratch, work.wide, samples, work.mixed);
      wo.apply(work.workers, work.scratch, work.mixed, samples, output);
    } else {
      w13.apply(work.workers, work.scratch, z, samples, new Epilogue.SwiGlu(work.wide));
      w2.apply(work.workers, work.scratch, work.wide, samples, output);
    }
  }

  /** Queries after their norm, which go on to be turned in place. */
  private void observeQueries(BlockWorkspace work) {
    Rotary.Norm norm = queries.norm();
    int d = qkv.in();
    float[] normed = new float[work.rows * d];
    for (int row = 0; row < work.rows; row++) {
      int from = row * qkv.out();
      System.arraycopy(work.wide, from, normed, row * d, d);
    }
    LayerNorm.affine(normed, work.rows, norm.weight(), norm.bias(), norm.eps(), normed);
    observe(work, name + ".attention.q_norm", normed);
  }

  private void observe(BlockWorkspace work, String tensor, float[] values) {
    int batch = work.rows / work.attention.tokens();
    work.probe.observe(tensor, values, 0, batch, work.attention.tokens(), qkv.in());
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
      back.through(wo, work, work.mixed, dy, back.mixed);
      back.attention.apply(
          work.workers, work.scratch, work.wide, back.batch, back.mixed, back.wide);
      rotary.gradient(work.workers, work.raw, back.wide, work.rows, qkv.out(), queries, keys);
      back.through(qkv, work, z, back.wide, dz);
    } else {
      back.through(w2, work, work.wide, dy, back.hidden);
      back.gradients.of(w13).pairs(work.workers, work.scratch, z, work.rows, back.wide);
      Activations.swiGluGradient(work.workers, back.wide, back.hidden, work.rows, w2.in());
      back.through(w13, work, z, back.wide, dz);
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
    if (dShift != null) {
      throw new IllegalStateException("Of a Large-DiT only the gates learn.");
    }
    float[] weight = weightOfNorm(branch);
    RmsNorm.modulateGradient(work.workers, x, work.rows, EPS, weight, scale, dz, dx);
  }
}
