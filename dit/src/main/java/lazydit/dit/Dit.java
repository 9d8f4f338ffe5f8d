package lazydit.dit;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import lazydit.engine.Activations;
import lazydit.engine.Epilogue;
import lazydit.engine.LazyDitException;
import lazydit.engine.Linear;
import lazydit.engine.Residual;
import lazydit.engine.Rotary;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;

/**
 * A class-conditional Diffusion Transformer with adaLN-Zero blocks (Peebles and Xie 2023), or its
 * larger relative Large-DiT, its weights packed for the kernels.
 *
 * <p>Immutable and safe for concurrent use; what a sampling run changes lies in its {@link DitRun}.
 */
public final class Dit {
  static final String LABEL_TABLE = "y_embedder.embedding_table.weight";

  /** Of the frequencies of rotary positions. */
  private static final double ROTARY_BASE = 10000;

  private final TransformerConfig config;
  private final WeightType weightType;
  private final int frequencyShift;
  private final Linear patchEmbedding;
  private final float[] positions;
  private final Linear timestepIn;
  private final Linear timestepOut;
  private final float[] labelTable;
  private final Block[] blocks;
  private final Linear finalModulation;
  private final Linear finalLinear;

  /**
   * Reads and packs a network's weights.
   *
   * @param config the architecture
   * @param source the checkpoint, under the names of facebook's DiT, {@code pos_embed} not needed,
   *     or of Large-DiT
   * @throws LazyDitException when a tensor is missing or has another shape
   */
  public Dit(TransformerConfig config, WeightSource source) {
    this(config, source, DitSemantics.FACEBOOK);
  }

  /**
   * Reads and packs a network's weights, to compute with them as another implementation does.
   *
   * @param config the architecture
   * @param source the checkpoint, as for {@link #Dit(TransformerConfig, WeightSource)}
   * @param semantics how to compute; of no effect on a Large-DiT
   * @throws LazyDitException when a tensor is missing or has another shape
   */
  public Dit(TransformerConfig config, WeightSource source, DitSemantics semantics) {
    this(config, source, semantics, WeightType.FLOAT32);
  }

  /**
   * Reads and packs a network's weights, to keep them as they are told to be.
   *
   * @param config the architecture
   * @param source the checkpoint, as for {@link #Dit(TransformerConfig, WeightSource)}
   * @param semantics how to compute; of no effect on a Large-DiT
   * @param type how to keep the weights of linear layers; as 8-bit integers those of blocks, the
   *     others as float32
   * @throws LazyDitException when a tensor is missing or has another shape
   */
  public Dit(
      TransformerConfig config, WeightSource source, DitSemantics semantics, WeightType type) {
    this(config, source, semantics, type, new Workers(1));
  }

  /**
   * Reads and packs a network's weights on several threads, which makes no difference but time.
   *
   * @param config the architecture
   * @param source the checkpoint, as for {@link #Dit(TransformerConfig, WeightSource)}
   * @param semantics how to compute; of no effect on a Large-DiT
   * @param type how to keep the weights of linear layers; as 8-bit integers those of blocks, the
   *     others as float32
   * @param workers who reads, block by block
   * @throws LazyDitException when a tensor is missing, has another shape, or holds what the type
   *     has no form for
   */
  public Dit(
      TransformerConfig config,
      WeightSource source,
      DitSemantics semantics,
      WeightType type,
      Workers workers) {
    this(config, new Weights(source, type), semantics, workers);
  }

  Dit(TransformerConfig config, Weights weights, DitSemantics semantics) {
    this(config, weights, semantics, new Workers(1));
  }

  private Dit(TransformerConfig config, Weights weights, DitSemantics semantics, Workers workers) {
    this.config = config;
    weightType = weights.type();
    frequencyShift = config instanceof DitConfig ? semantics.frequencyShift() : 0;
    int d = config.hiddenSize();
    int width = config.conditioningSize();
    int p = config.patchSize();
    int c = config.inChannels();
    IntFunction<Block> block;
    switch (config) {
      case DitConfig dit -> {
        patchEmbedding = weights.linear("x_embedder.proj", d, c * p * p, d, c, p, p);
        positions =
            weights.contains("pos_embed")
                ? weights.floats("pos_embed", 1, config.tokens(), d)
                : Embeddings.position(d, config.grid());
        block = i -> DitBlock.load(weights, dit, semantics, i);
      }
      case LargeDitConfig large -> {
        patchEmbedding = weights.linear("x_embedder", d, c * p * p);
        positions = null;
        Rotary rotary = new Rotary(config.tokens(), config.headDim(), ROTARY_BASE);
        block = i -> LargeDitBlock.load(weights, large, rotary, i);
      }
    }
    timestepIn = weights.linear("t_embedder.mlp.0", width, Embeddings.TIMESTEP_FEATURES);
    timestepOut = weights.linear("t_embedder.mlp.2", width, width);
    labelTable = weights.table(LABEL_TABLE, config.numClasses() + 1, width);
    blocks = load(workers, config.depth(), block);
    finalModulation = weights.linear("final_layer.adaLN_modulation.1", 2 * d, width);
    finalLinear = weights.linear("final_layer.linear", p * p * config.outChannels(), d);
  }

  /** Loads blocks on all threads; what is refused is what one thread would refuse. */
  private static Block[] load(Workers workers, int depth, IntFunction<Block> loader) {
    Block[] loaded = new Block[depth];
    LazyDitException[] refusals = new LazyDitException[depth];
    AtomicInteger firstRefused = new AtomicInteger(depth);
    workers.forEach(
        depth,
        (worker, from, to) -> {
          for (int i = from; i < to && i < firstRefused.get(); i++) {
            try {
              loaded[i] = loader.apply(i);
            } catch (LazyDitException e) {
              refusals[i] = e;
              firstRefused.accumulateAndGet(i, Math::min);
            }
          }
        });
    if (firstRefused.get() < depth) {
      throw refusals[firstRefused.get()];
    }
    return loaded;
  }

  /** {@return how the weights of linear layers are kept} */
  public WeightType weightType() {
    return weightType;
  }

  /** {@return the architecture} */
  public TransformerConfig config() {
    return config;
  }

  /**
   * Starts a run.
   *
   * @param batch B, rows of a batch, null rows of guidance included; the most that {@link
   *     DitRun#reset(int)} can ask for
   * @param steps S, steps of the respaced schedule
   * @param policy when to reuse
   * @param workers who works; may be shared with other runs
   * @return a run with empty caches, owned by the caller
   * @throws LazyDitException when the policy belongs to another network or a count is below 1
   */
  public DitRun newRun(int batch, int steps, CachePolicy policy, Workers workers) {
    if (batch < 1 || steps < 1) {
      throw new LazyDitException(
          "A run needs at least 1 sample and 1 step, not %d and %d.".formatted(batch, steps));
    }
    return new DitRun(this, batch, steps, policy, workers);
  }

  Block block(int index) {
    return blocks[index];
  }

  Linear patchEmbedding() {
    return patchEmbedding;
  }

  /** The position table, {@code [T, D]}, only to be read; or null where attention knows them. */
  float[] positions() {
    return positions;
  }

  Linear finalModulation() {
    return finalModulation;
  }

  Linear finalLinear() {
    return finalLinear;
  }

  /**
   * The embedding of some pairs of timestep and label, and what it was made of.
   *
   * @param waves features of the timesteps, {@code [rows, 256]}
   * @param raw their first layer, {@code [rows, cond]}
   * @param hidden silu of that
   * @param values the sum of the embeddings of timestep and label, {@code [rows, cond]}
   */
  record Embedding(float[] waves, float[] raw, float[] hidden, float[] values) {}

  Embedding embed(Workers workers, Scratch scratch, float[] t, int[] y, ForwardProbe probe) {
    int n = t.length;
    int d = config.conditioningSize();
    int features = Embeddings.TIMESTEP_FEATURES;
    float[] waves = new float[n * features];
    for (int i = 0; i < n; i++) {
      // The rows of a step, one for each label, follow each other.
      if (i > 0 && t[i] == t[i - 1]) {
        System.arraycopy(waves, (i - 1) * features, waves, i * features, features);
      } else {
        Embeddings.timestep(t[i], waves, i * features, features, frequencyShift);
      }
    }
    float[] raw = new float[n * d];
    float[] hidden = new float[n * d];
    float[] c = new float[n * d];
    timestepIn.apply(workers, scratch, waves, Rows.all(n), new Epilogue.Store(raw));
    Activations.silu(raw, hidden);
    timestepOut.apply(workers, scratch, hidden, Rows.all(n), new Epilogue.Store(c));
    float[] labels = embedLabels(y);
    if (probe != null) {
      probe.observe("t_freq", waves, 0, n, features);
      probe.observe("t_embedder", c, 0, n, d);
      probe.observe("y_embedder", labels, 0, n, d);
    }
    Residual.addRepeated(workers, c, n, d, labels);
    return new Embedding(waves, raw, hidden, c);
  }

  Linear timestepIn() {
    return timestepIn;
  }

  Linear timestepOut() {
    return timestepOut;
  }

  private float[] embedLabels(int[] y) {
    int d = config.conditioningSize();
    float[] labels = new float[y.length * d];
    for (int i = 0; i < y.length; i++) {
      if (y[i] < 0 || y[i] > config.nullClass()) {
        throw new LazyDitException(
            "There is no class %d: expected 0 to %d, or %d for no class."
                .formatted(y[i], config.numClasses() - 1, config.nullClass()));
      }
      System.arraycopy(labelTable, y[i] * d, labels, i * d, d);
    }
    return labels;
  }
}
