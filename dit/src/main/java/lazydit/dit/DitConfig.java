package lazydit.dit;

import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import lazydit.engine.LazyDitException;

/**
 * The architecture of a DiT (Peebles and Xie 2023, table 1).
 *
 * @param inputSize height and width of the input, a multiple of the patch size
 * @param patchSize p, side of a patch
 * @param inChannels C, channels of the input
 * @param hiddenSize D, features of a token
 * @param depth L, how many blocks
 * @param numHeads heads of attention; divides the hidden size
 * @param mlpHidden hidden features of the feed-forward network
 * @param numClasses classes, without the null class of classifier-free guidance
 * @param learnSigma whether the output holds a variance beside eps
 */
public record DitConfig(
    int inputSize,
    int patchSize,
    int inChannels,
    int hiddenSize,
    int depth,
    int numHeads,
    int mlpHidden,
    int numClasses,
    boolean learnSigma)
    implements TransformerConfig {

  private record Preset(String name, int depth, int hiddenSize, int numHeads) {}

  private static final List<Preset> PRESETS =
      List.of(
          new Preset("S", 12, 384, 6),
          new Preset("B", 12, 768, 12),
          new Preset("L", 24, 1024, 16),
          new Preset("XL", 28, 1152, 16));

  private static final List<Integer> PATCHES = List.of(2, 4, 8);

  private static final int MAX_TOKENS = 1 << 16;

  /**
   * Checks the sizes.
   *
   * @throws LazyDitException when a size is out of range or one does not divide the other
   */
  public DitConfig {
    positive("input size", inputSize);
    positive("patch size", patchSize);
    positive("number of channels", inChannels);
    positive("hidden size", hiddenSize);
    positive("depth", depth);
    positive("number of heads", numHeads);
    positive("hidden size of the feed-forward network", mlpHidden);
    positive("number of classes", numClasses);
    if (inputSize % patchSize != 0) {
      throw new LazyDitException(
          "The input size %d is not a multiple of the patch size %d."
              .formatted(inputSize, patchSize));
    }
    if (hiddenSize % numHeads != 0 || hiddenSize % 4 != 0) {
      throw new LazyDitException(
          "The hidden size %d must be a multiple of 4 and of the number of heads, %d."
              .formatted(hiddenSize, numHeads));
    }
    long grid = inputSize / patchSize;
    if (grid * grid > MAX_TOKENS) {
      throw new LazyDitException(
          "An input of %d x %d in patches of %d makes more than %d tokens."
              .formatted(inputSize, inputSize, patchSize, MAX_TOKENS));
    }
    fitsArray(inputSize, learnSigma ? 2L * inChannels : inChannels);
  }

  private static void fitsArray(long size, long channels) {
    if (size * size * channels > Integer.MAX_VALUE) {
      throw new LazyDitException(
          "A sample of %d x %d x %d values is more than an array holds."
              .formatted(channels, size, size));
    }
  }

  private static void positive(String what, int value) {
    if (value < 1 || value > CheckpointShapes.MAX_SIZE) {
      throw new LazyDitException(
          "The %s must be between 1 and %d, not %d."
              .formatted(what, CheckpointShapes.MAX_SIZE, value));
    }
  }

  /**
   * A published architecture.
   *
   * @param name such as {@code DiT-XL/2}: size S, B, L or XL, patch 2, 4 or 8
   * @param inputSize height and width of the latent, 32 for images of 256 pixels
   * @param inChannels channels of the latent
   * @param numClasses classes without the null class
   * @param learnSigma whether the model learns its variance
   * @return the architecture
   * @throws LazyDitException when there is no such preset
   */
  public static DitConfig preset(
      String name, int inputSize, int inChannels, int numClasses, boolean learnSigma) {
    String[] parts = name.replaceFirst("^(?i)dit-", "").split("/", -1);
    for (Preset p : PRESETS) {
      for (int patch : PATCHES) {
        if (parts.length == 2
            && p.name.equals(parts[0].toUpperCase(Locale.ROOT))
            && parts[1].equals(Integer.toString(patch))) {
          return new DitConfig(
              inputSize,
              patch,
              inChannels,
              p.hiddenSize,
              p.depth,
              p.numHeads,
              4 * p.hiddenSize,
              numClasses,
              learnSigma);
        }
      }
    }
    throw new LazyDitException(
        "There is no preset %s: expected DiT-S, -B, -L or -XL with /2, /4 or /8.".formatted(name));
  }

  /**
   * Reads the architecture off the shapes of a checkpoint's tensors. All but the number of heads
   * follows from them; that comes from the caller, or from the preset of the same hidden size.
   *
   * @param weights the checkpoint
   * @param heads the number of heads, when the caller knows it
   * @return the architecture
   * @throws LazyDitException when a tensor is missing or the shapes do not fit each other
   */
  public static DitConfig derive(WeightSource weights, OptionalInt heads) {
    return derive(weights, heads, OptionalInt.empty());
  }

  /**
   * Reads the architecture off the shapes of a checkpoint's tensors, which may lack the position
   * table that tells the size of the input.
   *
   * @param weights the checkpoint
   * @param heads the number of heads, when the caller knows it
   * @param inputSize height and width of the input, when the caller knows it; not used where there
   *     is a position table
   * @return the architecture
   * @throws LazyDitException when a tensor is missing or the shapes do not fit each other
   */
  public static DitConfig derive(WeightSource weights, OptionalInt heads, OptionalInt inputSize) {
    CheckpointShapes shapes = new CheckpointShapes(weights, "DiT");
    long[] patch = shapes.of("x_embedder.proj.weight", 4);
    long[] table = shapes.of("y_embedder.embedding_table.weight", 2);
    long[] last = shapes.of("final_layer.linear.weight", 2);
    int depth = shapes.count("blocks.", ".attn.qkv.weight");
    long[] hidden = shapes.of("blocks.0.mlp.fc1.weight", 2);
    long patchOutput = patch[2] * patch[3] * patch[1];
    boolean learnSigma = last[0] == 2 * patchOutput;
    if (patch[2] != patch[3] || !learnSigma && last[0] != patchOutput) {
      throw new LazyDitException(
          "%s: final_layer.linear.weight has %d rows, which is neither once nor twice the %d x %d x %d values of a patch in x_embedder.proj.weight."
              .formatted(weights.describe(), last[0], patch[1], patch[2], patch[3]));
    }
    int hiddenSize = shapes.checked("hidden size", patch[0]);
    return new DitConfig(
        shapes.checked("input size", inputSize(weights, shapes, patch[2], inputSize)),
        shapes.checked("patch size", patch[2]),
        shapes.checked("number of channels", patch[1]),
        hiddenSize,
        depth,
        heads.orElseGet(() -> presetHeads(weights, hiddenSize)),
        shapes.checked("hidden size of the feed-forward network", hidden[0]),
        shapes.checked("number of classes", table[0] - 1),
        learnSigma);
  }

  private static long inputSize(
      WeightSource weights, CheckpointShapes shapes, long patch, OptionalInt known) {
    if (known.isPresent() && !weights.contains("pos_embed")) {
      return known.getAsInt();
    }
    long[] positions = shapes.of("pos_embed", 3);
    long grid = Math.round(Math.sqrt(positions[1]));
    if (grid * grid != positions[1]) {
      throw new LazyDitException(
          "%s: pos_embed has %d tokens, which is not a square number."
              .formatted(weights.describe(), positions[1]));
    }
    return grid * patch;
  }

  private static int presetHeads(WeightSource weights, int hiddenSize) {
    return PRESETS.stream()
        .filter(p -> p.hiddenSize == hiddenSize)
        .findFirst()
        .map(Preset::numHeads)
        .orElseThrow(
            () ->
                new LazyDitException(
                    "%s does not say how many heads it has, and %d is no preset's hidden size: give the number (--heads)."
                        .formatted(weights.describe(), hiddenSize)));
  }

  @Override
  public int numKvHeads() {
    return numHeads;
  }

  @Override
  public int conditioningSize() {
    return hiddenSize;
  }

  @Override
  public long parameters() {
    long d = hiddenSize;
    long patchIn = (long) inChannels * patchSize * patchSize;
    long patchOut = (long) outChannels() * patchSize * patchSize;
    long embedders =
        d * patchIn + d + tokens() * d + 256 * d + d + d * d + d + (numClasses + 1) * d;
    long attention = 3 * d * d + 3 * d + d * d + d;
    long mlp = 2 * d * mlpHidden + mlpHidden + d;
    long modulation = 6 * d * d + 6 * d;
    long last = 2 * d * d + 2 * d + patchOut * d + patchOut;
    return embedders + depth * (attention + mlp + modulation) + last;
  }

  @Override
  public long multiplyAdds(Branch branch) {
    long t = tokens();
    long d = hiddenSize;
    return branch == Branch.ATTN ? 4 * t * d * d + 2 * t * t * d : 2 * t * d * mlpHidden;
  }

  @Override
  public String describe() {
    String name =
        PRESETS.stream()
            .filter(p -> p.hiddenSize == hiddenSize && p.depth == depth && p.numHeads == numHeads)
            .findFirst()
            .map(p -> "DiT-" + p.name + "/" + patchSize)
            .orElse("DiT");
    return String.format(
        Locale.ROOT,
        "%s: %d blocks, hidden size %d, %d heads, patch %d, %d x %d x %d in, %d channels out, %d"
            + " classes, %.1f M parameters",
        name,
        depth,
        hiddenSize,
        numHeads,
        patchSize,
        inChannels,
        inputSize,
        inputSize,
        outChannels(),
        numClasses,
        parameters() / 1e6);
  }
}
