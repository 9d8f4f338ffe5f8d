package lazydit.sampler;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import lazydit.dit.Dit;
import lazydit.dit.DitConfig;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;
import lazydit.weights.Checkpoint;
import lazydit.weights.CheckpointException;
import lazydit.weights.Fingerprint;
import lazydit.weights.Json;
import lazydit.weights.LazyGateFile;

/**
 * A network ready to run, and what comes with it.
 *
 * @param name what to call it
 * @param dit the network
 * @param classes what it can draw
 * @param gateSteps the step counts it has gates for
 * @param gates reads its gates for one of those counts
 * @param fingerprint reads all weights to name them
 */
record Model(
    String name,
    Dit dit,
    ClassNames classes,
    SortedSet<Integer> gateSteps,
    IntFunction<LazyGateFile> gates,
    Supplier<String> fingerprint) {

  private static final String BUILTIN = "built-in";
  private static final String HEADS = "num_heads";

  static Model builtin() {
    return of(
        BUILTIN,
        resource("model.safetensors"),
        OptionalInt.empty(),
        new TreeSet<>(List.of(20, 50)),
        steps -> LazyGateFile.read(resource("gates-" + steps + ".safetensors")),
        () -> Fingerprint.of(resource("model.safetensors")));
  }

  private static Checkpoint resource(String name) {
    try (InputStream in = Model.class.getResourceAsStream("builtin/" + name)) {
      if (in == null) {
        throw new LazyDitException("The built-in " + name + " is missing from this lazydit's jar.");
      }
      return Checkpoint.of(in.readAllBytes(), BUILTIN + " " + name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Model load(Path file, OptionalInt heads) {
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      return of(
          file.getFileName().toString(),
          checkpoint,
          heads,
          new TreeSet<>(),
          steps -> {
            throw new AssertionError("A loaded model has no gates of its own");
          },
          () -> fingerprint(file));
    }
  }

  private static String fingerprint(Path file) {
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      return Fingerprint.of(checkpoint);
    }
  }

  private static Model of(
      String name,
      Checkpoint weights,
      OptionalInt heads,
      SortedSet<Integer> gateSteps,
      IntFunction<LazyGateFile> gates,
      Supplier<String> fingerprint) {
    TransformerConfig config = config(weights, heads);
    ClassNames classes = new ClassNames(config.numClasses(), classNames(weights));
    return new Model(name, new Dit(config, weights), classes, gateSteps, gates, fingerprint);
  }

  /**
   * The architecture. The number of heads leaves no trace in the shapes, but may be stated: by the
   * caller, in the file's metadata, or in a description {@code NAME.json} beside the file.
   */
  static TransformerConfig config(Checkpoint weights, OptionalInt heads) {
    return DitConfig.derive(weights, heads.isPresent() ? heads : statedHeads(weights));
  }

  private static OptionalInt statedHeads(Checkpoint weights) {
    String text = weights.metadata().get(HEADS);
    if (text != null) {
      return number(Json.parse(text, weights.describe()), weights.describe());
    }
    Path file = Path.of(weights.describe());
    String stem = file.getFileName().toString().replaceFirst("\\.[^.]+$", "");
    Path description = file.resolveSibling(stem + ".json");
    if (Files.isRegularFile(description)) {
      Map<String, Object> fields = Json.read(description);
      // The training script nests the architecture under "model"; diffusers-style files do not.
      Object model = fields.get("model") instanceof Map<?, ?> nested ? nested : fields;
      Object value = ((Map<?, ?>) model).get(HEADS);
      return value == null ? OptionalInt.empty() : number(value, description.toString());
    }
    return OptionalInt.empty();
  }

  private static OptionalInt number(Object stated, String file) {
    if (stated instanceof Long value && value == value.intValue()) {
      return OptionalInt.of(value.intValue());
    }
    throw new CheckpointException(file, "its num_heads '" + stated + "' is not a number of heads");
  }

  private static List<String> classNames(Checkpoint weights) {
    Map<String, String> metadata = weights.metadata();
    if (!metadata.containsKey("class_names")) {
      return List.of();
    }
    if (Json.parse(metadata.get("class_names"), weights.describe()) instanceof List<?> names
        && names.stream().allMatch(String.class::isInstance)) {
      return names.stream().map(String.class::cast).toList();
    }
    throw new CheckpointException(weights.describe(), "its class_names are not a list of names");
  }
}
