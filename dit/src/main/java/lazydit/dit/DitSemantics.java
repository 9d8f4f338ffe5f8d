package lazydit.dit;

/**
 * What two implementations compute differently with the same weights. The published weights were
 * trained with facebook's.
 *
 * @param frequencyShift the timestep's frequencies are {@code 10000^(-i / (half - shift))}
 * @param mlpEps added to the variance by the norm before the feed-forward network
 */
public record DitSemantics(int frequencyShift, float mlpEps) {
  /** DiT as it was published and trained. */
  public static final DitSemantics FACEBOOK = new DitSemantics(0, 1e-6f);

  /** DiT as Hugging Face diffusers computes it. */
  public static final DitSemantics DIFFUSERS = new DitSemantics(1, 1e-5f);
}
