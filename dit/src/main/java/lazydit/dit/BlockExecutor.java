package lazydit.dit;

import lazydit.engine.Epilogue;
import lazydit.engine.LayerNorm;
import lazydit.engine.PerGroup;
import lazydit.engine.Prologue;
import lazydit.engine.Residual;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
import lazydit.engine.Workers;

/**
 * Runs the blocks of one run: for each branch it normalises and modulates the input, asks the
 * policy which samples to compute, computes those, and adds output or substitute to the residual
 * stream.
 *
 * <p>Samples that are reused are left out of the row lists that the operations get, so that nothing
 * is gathered, copied or computed for them.
 */
final class BlockExecutor {
  private final CachePolicy policy;
  private final OutputCache cache;
  private final LazyStatistics statistics;
  private final Workers workers;
  private final BlockWorkspace work;
  private final int tokens;
  private final int hidden;

  private int batch;

  /** Where passes are recorded, or null. */
  private final Tape tape;

  /** What the samples of a pass that is recorded are blended with, or null. */
  private Blending blending;

  /** The branch's input {@code [B, T, D]} for a tape or a probe; null when neither wants it. */
  private float[] normed;

  /** How the branch comes by that input. */
  private Prologue input;

  /** Where a probe wants a branch's output that no cache keeps. */
  private float[] observed;

  private final float[] dots;
  private final int[] computed;
  private final int[] reused;
  private int computedCount;
  private int reusedCount;

  BlockExecutor(
      TransformerConfig config,
      int batch,
      CachePolicy policy,
      OutputCache cache,
      LazyStatistics statistics,
      Workers workers,
      Scratch scratch,
      Tape tape) {
    this.policy = policy;
    this.cache = cache;
    this.statistics = statistics;
    this.workers = workers;
    this.batch = batch;
    tokens = config.tokens();
    hidden = config.hiddenSize();
    work = new BlockWorkspace(config, batch, workers, scratch);
    this.tape = tape;
    dots = new float[work.rows];
    computed = new int[batch];
    reused = new int[batch];
  }

  /** Takes another number of samples, at most as many as there were at first. */
  void resize(int batch) {
    this.batch = batch;
    work.rows = batch * tokens;
  }

  /** Where the blocks compute, for the way back. */
  BlockWorkspace workspace() {
    return work;
  }

  /** Says what the passes that follow blend with, or nothing (null). */
  void blend(Blending blending) {
    this.blending = blending;
  }

  /** Takes the residual stream x {@code [B, T, D]} through a block. */
  void run(Block block, int index, int step, float[] x, PerGroup vectors, ForwardProbe probe) {
    work.probe = probe;
    if (tape == null) {
      normed = probe == null ? null : new float[x.length];
    }
    for (Branch branch : BRANCHES) {
      if (tape != null) {
        record(tape.at(index, branch), x);
      }
      PerGroup own = vectors.plus(branch.ordinal() * Block.VECTORS_PER_BRANCH * hidden);
      normalise(block, index, step, branch, x, own, probe);
      PerGroup gate = own.plus(Block.GATE * hidden);
      if (blending != null && blending.previous() != null) {
        blend(block, index, step, branch, x, gate);
      } else {
        compute(block, index, step, branch, x, gate, probe);
        reuse(index, step, branch, x, gate);
      }
      if (probe != null) {
        observe(probe, block.name(branch), output(index, branch, probe));
      }
    }
    if (probe != null) {
      observe(probe, block.name(), x);
    }
  }

  private static final Branch[] BRANCHES = Branch.values();

  private void record(Tape.Entry entry, float[] x) {
    workers.forEach(
        batch,
        (worker, from, to) -> {
          int sample = tokens * hidden;
          System.arraycopy(x, from * sample, entry.x, from * sample, (to - from) * sample);
        });
    entry.blend = null;
    entry.lend(work);
    normed = entry.z;
  }

  /** Computes every sample, and adds what its gate makes of that and of the output remembered. */
  private void blend(Block block, int index, int step, Branch branch, float[] x, PerGroup gate) {
    Tape.Entry entry = tape.at(index, branch);
    Rows all = new Rows(computed, batch, tokens);
    block.compute(branch, work, input, all, new Epilogue.Store(entry.y));
    float[] scores = new float[batch];
    float[] weights = new float[batch];
    for (int sample = 0; sample < batch; sample++) {
      scores[sample] = LazyStatistics.score(logit(sample));
      weights[sample] = blending.weight().of(step, index, branch, sample, scores[sample]);
    }
    float[] old = blending.previous().of(index, branch);
    entry.blend = new Tape.Blend(policy.gate(step, index, branch), old, scores, weights);
    float[] now = blending.next().of(index, branch);
    int length = tokens * hidden;
    workers.forEach(
        batch,
        (worker, from, to) -> {
          for (int i = from * length; i < to * length; i++) {
            float weight = weights[i / length];
            now[i] = weight * entry.y[i] + (1 - weight) * old[i];
          }
        });
    Residual.gatedAdd(workers, x, all, hidden, gate, now);
  }

  /** Z = LN(x) * (1 + scale) + shift, and with it the decision for every sample. */
  private void normalise(
      Block block,
      int index,
      int step,
      Branch branch,
      float[] x,
      PerGroup own,
      ForwardProbe probe) {
    boolean blends = blending != null && blending.previous() != null;
    CachePolicy.Gate gate =
        blends || anythingCached(index, branch) ? policy.gate(step, index, branch) : null;
    LayerNorm.Probe score =
        gate == null ? null : new LayerNorm.Probe(gate.weights(), gate.offset(), dots);
    PerGroup shift = own.plus(Block.SHIFT * hidden);
    PerGroup scale = own.plus(Block.SCALE * hidden);
    input = block.modulate(branch, work, x, shift, scale, normed, score);
    if (probe != null) {
      observe(probe, block.name(branch) + "_in", normed);
    }
    decide(index, step, branch, gate != null);
  }

  private boolean anythingCached(int index, Branch branch) {
    if (cache != null) {
      for (int sample = 0; sample < batch; sample++) {
        if (cache.has(index, branch, sample)) {
          return true;
        }
      }
    }
    return false;
  }

  private void decide(int index, int step, Branch branch, boolean gated) {
    computedCount = 0;
    reusedCount = 0;
    for (int sample = 0; sample < batch; sample++) {
      float score = Float.NaN;
      if (gated) {
        float logit = logit(sample);
        statistics.recordLogit(step, index, branch, sample, logit);
        score = LazyStatistics.score(logit);
      }
      boolean reuse =
          cache != null
              && cache.has(index, branch, sample)
              && policy.reuse(step, index, branch, sample, score);
      statistics.recordDecision(step, index, branch, sample, reuse);
      if (reuse) {
        reused[reusedCount++] = sample;
      } else {
        computed[computedCount++] = sample;
      }
    }
  }

  /** The sum over a sample's tokens, in their order: the same for any number of threads. */
  private float logit(int sample) {
    double sum = 0;
    for (int t = sample * tokens; t < (sample + 1) * tokens; t++) {
      sum += dots[t];
    }
    return (float) sum;
  }

  private void compute(
      Block block,
      int index,
      int step,
      Branch branch,
      float[] x,
      PerGroup gate,
      ForwardProbe probe) {
    Rows rows = new Rows(computed, computedCount, tokens);
    Epilogue add = new Epilogue.GatedAdd(x, gate, output(index, branch, probe));
    block.compute(branch, work, input, rows, add);
    if (cache != null) {
      for (int i = 0; i < computedCount; i++) {
        cache.computed(step, index, branch, computed[i]);
      }
    }
  }

  /**
   * Adds the substitutes. Left to the next norm, which reads x anyway, it saves a pass and a wait,
   * and no time that could be measured.
   */
  private void reuse(int index, int step, Branch branch, float[] x, PerGroup gate) {
    if (reusedCount > 0) {
      Rows rows = new Rows(reused, reusedCount, tokens);
      float[] y = cache.substitute(step, index, branch);
      Residual.gatedAdd(workers, x, rows, hidden, gate, y);
    }
  }

  /** Where a branch's output is kept: in the cache, for a probe, or (null) nowhere. */
  private float[] output(int index, Branch branch, ForwardProbe probe) {
    if (cache != null) {
      return cache.target(index, branch);
    }
    if (tape != null) {
      return blending == null ? tape.at(index, branch).y : blending.next().of(index, branch);
    }
    if (probe != null && observed == null) {
      observed = new float[Math.multiplyExact(work.rows, hidden)];
    }
    return probe == null ? null : observed;
  }

  private void observe(ForwardProbe probe, String name, float[] values) {
    probe.observe(name, values, 0, batch, tokens, hidden);
  }
}
