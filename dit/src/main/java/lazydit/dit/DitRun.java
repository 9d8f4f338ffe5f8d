package lazydit.dit;

import lazydit.engine.Epilogue;
import lazydit.engine.LayerNorm;
import lazydit.engine.LazyDitException;
import lazydit.engine.Patches;
import lazydit.engine.PerGroup;
import lazydit.engine.Residual;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
import lazydit.engine.Workers;

/**
 * One sampling run of a {@link Dit}: its workspace, caches and statistics. After the first step a
 * forward pass allocates next to nothing.
 *
 * <p>Owned by one thread at a time. Results are the same to the bit for any number of workers.
 */
public final class DitRun {
  static final float EPS = 1e-6f;

  private final Dit dit;
  private final TransformerConfig config;

  /** Rows that the run has room for. */
  private final int most;

  private final int steps;
  private final Workers workers;
  private final Scratch scratch;
  private final OutputCache cache;
  private final LazyStatistics statistics;
  private final BlockExecutor executor;
  private final float[] patches;
  private final float[] outputs;
  private final float[] x;
  private final float[] normed;

  /** Rows of the passes at hand, at most {@link #most}. */
  private int batch;

  /** The vectors of a schedule's steps. */
  private Conditioning conditioning;

  /** The vectors of samples that had a timestep each. */
  private Conditioning individual;

  /** The vectors of the last pass. */
  private Conditioning current;

  private ForwardProbe probe;

  DitRun(Dit dit, int batch, int steps, CachePolicy policy, Workers workers) {
    this(dit, batch, steps, policy, workers, null);
  }

  /** A run whose passes are recorded on a tape, if there is one. */
  DitRun(Dit dit, int batch, int steps, CachePolicy policy, Workers workers, Tape tape) {
    this.dit = dit;
    most = batch;
    this.batch = batch;
    this.steps = steps;
    this.workers = workers;
    config = dit.config();
    scratch = new Scratch(workers);
    cache = policy.newCache(config, batch);
    statistics = new LazyStatistics(steps, config.depth(), batch);
    executor = new BlockExecutor(config, batch, policy, cache, statistics, workers, scratch, tape);
    int rows = Math.multiplyExact(batch, config.tokens());
    patches = new float[Math.multiplyExact(rows, dit.patchEmbedding().in())];
    outputs = new float[Math.multiplyExact(rows, dit.finalLinear().out())];
    x = new float[Math.multiplyExact(rows, config.hiddenSize())];
    normed = new float[x.length];
  }

  /**
   * Says at which timesteps and for which labels {@link #forward(float[], int, float[])} will run.
   *
   * @param timesteps the network's timestep, 0 to 999, for every index of the respaced schedule,
   *     {@code [S]}; copied
   * @param labels a class for every row, {@code [B]}, the null class for null rows; copied
   * @throws LazyDitException when a length does not fit the run
   */
  public void condition(float[] timesteps, int[] labels) {
    requireLength("timesteps", timesteps.length, steps);
    requireLength("labels", labels.length, batch);
    conditioning = new Conditioning(dit, workers, scratch, timesteps, labels, conditioning);
  }

  /**
   * Runs the network at one step of the schedule.
   *
   * @param images {@code [B, C, H, W]}; only to be read
   * @param step index in the respaced schedule: the first step of sampling has {@code S - 1}
   * @param out receives {@code [B, Cout, H, W]}
   * @throws LazyDitException when a length does not fit the run
   * @throws IllegalStateException before {@link #condition} for this number of rows
   */
  public void forward(float[] images, int step, float[] out) {
    if (conditioning == null || conditioning.samples() != batch) {
      throw new IllegalStateException("condition() comes before forward().");
    }
    requireStep(step);
    conditioning.moveTo(step);
    run(images, conditioning, step, out);
  }

  /**
   * Runs the network with a timestep for every sample.
   *
   * @param images {@code [B, C, H, W]}; only to be read
   * @param timesteps {@code [B]}, 0 to 999, whole or not
   * @param labels {@code [B]}
   * @param step index in the respaced schedule, for gates and statistics
   * @param out receives {@code [B, Cout, H, W]}
   * @throws LazyDitException when a length does not fit the run
   */
  public void forward(float[] images, float[] timesteps, int[] labels, int step, float[] out) {
    requireLength("timesteps", timesteps.length, batch);
    requireLength("labels", labels.length, batch);
    requireStep(step);
    individual =
        Conditioning.individual(dit, workers, scratch, timesteps, labels, individual, probe);
    run(images, individual, step, out);
  }

  private void run(float[] images, Conditioning vectors, int step, float[] out) {
    requireLength("input values", images.length, batch * config.inputLength());
    requireLength("output values", out.length, batch * config.outputLength());
    current = vectors;
    embed(images);
    for (int i = 0; i < config.depth(); i++) {
      executor.run(dit.block(i), i, step, x, vectors.block(i), probe);
    }
    unembed(vectors.last(), out);
    statistics.recordStep(step);
  }

  private void embed(float[] images) {
    int rows = batch * config.tokens();
    int d = config.hiddenSize();
    Patches.gather(
        workers,
        images,
        batch,
        config.inChannels(),
        config.inputSize(),
        config.patchSize(),
        patches);
    observe("patchify", patches, dit.patchEmbedding().in());
    dit.patchEmbedding().apply(workers, scratch, patches, Rows.all(rows), new Epilogue.Store(x));
    observe("x_embedder", x, d);
    if (dit.positions() != null) {
      Residual.addRepeated(workers, x, rows, d, dit.positions());
    }
  }

  private void unembed(PerGroup vectors, float[] out) {
    int rows = batch * config.tokens();
    int d = config.hiddenSize();
    PerGroup scale = vectors.plus(d);
    LayerNorm.modulate(workers, x, rows, d, EPS, vectors, scale, normed);
    dit.finalLinear().apply(workers, scratch, normed, Rows.all(rows), new Epilogue.Store(outputs));
    observe("final_layer", outputs, dit.finalLinear().out());
    Patches.scatter(
        workers, outputs, batch, config.outChannels(), config.inputSize(), config.patchSize(), out);
  }

  private void observe(String name, float[] values, int features) {
    if (probe != null) {
      probe.observe(name, values, 0, batch, config.tokens(), features);
    }
  }

  private void requireStep(int step) {
    if (step < 0 || step >= steps) {
      throw new LazyDitException("There is no step %d in a schedule of %d.".formatted(step, steps));
    }
  }

  private static void requireLength(String what, int found, int expected) {
    if (found != expected) {
      throw new LazyDitException("The run takes %d %s, not %d.".formatted(expected, what, found));
    }
  }

  /** Empties caches and statistics: what follows is a new run with the same batch and schedule. */
  public void reset() {
    reset(batch);
  }

  /**
   * Empties caches and statistics: what follows is a new run with the same schedule and another
   * number of rows, which {@link #condition} comes before.
   *
   * @param batch B from now on, at least 1 and at most {@link #maxBatch}
   * @throws LazyDitException when there is no room for so many rows
   */
  public void reset(int batch) {
    if (batch < 1 || batch > most) {
      throw new LazyDitException(
          "A run with room for %d samples cannot take %d.".formatted(most, batch));
    }
    if (batch != this.batch) {
      this.batch = batch;
      executor.resize(batch);
    }
    if (cache != null) {
      cache.clear();
    }
    statistics.clear(batch);
  }

  /** {@return rows that the run has room for: those that it was made with} */
  public int maxBatch() {
    return most;
  }

  /**
   * Shows the tensors inside the passes that follow.
   *
   * @param probe told of every tensor, or null to stop
   */
  public void probe(ForwardProbe probe) {
    this.probe = probe;
  }

  /** {@return what was computed and what reused, up to now; changes as the run goes on} */
  public LazyStatistics statistics() {
    return statistics;
  }

  // What the way back finds of the last pass.

  BlockExecutor executor() {
    return executor;
  }

  Scratch scratch() {
    return scratch;
  }

  Conditioning vectors() {
    return current;
  }

  /** The input in patches, {@code [B, T, C * p * p]}. */
  float[] patches() {
    return patches;
  }

  /** The residual stream after the last block, {@code [B, T, D]}. */
  float[] stream() {
    return x;
  }

  /** The final layer's input, {@code [B, T, D]}. */
  float[] finalInput() {
    return normed;
  }
}
