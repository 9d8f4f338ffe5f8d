package lazydit.sampler;

import lazydit.engine.LazyDitException;

/**
 * Classifier-free guidance (Ho and Salimans 2022): the network runs every sample twice, with its
 * label and with the null label, and the prediction is pushed away from the null one:
 *
 * <pre>
 *   guided = null + scale (conditional - null)
 * </pre>
 *
 * @param scale how far to push; 1 leaves the conditional prediction as it is
 * @param channels which channels of the prediction are guided
 */
public record Guidance(double scale, Channels channels) {
  /** No guidance: the network need not run the null half at all. */
  public static final Guidance OFF = new Guidance(1, Channels.ALL);

  /** Which channels are guided; those of a learned variance never are. */
  public enum Channels {
    /**
     * The first three (or all, of fewer), as DiT's official code does even though its latents have
     * four: needed to reproduce published images.
     */
    FIRST_3,
    /** All channels of the sample. */
    ALL;

    /**
     * {@return the choice of that name}
     *
     * @param text {@code "3"} or {@code "all"}
     * @throws LazyDitException when the text is neither
     */
    public static Channels parse(String text) {
      return switch (text) {
        case "3" -> FIRST_3;
        case "all" -> ALL;
        default ->
            throw new LazyDitException(
                "Guided channels must be \"3\" or \"all\", but are \"" + text + "\".");
      };
    }
  }

  /**
   * Checks the scale.
   *
   * @throws LazyDitException when {@code scale} is not finite
   */
  public Guidance {
    if (!Double.isFinite(scale)) {
      throw new LazyDitException("A guidance scale must be finite, but is " + scale + ".");
    }
  }

  /** {@return whether guidance changes anything, so that the null half must be computed} */
  public boolean isOn() {
    return scale != 1;
  }

  /**
   * Guides a network output in place. Both halves get the guided prediction, each keeps its own
   * remaining channels; samplers go on with the first half.
   *
   * @param modelOutput {@code [2N, Cout, H, W]}: N conditional rows, then the null rows of the same
   *     samples; may be longer
   * @param samples N
   * @param sampleChannels C, the number of channels of a sample
   * @param outputChannels Cout, C or 2C
   * @param pixels {@code H * W}
   */
  public void apply(
      float[] modelOutput, int samples, int sampleChannels, int outputChannels, int pixels) {
    int guided = (channels == Channels.ALL ? sampleChannels : Math.min(3, sampleChannels)) * pixels;
    int row = outputChannels * pixels;
    for (int sample = 0; sample < samples; sample++) {
      int conditional = sample * row;
      int unconditional = (samples + sample) * row;
      for (int i = 0; i < guided; i++) {
        float base = modelOutput[unconditional + i];
        float value = base + (float) scale * (modelOutput[conditional + i] - base);
        modelOutput[conditional + i] = value;
        modelOutput[unconditional + i] = value;
      }
    }
  }
}
