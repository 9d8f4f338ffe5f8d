package lazydit.sampler;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lazydit.engine.LazyDitException;

/**
 * What to draw, and how. Immutable; {@link #of} starts with what the command line does by default,
 * {@link #toBuilder} changes parts.
 *
 * @param labels the class of each picture; the run draws one for each entry
 * @param steps the number of denoising steps, 1 to 1000
 * @param method the rule for a step
 * @param eta how much fresh noise each DDIM step adds, 0 to 1; 0 for all others
 * @param guidanceScale the strength of classifier-free guidance; 1 for none, at half the cost
 * @param guidanceChannels what guidance acts on; empty for the first three channels of a 4-channel
 *     latent and all of anything else
 * @param seed any number
 * @param firstPicture the place of the first picture among all that the seed gives, at least 0: a
 *     run of pictures 0 to 99 and one from 100 on give what a run of both together gives. Other
 *     than 0 with {@link NoiseSource#PHILOX} only
 * @param noise which random numbers the seed starts
 * @param gates the lazy gates
 * @param attnThreshold attention is computed where its score is at least this, 0 to 1; empty for
 *     what the gate file says, or 0.5
 * @param mlpThreshold the MLP is computed where its score is at least this, as for attention
 * @param batchSize how many pictures to draw together at most, 1 to 1024; empty for up to 16, fewer
 *     where memory is short or a processor's cache holds fewer. Pictures do not depend on it
 * @param progress told after every step
 * @param cancelled asked before every step whether to stop
 */
public record SampleRequest(
    List<Integer> labels,
    int steps,
    Method method,
    double eta,
    double guidanceScale,
    Optional<Guidance.Channels> guidanceChannels,
    long seed,
    long firstPicture,
    NoiseSource noise,
    GateChoice gates,
    OptionalDouble attnThreshold,
    OptionalDouble mlpThreshold,
    OptionalInt batchSize,
    ProgressListener progress,
    BooleanSupplier cancelled) {

  /** The length of the process that DiTs are trained with. */
  static final int MAX_STEPS = 1000;

  private static final int MAX_BATCH = 1024;

  /** The rules for a step. */
  public enum Method {
    /** {@link DdimSampler}. */
    DDIM,
    /** {@link DdpmSampler}. */
    DDPM,
    /** {@link DpmSolverSampler}: order 2, evenly spread timesteps, no noise at the end. */
    DPM_SOLVER,
    /** {@link EulerSampler}, for networks that predict velocities, such as SiT. */
    EULER;

    /** {@return its name on the command line} */
    public String label() {
      return this == DPM_SOLVER ? "dpm++" : name().toLowerCase(Locale.ROOT);
    }

    /**
     * {@return the method of that name, in upper or lower case}
     *
     * @param label such as {@code "dpm++"}
     * @throws LazyDitException when there is none
     */
    public static Method parse(String label) {
      return Stream.of(values())
          .filter(method -> method.label().equalsIgnoreCase(label))
          .findFirst()
          .orElseThrow(
              () ->
                  new LazyDitException(
                      "There is no sampler \"%s\": expected ddim, ddpm, dpm++ or euler."
                          .formatted(label)));
    }

    /** {@return its name for people} */
    @Override
    public String toString() {
      return switch (this) {
        case DPM_SOLVER -> "DPM-Solver++(2M)";
        case EULER -> "Euler";
        default -> name();
      };
    }
  }

  /** The random numbers that a seed starts. */
  public enum NoiseSource {
    /** {@link PhiloxNoise}: a picture depends on its seed and place only. */
    PHILOX,
    /** {@link TorchNoise}: the numbers that PyTorch's reference script draws on the CPU. */
    TORCH
  }

  /**
   * Checks the numbers.
   *
   * @throws LazyDitException when one is out of its range, or no picture is asked for
   */
  public SampleRequest {
    labels = List.copyOf(labels);
    require(!labels.isEmpty(), "At least one picture has to be asked for.");
    require(steps >= 1 && steps <= MAX_STEPS, "Steps must be 1 to 1000, but are " + steps + ".");
    require(eta >= 0 && eta <= 1, "Eta must lie in [0, 1], but is " + eta + ".");
    require(
        eta == 0 || method == Method.DDIM,
        "Eta belongs to DDIM; with another sampler it must be left out.");
    require(
        Double.isFinite(guidanceScale),
        "A guidance scale must be finite, but is " + guidanceScale + ".");
    require(firstPicture >= 0, "The first picture cannot be number " + firstPicture + ".");
    require(
        firstPicture == 0 || noise == NoiseSource.PHILOX,
        "PyTorch's noise begins with picture 0, not %d.".formatted(firstPicture));
    requireThreshold("attention", attnThreshold);
    requireThreshold("the MLP", mlpThreshold);
    require(
        batchSize.orElse(1) >= 1 && batchSize.orElse(1) <= MAX_BATCH,
        "A batch must hold 1 to 1024 pictures, but is to hold " + batchSize.orElse(1) + ".");
  }

  private static void requireThreshold(String module, OptionalDouble threshold) {
    double value = threshold.orElse(0);
    require(
        value >= 0 && value <= 1,
        "The threshold of " + module + " must lie in [0, 1], but is " + value + ".");
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new LazyDitException(message);
    }
  }

  /**
   * A request with the defaults: 20 steps of DDIM with eta 0, guidance 1.5, seed 0, the model's own
   * gates.
   *
   * @param labels the class of each picture, at least one
   * @return the request
   */
  public static SampleRequest of(int... labels) {
    return builder().labels(labels).build();
  }

  /** {@return a builder with the defaults of {@link #of}, and no labels yet} */
  public static Builder builder() {
    return new Builder();
  }

  /** {@return a builder that begins with this request} */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.labels = labels;
    builder.steps = steps;
    builder.method = method;
    builder.eta = eta;
    builder.guidanceScale = guidanceScale;
    builder.guidanceChannels = guidanceChannels;
    builder.seed = seed;
    builder.firstPicture = firstPicture;
    builder.noise = noise;
    builder.gates = gates;
    builder.attnThreshold = attnThreshold;
    builder.mlpThreshold = mlpThreshold;
    builder.batchSize = batchSize;
    builder.progress = progress;
    builder.cancelled = cancelled;
    return builder;
  }

  /** Collects the parts of a request, each documented there. */
  public static final class Builder {
    private List<Integer> labels = List.of();
    private int steps = 20;
    private Method method = Method.DDIM;
    private double eta;
    private double guidanceScale = 1.5;
    private Optional<Guidance.Channels> guidanceChannels = Optional.empty();
    private long seed;
    private long firstPicture;
    private NoiseSource noise = NoiseSource.PHILOX;
    private GateChoice gates = GateChoice.DEFAULT;
    private OptionalDouble attnThreshold = OptionalDouble.empty();
    private OptionalDouble mlpThreshold = OptionalDouble.empty();
    private OptionalInt batchSize = OptionalInt.empty();
    private ProgressListener progress = ProgressListener.NONE;
    private BooleanSupplier cancelled = () -> false;

    private Builder() {}

    /**
     * One picture of each of these classes.
     *
     * @param labels the class of each picture
     * @return this builder
     */
    public Builder labels(int... labels) {
      this.labels = IntStream.of(labels).boxed().toList();
      return this;
    }

    /**
     * Some pictures of these classes in turn: first one of each, then another of each.
     *
     * @param count how many pictures
     * @param classes the classes, at least one
     * @return this builder
     */
    public Builder cycle(int count, int... classes) {
      require(count >= 1, "The count must be at least 1, but is " + count + ".");
      require(classes.length >= 1, "At least one class has to be asked for.");
      return labels(
          IntStream.range(0, count).map(picture -> classes[picture % classes.length]).toArray());
    }

    /**
     * Sets the number of denoising steps.
     *
     * @param steps 1 to 1000
     * @return this builder
     */
    public Builder steps(int steps) {
      this.steps = steps;
      return this;
    }

    /**
     * Sets the rule for a step.
     *
     * @param method the rule
     * @return this builder
     */
    public Builder method(Method method) {
      this.method = method;
      return this;
    }

    /**
     * Sets how much fresh noise each DDIM step adds.
     *
     * @param eta 0 to 1
     * @return this builder
     */
    public Builder eta(double eta) {
      this.eta = eta;
      return this;
    }

    /**
     * Sets the strength of classifier-free guidance.
     *
     * @param scale 1 for none
     * @return this builder
     */
    public Builder guidance(double scale) {
      guidanceScale = scale;
      return this;
    }

    /**
     * Sets what guidance acts on.
     *
     * @param channels the channels
     * @return this builder
     */
    public Builder guidanceChannels(Guidance.Channels channels) {
      guidanceChannels = Optional.of(channels);
      return this;
    }

    /**
     * Sets the seed.
     *
     * @param seed any number
     * @return this builder
     */
    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    /**
     * Sets which of the seed's pictures comes first.
     *
     * @param index its place among all that the seed gives, at least 0
     * @return this builder
     */
    public Builder firstPicture(long index) {
      firstPicture = index;
      return this;
    }

    /**
     * Sets which random numbers the seed starts.
     *
     * @param noise the random numbers
     * @return this builder
     */
    public Builder noise(NoiseSource noise) {
      this.noise = noise;
      return this;
    }

    /**
     * Sets the lazy gates.
     *
     * @param gates the choice
     * @return this builder
     */
    public Builder gates(GateChoice gates) {
      this.gates = gates;
      return this;
    }

    /**
     * Sets both thresholds.
     *
     * @param attn of attention, 0 to 1
     * @param mlp of the MLP, 0 to 1
     * @return this builder
     */
    public Builder thresholds(double attn, double mlp) {
      attnThreshold = OptionalDouble.of(attn);
      mlpThreshold = OptionalDouble.of(mlp);
      return this;
    }

    /**
     * Sets how many pictures to draw together.
     *
     * @param most 1 to 1024
     * @return this builder
     */
    public Builder batchSize(int most) {
      batchSize = OptionalInt.of(most);
      return this;
    }

    /**
     * Sets whom to tell after every step.
     *
     * @param listener called by the thread that runs
     * @return this builder
     */
    public Builder progress(ProgressListener listener) {
      progress = listener;
      return this;
    }

    /**
     * Sets whom to ask before every step whether to stop.
     *
     * @param cancelled true to stop
     * @return this builder
     */
    public Builder cancelled(BooleanSupplier cancelled) {
      this.cancelled = cancelled;
      return this;
    }

    /**
     * {@return the request}
     *
     * @throws LazyDitException when a number is out of its range, or no picture is asked for
     */
    public SampleRequest build() {
      return new SampleRequest(
          labels,
          steps,
          method,
          eta,
          guidanceScale,
          guidanceChannels,
          seed,
          firstPicture,
          noise,
          gates,
          attnThreshold,
          mlpThreshold,
          batchSize,
          progress,
          cancelled);
    }
  }
}
