package lazydit.dit;

/**
 * The architecture of a {@link Dit}: what all diffusion transformers have in common.
 *
 * <p>Immutable; equal when all sizes are.
 */
public sealed interface TransformerConfig permits DitConfig, LargeDitConfig {
  /** {@return height and width of the input, a multiple of the patch size} */
  int inputSize();

  /** {@return p, side of a patch} */
  int patchSize();

  /** {@return C, channels of the input} */
  int inChannels();

  /** {@return D, features of a token} */
  int hiddenSize();

  /** {@return L, how many blocks} */
  int depth();

  /** {@return heads of attention} */
  int numHeads();

  /** {@return heads of keys and values, each shared by equally many heads of queries} */
  int numKvHeads();

  /** {@return hidden features of the feed-forward network} */
  int mlpHidden();

  /** {@return features of the embeddings of timestep and label} */
  int conditioningSize();

  /** {@return classes, without the null class of classifier-free guidance} */
  int numClasses();

  /** {@return whether the output holds a variance beside eps} */
  boolean learnSigma();

  /** {@return how many learned numbers the network has, a stored position table included} */
  long parameters();

  /**
   * Multiply-adds of one branch of one block for one sample: what a reuse saves.
   *
   * @param branch which branch
   * @return how many
   */
  long multiplyAdds(Branch branch);

  /** {@return one line for people} */
  String describe();

  /** {@return patches along a side} */
  default int grid() {
    return inputSize() / patchSize();
  }

  /** {@return T, tokens of a sample} */
  default int tokens() {
    return grid() * grid();
  }

  /** {@return features of a head} */
  default int headDim() {
    return hiddenSize() / numHeads();
  }

  /** {@return Cout: channels of the output, twice the input's when sigma is learned} */
  default int outChannels() {
    return learnSigma() ? 2 * inChannels() : inChannels();
  }

  /** {@return the label that stands for "no class" in classifier-free guidance} */
  default int nullClass() {
    return numClasses();
  }

  /** {@return values of one input sample, {@code C * H * W}} */
  default int inputLength() {
    return inChannels() * inputSize() * inputSize();
  }

  /** {@return values of one output sample, {@code Cout * H * W}} */
  default int outputLength() {
    return outChannels() * inputSize() * inputSize();
  }
}
