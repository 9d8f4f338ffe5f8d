package lazydit.weights;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Supplier;
import lazydit.dit.LazyGates;
import lazydit.dit.WeightSource;

/**
 * The gates of lazy learning as a file holds them: one vector for each sampling step, block and
 * module (LazyDiT, arXiv 2412.12444).
 *
 * <p>Two forms are read. The authors' torch.save files name every vector ({@code
 * block_{l}_attn_lazy_learning_weight_{s}}, shape {@code [1, D]}) and say nothing else. Ours is a
 * safetensors file of two tensors, {@code gates.attn} and {@code gates.mlp}, with the step count,
 * the timestep map, the thresholds and the base model's {@link Fingerprint} in its metadata.
 *
 * @param source where the gates come from, for messages
 * @param steps number of sampling steps S; index 0 is the step of lowest noise
 * @param depth number of blocks L
 * @param hiddenSize length of a vector D
 * @param attn gates of the attention modules, {@code [S, L, D]}; not copied
 * @param mlp gates of the MLP modules, {@code [S, L, D]}; not copied
 * @param attnThreshold attention is computed when its score is at least this, if the file says so
 * @param mlpThreshold the MLP is computed when its score is at least this, if the file says so
 * @param timestepMap the original timestep of each step, {@code [S]}, if the file says so
 * @param fingerprint the {@link Fingerprint} of the model the gates were learned for, if the file
 *     says so
 */
public record LazyGateFile(
    String source,
    int steps,
    int depth,
    int hiddenSize,
    float[] attn,
    float[] mlp,
    OptionalDouble attnThreshold,
    OptionalDouble mlpThreshold,
    Optional<int[]> timestepMap,
    Optional<String> fingerprint) {

  static final String ATTN = "gates.attn";
  static final String MLP = "gates.mlp";
  private static final String FORMAT = "lazydit-gates";
  static final long MAX_ELEMENTS = 1 << 30;

  /**
   * Checks that the arrays have the sizes they are said to have.
   *
   * @throws CheckpointException when they do not, or when a gate or threshold is not finite
   */
  public LazyGateFile {
    long size = size(source, steps, depth, hiddenSize);
    requireValues(source, "attn", attn, size);
    requireValues(source, "mlp", mlp, size);
    if (timestepMap.isPresent() && timestepMap.get().length != steps) {
      throw new CheckpointException(
          source,
          "its timestep map has " + timestepMap.get().length + " entries for " + steps + " steps");
    }
  }

  /** How many numbers the gates of a module are. */
  static long size(String source, long steps, long depth, long hiddenSize) {
    if (steps < 1
        || depth < 1
        || hiddenSize < 1
        || steps > MAX_ELEMENTS / depth
        || steps * depth > MAX_ELEMENTS / hiddenSize) {
      throw new CheckpointException(
          source,
          "gates for %d steps, %d blocks and hidden size %d are not possible"
              .formatted(steps, depth, hiddenSize));
    }
    return steps * depth * hiddenSize;
  }

  private static void requireValues(String source, String module, float[] values, long size) {
    if (values.length != size) {
      throw new CheckpointException(
          source, "holds " + values.length + " numbers of " + module + " gates, not " + size);
    }
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new CheckpointException(source, "holds " + value + " among its " + module + " gates");
      }
    }
  }

  /**
   * Reads a gate file of either form.
   *
   * @param path the file
   * @return its gates
   * @throws CheckpointException when it cannot be read or is not a gate file: a vector missing, too
   *     many, or of another shape
   */
  public static LazyGateFile read(Path path) {
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      return read(checkpoint);
    }
  }

  /**
   * Reads a gate file of either form that is open already.
   *
   * @param checkpoint the file; may be closed afterwards
   * @return its gates; of a {@link LazyGateSet} the usual ones
   * @throws CheckpointException when it is not a gate file: a vector missing, too many, or of
   *     another shape
   */
  public static LazyGateFile read(Checkpoint checkpoint) {
    return LazyGateSet.read(checkpoint).usual();
  }

  /** Reads one point of several, or (-1) the only one. */
  static LazyGateFile readPoint(Checkpoint checkpoint, int point) {
    if (point >= 0 || checkpoint.contains(ATTN) || checkpoint.contains(MLP)) {
      return readOwn(checkpoint, point);
    }
    return OfficialGates.read(checkpoint);
  }

  /**
   * {@return whether a file's names are those of a gate file, of either form}
   *
   * @param checkpoint an open file
   */
  public static boolean recognises(Checkpoint checkpoint) {
    List<String> names = checkpoint.names();
    return !names.isEmpty()
        && names.stream()
            .allMatch(name -> name.equals(ATTN) || name.equals(MLP) || OfficialGates.isGate(name));
  }

  /**
   * Picks the gates out of weights that hold them under their official names, beside anything else.
   *
   * @param source the weights
   * @return the gates
   * @throws CheckpointException when a vector is missing or of another shape
   */
  public static LazyGateFile of(WeightSource source) {
    return OfficialGates.of(source);
  }

  // ---- our own form

  private static LazyGateFile readOwn(Checkpoint checkpoint, int point) {
    String file = checkpoint.describe();
    requireOwn(checkpoint, point);
    long[] shape = checkpoint.shape(ATTN);
    int at = shape.length - 3;
    int size = (int) size(file, shape[at], shape[at + 1], shape[at + 2]);
    Map<String, String> metadata = checkpoint.metadata();
    Optional<String> steps = Optional.ofNullable(metadata.get("steps"));
    if (steps.isPresent() && !steps.get().equals(Long.toString(shape[at]))) {
      throw new CheckpointException(
          file, "says that it has " + steps.get() + " steps but holds gates for " + shape[at]);
    }
    return new LazyGateFile(
        file,
        (int) shape[at],
        (int) shape[at + 1],
        (int) shape[at + 2],
        part(checkpoint.tensor(ATTN), point, size),
        part(checkpoint.tensor(MLP), point, size),
        threshold(file, metadata, "attn_threshold"),
        threshold(file, metadata, "mlp_threshold"),
        Optional.ofNullable(metadata.get("timestep_map")).map(text -> timesteps(file, text)),
        Optional.ofNullable(metadata.get("base_model_sha256")));
  }

  private static void requireOwn(Checkpoint checkpoint, int point) {
    long[] shape = checkpoint.shape(ATTN);
    long[] mlpShape = checkpoint.shape(MLP);
    boolean several = point >= 0;
    if (shape.length != (several ? 4 : 3)
        || several && point >= shape[0]
        || checkpoint.names().size() != 2
        || !Arrays.equals(shape, mlpShape)) {
      throw new CheckpointException(
          checkpoint.describe(),
          "a gate file holds '%s' and '%s' of one shape %s; this one holds %s"
              .formatted(
                  ATTN,
                  MLP,
                  several ? "[points, steps, blocks, hidden size]" : "[steps, blocks, hidden size]",
                  checkpoint.tensors().values()));
    }
  }

  private static float[] part(StoredTensor tensor, int point, int size) {
    float[] values = new float[size];
    tensor.readFloats((long) Math.max(point, 0) * size, values, 0, size);
    return values;
  }

  private static OptionalDouble threshold(String file, Map<String, String> metadata, String key) {
    String text = metadata.get(key);
    if (text == null) {
      return OptionalDouble.empty();
    }
    if (Json.parse(text, file) instanceof Number number) {
      return OptionalDouble.of(number.doubleValue());
    }
    throw new CheckpointException(file, "its " + key + " '" + text + "' is not a number");
  }

  private static int[] timesteps(String file, String text) {
    if (Json.parse(text, file) instanceof List<?> items
        && items.stream().allMatch(item -> item instanceof Long t && t >= 0 && t <= 1 << 24)) {
      return items.stream().mapToInt(item -> ((Long) item).intValue()).toArray();
    }
    throw new CheckpointException(file, "its timestep_map is not a list of timesteps");
  }

  /**
   * Writes the gates in our own form.
   *
   * @param path the file, replaced when there is one
   * @throws CheckpointException when it cannot be written
   */
  public void write(Path path) {
    writer()
        .add(ATTN, attn, steps, depth, hiddenSize)
        .add(MLP, mlp, steps, depth, hiddenSize)
        .writeTo(path);
  }

  /** Writes what is said about the gates. */
  SafetensorsWriter writer() {
    SafetensorsWriter writer =
        new SafetensorsWriter()
            .metadata("format", FORMAT)
            .metadata("steps", Integer.toString(steps));
    attnThreshold.ifPresent(value -> writer.metadata("attn_threshold", Json.write(value)));
    mlpThreshold.ifPresent(value -> writer.metadata("mlp_threshold", Json.write(value)));
    timestepMap.ifPresent(map -> writer.metadata("timestep_map", Json.write(map)));
    fingerprint.ifPresent(hash -> writer.metadata("base_model_sha256", hash));
    return writer;
  }

  /** The same with other vectors. */
  LazyGateFile withVectors(float[] attn, float[] mlp) {
    return new LazyGateFile(
        source,
        steps,
        depth,
        hiddenSize,
        attn,
        mlp,
        attnThreshold,
        mlpThreshold,
        timestepMap,
        fingerprint);
  }

  /**
   * The gates as a policy.
   *
   * @param attn attention is reused below this score
   * @param mlp the MLP is reused below this score
   * @return the policy, which shares the arrays
   */
  public LazyGates toLazyGates(float attn, float mlp) {
    return new LazyGates(steps, depth, hiddenSize, this.attn, this.mlp, attn, mlp);
  }

  /**
   * The same gates with more said about them.
   *
   * @param attn threshold of the attention gates
   * @param mlp threshold of the MLP gates
   * @param timesteps the original timestep of each step, {@code [S]}
   * @param baseModel the {@link Fingerprint} of the model they were learned for
   * @return a gate file to {@link #write}
   */
  public LazyGateFile described(double attn, double mlp, int[] timesteps, String baseModel) {
    return new LazyGateFile(
        source,
        steps,
        depth,
        hiddenSize,
        this.attn,
        this.mlp,
        OptionalDouble.of(attn),
        OptionalDouble.of(mlp),
        Optional.of(timesteps.clone()),
        Optional.of(baseModel));
  }

  /**
   * The same gates with the model that they were learned for.
   *
   * @param baseModel the {@link Fingerprint} of the model
   * @return a gate file to {@link #write}
   */
  public LazyGateFile learnedFor(String baseModel) {
    return new LazyGateFile(
        source,
        steps,
        depth,
        hiddenSize,
        attn,
        mlp,
        attnThreshold,
        mlpThreshold,
        timestepMap,
        Optional.of(baseModel));
  }

  /**
   * Refuses gates that were not made for a model and a sampling schedule.
   *
   * @param modelDepth the model's number of blocks
   * @param modelHiddenSize the model's hidden size
   * @param samplingSteps the schedule's number of steps
   * @param samplingTimesteps the schedule's original timestep of each step, {@code [S]}
   * @param modelFingerprint asked for the model's {@link Fingerprint}, only when the file holds one
   * @throws CheckpointException when they do not fit, with the reason
   */
  public void requireFits(
      int modelDepth,
      int modelHiddenSize,
      int samplingSteps,
      int[] samplingTimesteps,
      Supplier<String> modelFingerprint) {
    requireEqual("blocks", depth, modelDepth, "the model has");
    requireEqual("features", hiddenSize, modelHiddenSize, "the model has");
    requireEqual("steps", steps, samplingSteps, "sampling takes");
    if (timestepMap.isPresent() && !Arrays.equals(timestepMap.get(), samplingTimesteps)) {
      int at = Arrays.mismatch(timestepMap.get(), samplingTimesteps);
      throw misfit(
          "step %d was timestep %s, but here it is %s"
              .formatted(at, at(timestepMap.get(), at), at(samplingTimesteps, at)));
    }
    if (fingerprint.isPresent() && !fingerprint.get().equals(modelFingerprint.get())) {
      throw misfit(
          "they were learned for the model of fingerprint %s, but this one's is %s"
              .formatted(brief(fingerprint.get()), brief(modelFingerprint.get())));
    }
  }

  private static Object at(int[] values, int index) {
    return index < values.length ? values[index] : "none";
  }

  private static String brief(String hash) {
    return hash.length() > 12 ? hash.substring(0, 12) + "..." : hash;
  }

  private void requireEqual(String what, int own, int other, String who) {
    if (own != other) {
      throw misfit("they are for %d %s, but %s %d".formatted(own, what, who, other));
    }
  }

  private CheckpointException misfit(String reason) {
    return new CheckpointException(source, "these gates do not fit: " + reason);
  }
}
