package lazydit.weights;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.WeightSource;

/** Gates as LazyDiT's authors keep them: a tensor of its own for every step, block and module. */
final class OfficialGates {
  /** As the authors' gate files name a vector, and as a model's state dict does. */
  private static final List<Pattern> NAMES =
      List.of(
          Pattern.compile(
              "block_(?<block>\\d{1,6})_(?<module>attn|mlp)_lazy_learning_weight_(?<step>\\d{1,6})"),
          Pattern.compile(
              "(blocks|layers)\\.(?<block>\\d{1,6})\\."
                  + "(?<module>attn|mlp)_lazy_learning\\.(?<step>\\d{1,6})\\.weight"));

  /** Which gate a vector is. */
  private record Key(int block, String module, int step) {
    @Override
    public String toString() {
      return module + " gate of block " + block + " at step " + step;
    }
  }

  private OfficialGates() {}

  /** Whether a tensor's name is that of a gate. */
  static boolean isGate(String name) {
    return key(name).isPresent();
  }

  /** Reads a file that holds gates and nothing else. */
  static LazyGateFile read(Checkpoint checkpoint) {
    for (String name : checkpoint.names()) {
      if (!isGate(name)) {
        throw new CheckpointException(
            checkpoint.describe(), "is not a gate file: it holds the tensor '" + name + "'");
      }
    }
    LazyGateFile gates = of(checkpoint);
    requireStatedSteps(checkpoint, gates.steps());
    return gates;
  }

  /** Picks the gates out of weights, beside anything else. */
  static LazyGateFile of(WeightSource source) {
    String file = source.describe();
    Map<Key, String> names = new LinkedHashMap<>();
    for (String name : source.names()) {
      Optional<Key> key = key(name);
      if (key.isPresent() && names.put(key.get(), name) != null) {
        throw new CheckpointException(file, "names the " + key.get() + " twice");
      }
    }
    if (names.isEmpty()) {
      throw new CheckpointException(file, "holds no gates");
    }
    int depth = 1 + names.keySet().stream().mapToInt(Key::block).max().orElseThrow();
    int steps = 1 + names.keySet().stream().mapToInt(Key::step).max().orElseThrow();
    requireAll(file, names, depth, steps);
    long[] shape = source.shape(names.values().iterator().next());
    int hiddenSize =
        (int) Math.min(shape.length == 0 ? 0 : shape[shape.length - 1], LazyGateFile.MAX_ELEMENTS);
    int size = (int) LazyGateFile.size(file, steps, depth, hiddenSize);
    names.values().forEach(name -> requireShape(source, name, hiddenSize));
    float[] attn = new float[size];
    float[] mlp = new float[size];
    names.forEach(
        (key, name) -> {
          float[] target = key.module.equals("attn") ? attn : mlp;
          int at = (key.step * depth + key.block) * hiddenSize;
          source.read(name, 0, target, at, hiddenSize);
        });
    return new LazyGateFile(
        file,
        steps,
        depth,
        hiddenSize,
        attn,
        mlp,
        OptionalDouble.empty(),
        OptionalDouble.empty(),
        Optional.empty(),
        Optional.empty());
  }

  private static Optional<Key> key(String name) {
    return NAMES.stream()
        .map(pattern -> pattern.matcher(name))
        .filter(Matcher::matches)
        .findFirst()
        .map(
            found ->
                new Key(
                    Integer.parseInt(found.group("block")),
                    found.group("module"),
                    Integer.parseInt(found.group("step"))));
  }

  private static void requireAll(String file, Map<Key, String> names, int depth, int steps) {
    if (names.size() == 2L * depth * steps) {
      return;
    }
    for (int step = 0; step < steps; step++) {
      for (int block = 0; block < depth; block++) {
        for (String module : List.of("attn", "mlp")) {
          Key key = new Key(block, module, step);
          if (!names.containsKey(key)) {
            throw new CheckpointException(
                file,
                "lacks the %s, though it has others of %d blocks and %d steps"
                    .formatted(key, depth, steps));
          }
        }
      }
    }
  }

  private static void requireShape(WeightSource source, String name, int hiddenSize) {
    long[] shape = source.shape(name);
    boolean row = shape.length == 2 && shape[0] == 1 && shape[1] == hiddenSize;
    boolean flat = shape.length == 1 && shape[0] == hiddenSize;
    if (!row && !flat) {
      throw new CheckpointException(
          source.describe(),
          "gate '%s' has shape %s where [1, %d] is expected"
              .formatted(name, Arrays.toString(shape), hiddenSize));
    }
  }

  /** The trainer records the number of steps; a file that contradicts itself is not to be used. */
  private static void requireStatedSteps(Checkpoint checkpoint, int steps) {
    if (checkpoint.values().get("args") instanceof Map<?, ?> args
        && args.get("num_sampling_steps") instanceof Long stated
        && stated != steps) {
      throw new CheckpointException(
          checkpoint.describe(),
          "holds gates for " + steps + " steps but says that it was trained for " + stated);
    }
  }
}
