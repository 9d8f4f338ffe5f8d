package lazydit.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lazydit.dit.DitConfig;
import lazydit.dit.LargeDitConfig;
import lazydit.dit.TransformerConfig;
import lazydit.dit.WeightSource;
import lazydit.engine.WeightType;

/**
 * A diffusion transformer as it is published: a file of weights under facebook's names, the folder
 * of a diffusers pipeline or of its {@code transformer}, or Large-DiT's {@code consolidated*.pth}
 * with {@code model_args.pth} beside it, or their folder.
 *
 * <p>Which one it is, is seen from the names of the tensors. What leaves no trace in the shapes is
 * read from the files around them: the number of heads, the size of the input, names of classes.
 *
 * <p>Reading is safe for concurrent use; closing while others read is not.
 */
public final class DitFile implements AutoCloseable {
  /** Whose names and files these are. */
  public enum Layout {
    /** DiT's own, and SiT's. */
    FACEBOOK("facebook's names"),
    /** Hugging Face diffusers'. */
    DIFFUSERS("diffusers' names"),
    /** Large-DiT's. */
    LARGE_DIT("Large-DiT's names");

    private final String title;

    Layout(String title) {
      this.title = title;
    }

    /** {@return its name for people} */
    public String title() {
      return title;
    }
  }

  private static final String HEADS = "num_heads";
  private static final String INPUT_SIZE = "input_size";
  private static final String CONFIG = "config.json";
  private static final String PIPELINE = "model_index.json";
  private static final String ARGUMENTS = "model_args.pth";

  /** Pixels for a value of a latent, along a side. */
  private static final int LATENT_SCALE = 8;

  private static final List<String> DIFFUSERS_WEIGHTS =
      List.of(
          "diffusion_pytorch_model.safetensors",
          "diffusion_pytorch_model.bin",
          "diffusion_pytorch_model.safetensors.index.json");

  private static final Pattern CONSOLIDATED =
      Pattern.compile("(?<stem>consolidated.*)\\.(?<number>\\d{1,4})-of-(?<count>\\d{1,4})\\.pth");

  private final List<Checkpoint> parts;
  private final WeightSource weights;
  private final Layout layout;

  private DitFile(List<Checkpoint> parts) {
    this.parts = parts;
    WeightSource stored = parts.size() == 1 ? parts.getFirst() : new Shards(parts);
    if (LargeDitConfig.matches(stored)) {
      layout = Layout.LARGE_DIT;
      weights = stored;
    } else if (DiffusersDitNames.matches(stored)) {
      layout = Layout.DIFFUSERS;
      weights = new DiffusersDitNames(stored);
    } else {
      layout = Layout.FACEBOOK;
      weights = stored;
    }
  }

  /**
   * Opens a network.
   *
   * @param path a file of weights or a folder
   * @return the open files; to be closed by the caller
   * @throws CheckpointException when there is nothing that can be read
   */
  public static DitFile open(Path path) {
    return open(path, null);
  }

  /**
   * Opens a network.
   *
   * @param path a file of weights or a folder
   * @param section the section of every file to read, as for {@link Checkpoint#open(Path, String)}
   * @return the open files; to be closed by the caller
   * @throws CheckpointException when there is nothing that can be read
   */
  public static DitFile open(Path path, String section) {
    List<Checkpoint> parts = new ArrayList<>();
    try {
      for (Path file : shards(locate(path))) {
        parts.add(Checkpoint.open(file, section));
      }
      return new DitFile(parts);
    } catch (Throwable e) {
      parts.forEach(Checkpoint::close);
      throw e;
    }
  }

  /**
   * Looks at an open checkpoint as a network.
   *
   * @param checkpoint the weights; closed with the result
   * @return the network's files
   * @throws CheckpointException when it is one of several shards, of which one alone is of no use
   */
  public static DitFile of(Checkpoint checkpoint) {
    return new DitFile(List.of(checkpoint));
  }

  /**
   * Finds a network's weights.
   *
   * @param path a file of weights or a folder
   * @return the file, the first one where there are several shards
   * @throws CheckpointException when there is none
   */
  public static Path locate(Path path) {
    if (!Files.isDirectory(path)) {
      return path;
    }
    for (Path place : List.of(path.resolve("transformer"), path)) {
      for (String name : DIFFUSERS_WEIGHTS) {
        if (Files.isRegularFile(place.resolve(name))) {
          return place.resolve(name);
        }
      }
    }
    try (Stream<Path> files = Files.list(path)) {
      // "_ema" comes first in this order: it is what the authors sample with.
      return files
          .filter(file -> CONSOLIDATED.matcher(file.getFileName().toString()).matches())
          .sorted((a, b) -> order(a).compareTo(order(b)))
          .findFirst()
          .orElseThrow(
              () ->
                  new CheckpointException(
                      path.toString(),
                      "has no network: neither one of %s, in itself or in 'transformer', nor a consolidated*.pth"
                          .formatted(String.join(", ", DIFFUSERS_WEIGHTS))));
    } catch (IOException e) {
      throw new CheckpointException(path.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static String order(Path file) {
    String name = file.getFileName().toString();
    return (name.contains("_ema") ? "0" : "1") + name;
  }

  private static List<Path> shards(Path file) {
    Matcher name = CONSOLIDATED.matcher(file.getFileName().toString());
    if (!name.matches()) {
      return List.of(file);
    }
    int count = Integer.parseInt(name.group("count"));
    int digits = name.group("count").length();
    List<Path> shards = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String number = "0".repeat(digits - Math.min(digits, Integer.toString(i).length())) + i;
      Path shard =
          file.resolveSibling(
              "%s.%s-of-%s.pth".formatted(name.group("stem"), number, name.group("count")));
      if (!Files.isRegularFile(shard)) {
        throw new CheckpointException(
            file.toString(), "is one of " + count + " shards, of which " + shard + " is missing");
      }
      shards.add(shard);
    }
    if (shards.isEmpty()) {
      throw new CheckpointException(file.toString(), "calls itself one of no shards");
    }
    return shards;
  }

  /** Files that each hold some of the tensors. */
  private record Shards(List<Checkpoint> parts) implements WeightSource {
    Shards {
      for (String name : parts.getFirst().names()) {
        for (Checkpoint other : parts.subList(1, parts.size())) {
          if (other.contains(name)) {
            throw new CheckpointException(
                other.describe(),
                "holds a part of tensor '%s' as other shards do: merge files that were split for model parallelism first"
                    .formatted(name));
          }
        }
      }
    }

    private Checkpoint owner(String name) {
      return parts.stream()
          .filter(part -> part.contains(name))
          .findFirst()
          .orElse(parts.getFirst());
    }

    @Override
    public boolean contains(String name) {
      return owner(name).contains(name);
    }

    @Override
    public long[] shape(String name) {
      return owner(name).shape(name);
    }

    @Override
    public float scale(String name, long row) {
      return owner(name).scale(name, row);
    }

    @Override
    public void read(String name, long offset, float[] into, int at, int count) {
      owner(name).read(name, offset, into, at, count);
    }

    @Override
    public List<String> names() {
      return parts.stream().flatMap(part -> part.names().stream()).toList();
    }

    @Override
    public String describe() {
      return parts.getFirst().describe();
    }
  }

  /** {@return whose names and files these are} */
  public Layout layout() {
    return layout;
  }

  /** {@return the files that hold the weights, in their order; several where it is sharded} */
  public List<Checkpoint> checkpoints() {
    return List.copyOf(parts);
  }

  /**
   * {@return 8-bit integers where all matrices of blocks are kept so, bfloat16 where all matrices
   * are, which then lose nothing; else float32}
   */
  public WeightType weightType() {
    List<StoredTensor> tensors =
        parts.stream().flatMap(part -> part.tensors().values().stream()).toList();
    List<StoredTensor> ofBlocks = tensors.stream().filter(Quantize::isMatrix).toList();
    if (!ofBlocks.isEmpty() && ofBlocks.stream().allMatch(StoredTensor::isScaled)) {
      return WeightType.INT8;
    }
    boolean half =
        tensors.stream()
            .filter(tensor -> tensor.name().endsWith(".weight") && tensor.shape().length > 1)
            .allMatch(tensor -> tensor.dtype() == DType.BF16);
    return half ? WeightType.BFLOAT16 : WeightType.FLOAT32;
  }

  /** {@return the weights under the names that a {@link lazydit.dit.Dit} asks for} */
  public WeightSource weights() {
    return weights;
  }

  /**
   * Finds out the architecture.
   *
   * @param heads the number of heads, which shapes do not tell; empty for what the files say, or
   *     the published model of that size has
   * @return the architecture
   * @throws lazydit.engine.LazyDitException when the tensors are no network's, or nothing tells the
   *     heads
   */
  public TransformerConfig config(OptionalInt heads) {
    return switch (layout) {
      case FACEBOOK ->
          DitConfig.derive(weights, heads.isPresent() ? heads : stated(description(), HEADS));
      case DIFFUSERS -> {
        Map<String, Object> config = sibling(CONFIG);
        yield DitConfig.derive(
            weights,
            first(heads, stated(config, "num_attention_heads"), recorded(HEADS)),
            first(stated(config, "sample_size"), recorded(INPUT_SIZE)));
      }
      case LARGE_DIT -> {
        Map<String, Object> arguments = arguments();
        OptionalInt pixels = stated(arguments, "image_size");
        yield LargeDitConfig.derive(
            weights,
            first(heads, stated(arguments, "n_heads"), recorded(HEADS)),
            pixels.isPresent()
                ? OptionalInt.of(pixels.getAsInt() / LATENT_SCALE)
                : recorded(INPUT_SIZE));
      }
    };
  }

  /**
   * {@return the names of the classes in the order of their labels; empty when they are not known}
   *
   * @param count how many classes there are
   * @throws CheckpointException when the files name other classes than there are
   */
  public List<String> classNames(int count) {
    Map<String, String> metadata = parts.getFirst().metadata();
    if (metadata.containsKey("class_names")) {
      Object names = Json.parse(metadata.get("class_names"), describe());
      if (names instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
        return list.stream().map(String.class::cast).map(Printable::of).toList();
      }
      throw new CheckpointException(describe(), "its class_names are not a list of names");
    }
    return layout == Layout.DIFFUSERS
        ? pipeline().map(file -> names(Json.read(file), count, file.toString())).orElse(List.of())
        : List.of();
  }

  private static List<String> names(Map<String, Object> index, int count, String file) {
    if (!(index.get("id2label") instanceof Map<?, ?> labels)) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    for (int label = 0; label < count; label++) {
      if (!(labels.get(Integer.toString(label)) instanceof String name)) {
        throw new CheckpointException(
            file, "its id2label has no name for class %d of %d".formatted(label, count));
      }
      names.add(Printable.of(name));
    }
    return names;
  }

  /** The index of the pipeline that these weights are the transformer of. */
  private Optional<Path> pipeline() {
    Path folder = Path.of(describe()).toAbsolutePath().getParent();
    return Stream.of(folder, folder.resolve("..").normalize())
        .filter(place -> Files.isRegularFile(place.resolve(PIPELINE)))
        .map(place -> place.resolve(PIPELINE))
        .findFirst();
  }

  private String describe() {
    return parts.getFirst().describe();
  }

  // ---- what is said beside the weights

  /** Of a file NAME.safetensors: its metadata, or else NAME.json beside it. */
  private Map<String, Object> description() {
    String text = parts.getFirst().metadata().get(HEADS);
    if (text != null) {
      return Map.of(HEADS, number(text));
    }
    String stem = Path.of(describe()).getFileName().toString().replaceFirst("\\.[^.]+$", "");
    Map<String, Object> fields = sibling(stem + ".json");
    // The training script nests the architecture under "model"; other descriptions do not.
    return fields.get("model") instanceof Map<?, ?>
        ? Json.object(fields.get("model"), stem + ".json", "'model'")
        : fields;
  }

  private Map<String, Object> sibling(String name) {
    Path file = Path.of(describe()).resolveSibling(name);
    return Files.isRegularFile(file) ? Json.read(file) : Map.of();
  }

  /** What our own conversions write into the metadata. */
  private OptionalInt recorded(String key) {
    String text = parts.getFirst().metadata().get(key);
    return text == null ? OptionalInt.empty() : stated(Map.of(key, number(text)), key);
  }

  /** A number of the metadata, where everything is text; or the text when it is none. */
  private static Object number(String text) {
    return text.matches("0|[1-9]\\d{0,8}") ? (Object) Long.valueOf(text) : text;
  }

  private static OptionalInt first(OptionalInt... choices) {
    return Stream.of(choices)
        .filter(OptionalInt::isPresent)
        .findFirst()
        .orElse(OptionalInt.empty());
  }

  /** The Namespace that Large-DiT's training script saves. */
  private Map<String, Object> arguments() {
    Path file = Path.of(describe()).resolveSibling(ARGUMENTS);
    if (!Files.isRegularFile(file)) {
      return Map.of();
    }
    try (Checkpoint arguments = Checkpoint.open(file)) {
      return arguments.values();
    }
  }

  private OptionalInt stated(Map<String, Object> facts, String key) {
    Object value = facts.get(key);
    if (value == null) {
      return OptionalInt.empty();
    }
    if (value instanceof Long number && number == number.intValue()) {
      return OptionalInt.of(number.intValue());
    }
    throw new CheckpointException(
        describe(), "its %s is stated to be '%s', which is no such number".formatted(key, value));
  }

  /** Unmaps the files. Their tensors can no longer be read. */
  @Override
  public void close() {
    parts.forEach(Checkpoint::close);
  }
}
