package lazydit.dit;

import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import lazydit.engine.LazyDitException;

/**
 * The architecture of a Large-DiT (Alpha-VLLM's DiT in the manner of LLaMA): rotary positions,
 * root-mean-square norms, normalised queries and keys, grouped heads, SwiGLU.
 *
 * @param inputSize height and width of the input, a multiple of the patch size
 * @param patchSize p, side of a patch
 * @param inChannels C, channels of the input
 * @param hiddenSize D, features of a token
 * @param depth L, how many blocks
 * @param numHeads heads of attention; divides the hidden size, with an even number of features each
 * @param numKvHeads heads of keys and values; divides the number of heads
 * @param mlpHidden hidden features of the feed-forward network
 * @param numClasses classes, without the null class of classifier-free guidance
 * @param learnSigma whether the output holds a variance beside eps
 * @param qkNorm whether queries and keys are normalised
 */
public record LargeDitConfig(
    int inputSize,
    int patchSize,
    int inChannels,
    int hiddenSize,
    int depth,
    int numHeads,
    int numKvHeads,
    int mlpHidden,
    int numClasses,
    boolean learnSigma,
    boolean qkNorm)
    implements TransformerConfig {
  private static final int WIDEST_CONDITIONING = 1024;

  /** The heads of all published sizes. */
  private static final int PUBLISHED_HEADS = 32;

  /** A published size, all of them with 32 heads and patches of 2. */
  private record Preset(String name, int hiddenSize, int depth) {}

  private static final List<Preset> PRESETS =
      List.of(new Preset("600M", 1536, 16), new Preset("3B", 3072, 32), new Preset("7B", 4096, 32));

  /**
   * Checks the sizes.
   *
   * @throws LazyDitException when a size is out of range or one does not divide the other
   */
  public LargeDitConfig {
    // All that it has in common with a DiT is checked there.
    DitConfig common =
        new DitConfig(
            inputSize,
            patchSize,
            inChannels,
            hiddenSize,
            depth,
            numHeads,
            mlpHidden,
            numClasses,
            learnSigma);
    if (common.headDim() % 2 != 0) {
      throw new LazyDitException(
          "A head of %d features has no pairs to turn: an even number is needed."
              .formatted(common.headDim()));
    }
    if (numKvHeads < 1 || numHeads % numKvHeads != 0) {
      throw new LazyDitException(
          "%d heads cannot share %d heads of keys and values evenly."
              .formatted(numHeads, numKvHeads));
    }
  }

  /**
   * The hidden features of a feed-forward network.
   *
   * @param hiddenSize D
   * @param multiplier a factor, usually 1
   * @param multipleOf rounded up to a multiple of this, usually 256
   * @return {@code multipleOf * ceil(floor(multiplier * floor(2 * 4 D / 3)) / multipleOf)}
   * @throws LazyDitException when {@code multipleOf} is below 1
   */
  public static int ffnHidden(int hiddenSize, double multiplier, int multipleOf) {
    if (multipleOf < 1) {
      throw new LazyDitException(
          "Hidden features cannot be a multiple of " + multipleOf + ", which is below 1.");
    }
    int hidden = (int) (multiplier * (8L * hiddenSize / 3));
    return Math.ceilDiv(hidden, multipleOf) * multipleOf;
  }

  /**
   * A published architecture.
   *
   * @param name such as {@code Large-DiT-3B}: 600M, 3B or 7B
   * @param inputSize height and width of the latent, 32 for images of 256 pixels
   * @param numClasses classes without the null class
   * @return the architecture, for latents of 4 channels
   * @throws LazyDitException when there is no such preset
   */
  public static LargeDitConfig preset(String name, int inputSize, int numClasses) {
    String size = name.replaceFirst("^(?i)large-?dit-", "");
    for (Preset p : PRESETS) {
      if (p.name.equalsIgnoreCase(size)) {
        int hidden = ffnHidden(p.hiddenSize, 1, 256);
        return new LargeDitConfig(
            inputSize,
            2,
            4,
            p.hiddenSize,
            p.depth,
            PUBLISHED_HEADS,
            PUBLISHED_HEADS,
            hidden,
            numClasses,
            true,
            true);
      }
    }
    throw new LazyDitException(
        "There is no preset %s: expected Large-DiT-600M, -3B or -7B.".formatted(name));
  }

  /**
   * Whether a checkpoint is a Large-DiT's by its names.
   *
   * @param weights the checkpoint
   * @return whether it has what only a Large-DiT has
   */
  public static boolean matches(WeightSource weights) {
    return weights.contains("layers.0.attention.wq.weight");
  }

  /**
   * Reads the architecture off the shapes of a checkpoint's tensors, with patches of 2 as all
   * published models have. Neither the number of heads nor the size of the input leaves a trace
   * there.
   *
   * @param weights the checkpoint
   * @param heads the number of heads; empty for the 32 of the published sizes
   * @param inputSize height and width of the input; empty for 32, images of 256 pixels
   * @return the architecture
   * @throws LazyDitException when a tensor is missing or the shapes do not fit each other
   */
  public static LargeDitConfig derive(
      WeightSource weights, OptionalInt heads, OptionalInt inputSize) {
    CheckpointShapes shapes = new CheckpointShapes(weights, "Large-DiT");
    long[] patch = shapes.of("x_embedder.weight", 2);
    long[] table = shapes.of("y_embedder.embedding_table.weight", 2);
    long[] last = shapes.of("final_layer.linear.weight", 2);
    long[] keys = shapes.of("layers.0.attention.wk.weight", 2);
    long[] hidden = shapes.of("layers.0.feed_forward.w1.weight", 2);
    int patchSize = 2;
    int area = patchSize * patchSize;
    boolean learnSigma = last[0] == 2 * patch[1];
    if (patch[1] % area != 0 || !learnSigma && last[0] != patch[1]) {
      throw new LazyDitException(
          "%s: final_layer.linear.weight has %d rows, which is neither once nor twice the %d values of a patch in x_embedder.weight."
              .formatted(weights.describe(), last[0], patch[1]));
    }
    int d = shapes.checked("hidden size", patch[0]);
    int numHeads = heads.orElseGet(() -> publishedHeads(weights, d));
    if (numHeads < 1 || d % numHeads != 0 || keys[0] % (d / numHeads) != 0) {
      throw new LazyDitException(
          "%s: a hidden size of %d and %d rows of wk do not divide into %d heads."
              .formatted(weights.describe(), d, keys[0], numHeads));
    }
    return new LargeDitConfig(
        inputSize.orElse(32),
        patchSize,
        shapes.checked("number of channels", patch[1] / area),
        d,
        shapes.count("layers.", ".attention.wq.weight"),
        numHeads,
        shapes.checked("number of key heads", keys[0] / (d / numHeads)),
        shapes.checked("hidden size of the feed-forward network", hidden[0]),
        shapes.checked("number of classes", table[0] - 1),
        learnSigma,
        weights.contains("layers.0.attention.q_norm.weight"));
  }

  private static int publishedHeads(WeightSource weights, int hiddenSize) {
    if (PRESETS.stream().anyMatch(p -> p.hiddenSize == hiddenSize)) {
      return PUBLISHED_HEADS;
    }
    throw new LazyDitException(
        "%s does not say how many heads it has, and %d is no published hidden size: give the number (--heads)."
            .formatted(weights.describe(), hiddenSize));
  }

  @Override
  public int conditioningSize() {
    return Math.min(hiddenSize, WIDEST_CONDITIONING);
  }

  @Override
  public long parameters() {
    long d = hiddenSize;
    long c = conditioningSize();
    long patchIn = (long) inChannels * patchSize * patchSize;
    long patchOut = (long) outChannels() * patchSize * patchSize;
    long kv = (long) numKvHeads * headDim();
    long embedders = d * patchIn + d + 256 * c + c + c * c + c + (numClasses + 1) * c;
    long attention = 2 * d * d + 2 * kv * d + (qkNorm ? 2 * d + 2 * kv : 0);
    long block = attention + 3 * d * mlpHidden + 2 * d + 6 * d * c + 6 * d;
    long last = 2 * d * c + 2 * d + patchOut * d + patchOut;
    return embedders + depth * block + last;
  }

  @Override
  public long multiplyAdds(Branch branch) {
    long t = tokens();
    long d = hiddenSize;
    long kv = (long) numKvHeads * headDim();
    return branch == Branch.ATTN
        ? 2 * t * d * d + 2 * t * d * kv + 2 * t * t * d
        : 3 * t * d * mlpHidden;
  }

  @Override
  public String describe() {
    String name =
        PRESETS.stream()
            .filter(p -> p.hiddenSize == hiddenSize && p.depth == depth)
            .findFirst()
            .map(p -> "Large-DiT-" + p.name)
            .orElse("Large-DiT");
    return String.format(
        Locale.ROOT,
        "%s: %d blocks, hidden size %d, %d heads%s, patch %d, %d x %d x %d in, %d channels out, %d"
            + " classes, %.1f M parameters",
        name,
        depth,
        hiddenSize,
        numHeads,
        numKvHeads == numHeads ? "" : " on " + numKvHeads + " of keys",
        patchSize,
        inChannels,
        inputSize,
        inputSize,
        outChannels(),
        numClasses,
        parameters() / 1e6);
  }
}
