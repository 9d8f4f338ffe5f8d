package lazydit.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import lazydit.dit.WeightSource;

/**
 * Inputs, weights and expected outputs of a network or kernel, computed elsewhere: a safetensors
 * file and a JSON sidecar of the same name.
 *
 * <p>In the safetensors file {@code in.*} are inputs, {@code out.*} expected outputs and {@code
 * alt.*} alternatives that this project does not read; every other tensor is a weight under its
 * checkpoint's name. The sidecar has {@code kind} (what to run), {@code config} (how), optionally
 * {@code tensors} (dtype and shape of each, compared with the file) and {@code accuracy}: for an
 * expected tensor its {@code suggested_atol} and perhaps {@code suggested_rtol}, the tolerance of
 * {@link #tolerance}.
 */
public final class GoldenFile implements AutoCloseable {
  private static final String INPUT = "in.";
  private static final String OUTPUT = "out.";
  private static final String ALTERNATIVE = "alt.";
  private static final String PIXELS = "_u8";

  private static final Tolerance TABLE = new Tolerance(1e-15, 1e-12);

  /** What float32 arithmetic with double accumulation reaches, relative to the largest value. */
  private static final double ATTAINABLE = 2e-6;

  /**
   * A kernel's tolerance above this, relative to the largest value, is the reference's own loss.
   */
  private static final double LOST = 2e-5;

  private static final double DEFAULT = 1e-4;

  private final Path path;
  private final Checkpoint tensors;
  private final Map<String, Object> sidecar;

  private GoldenFile(Path path, Checkpoint tensors, Map<String, Object> sidecar) {
    this.path = path;
    this.tensors = tensors;
    this.sidecar = sidecar;
  }

  /**
   * Opens a golden file.
   *
   * @param path the safetensors file; its sidecar lies beside it
   * @return the open file; to be closed by the caller
   * @throws CheckpointException when either file cannot be read or they contradict each other
   */
  public static GoldenFile open(Path path) {
    String fileName = path.getFileName().toString();
    String stem = fileName.replaceFirst("\\.safetensors$", "");
    Path sidecar = path.resolveSibling(stem + ".json");
    Checkpoint tensors = Checkpoint.open(path, "");
    try {
      if (!Files.exists(sidecar)) {
        throw new CheckpointException(
            path.toString(),
            "has no sidecar '" + sidecar.getFileName() + "' that says what to compute and how");
      }
      GoldenFile golden = new GoldenFile(path, tensors, Json.read(sidecar));
      golden.requireAgreement();
      return golden;
    } catch (Throwable e) {
      tensors.close();
      throw e;
    }
  }

  private void requireAgreement() {
    if (!(sidecar.get("kind") instanceof String)) {
      throw fault("its sidecar has no 'kind'");
    }
    object("config");
    object("tensors")
        .forEach(
            (name, value) -> {
              StoredTensor tensor = tensors.tensor(name);
              Map<String, Object> stated = Json.object(value, path.toString(), "'" + name + "'");
              long[] shape =
                  stated.get("shape") instanceof List<?> items
                      ? items.stream().mapToLong(i -> i instanceof Long n ? n : -1).toArray()
                      : new long[] {-1};
              if (!tensor.dtype().name().equals(stated.get("dtype"))
                  || !Arrays.equals(tensor.shape(), shape)) {
                throw fault("its sidecar describes tensor '" + name + "' differently: " + stated);
              }
            });
  }

  private Map<String, Object> object(String key) {
    Object value = sidecar.getOrDefault(key, Map.of());
    return Json.object(value, path.toString(), "'" + key + "' of its sidecar");
  }

  /** {@return the safetensors file} */
  public Path path() {
    return path;
  }

  /** {@return what to run: {@code dit}, {@code kernels}, {@code lazy_dit} and so on} */
  public String kind() {
    return (String) sidecar.get("kind");
  }

  /**
   * {@return the file's name without its extension, which tells the {@code kernels} files apart}
   */
  public String name() {
    return path.getFileName().toString().replaceFirst("\\.safetensors$", "");
  }

  /**
   * Finds a value of the configuration.
   *
   * @param keys the keys that lead to it from the top of {@code config}
   * @return the value as {@link Json} gives it, or {@code null} when there is none
   */
  public Object config(String... keys) {
    Object value = object("config");
    for (String key : keys) {
      value = value instanceof Map<?, ?> map ? map.get(key) : null;
    }
    return value;
  }

  /**
   * {@return the integer}
   *
   * @param keys the keys that lead to an integer of the configuration
   * @throws CheckpointException when there is none
   */
  public int configInt(String... keys) {
    if (config(keys) instanceof Long number && number == number.intValue()) {
      return number.intValue();
    }
    throw missing("an integer", keys);
  }

  /**
   * {@return the number}
   *
   * @param keys the keys that lead to a number of the configuration
   * @throws CheckpointException when there is none
   */
  public double configDouble(String... keys) {
    if (config(keys) instanceof Number number) {
      return number.doubleValue();
    }
    throw missing("a number", keys);
  }

  /**
   * {@return the truth value}
   *
   * @param keys the keys that lead to a truth value of the configuration
   * @throws CheckpointException when there is none
   */
  public boolean configFlag(String... keys) {
    if (config(keys) instanceof Boolean flag) {
      return flag;
    }
    throw missing("true or false", keys);
  }

  private CheckpointException missing(String what, String... keys) {
    return fault(
        "its sidecar has no '%s' in 'config' that is %s".formatted(String.join(".", keys), what));
  }

  /** {@return the weights, under their checkpoint's names; readable until this file is closed} */
  public WeightSource weights() {
    return new Weights(tensors, tensors.names().stream().filter(GoldenFile::isWeight).toList());
  }

  private static boolean isWeight(String name) {
    return !name.startsWith(INPUT) && !name.startsWith(OUTPUT) && !name.startsWith(ALTERNATIVE);
  }

  /** A view of some of a checkpoint's tensors. */
  private record Weights(Checkpoint all, List<String> names) implements WeightSource {
    @Override
    public boolean contains(String name) {
      return isWeight(name) && all.contains(name);
    }

    @Override
    public long[] shape(String name) {
      return all.shape(name);
    }

    @Override
    public void read(String name, long offset, float[] into, int at, int count) {
      all.read(name, offset, into, at, count);
    }

    @Override
    public String describe() {
      return all.describe();
    }
  }

  /**
   * {@return whether there is such an input}
   *
   * @param name an input's name without {@code in.}
   */
  public boolean hasInput(String name) {
    return tensors.contains(INPUT + name);
  }

  /**
   * {@return the input}
   *
   * @param name an input's name without {@code in.}
   * @throws CheckpointException when there is none
   */
  public StoredTensor input(String name) {
    return tensors.tensor(INPUT + name);
  }

  /**
   * {@return the input, after a look at its shape}
   *
   * @param name an input's name without {@code in.}
   * @param shape the shape it must have; -1 where any size but 0 will do
   * @throws CheckpointException when there is none or it has another shape
   */
  public StoredTensor input(String name, long... shape) {
    StoredTensor input = input(name);
    long[] found = input.shape();
    boolean fits = found.length == shape.length;
    for (int i = 0; fits && i < shape.length; i++) {
      fits = shape[i] < 0 ? found[i] > 0 : found[i] == shape[i];
    }
    if (!fits) {
      throw fault(
          "its tensor '%s' has shape %s; %s is expected"
              .formatted(
                  input.name(),
                  Arrays.toString(found),
                  Arrays.toString(shape).replace("-1", "any")));
    }
    return input;
  }

  /**
   * {@return the values of an input of integers, such as labels, in a fresh array}
   *
   * @param name an input's name without {@code in.}
   * @param shape the shape it must have; -1 where any size but 0 will do
   * @throws CheckpointException when there is none, it has another shape, or a value is not an
   *     integer of 32 bits
   */
  public int[] inputInts(String name, long... shape) {
    StoredTensor input = input(name, shape);
    long[] values = input.toLongs();
    for (long value : values) {
      if (value != (int) value) {
        throw fault("its tensor '" + input.name() + "' holds " + value + ", beyond 32 bits");
      }
    }
    return Arrays.stream(values).mapToInt(value -> (int) value).toArray();
  }

  /** {@return the names of the expected outputs, each with its {@code out.}} */
  public List<String> expectedNames() {
    return tensors.names().stream().filter(name -> name.startsWith(OUTPUT)).toList();
  }

  /**
   * {@return whether there is such an output}
   *
   * @param name an expected output's name with {@code out.}
   */
  public boolean expects(String name) {
    return name.startsWith(OUTPUT) && tensors.contains(name);
  }

  /**
   * {@return the expected output}
   *
   * @param name an expected output's name with {@code out.}
   * @throws CheckpointException when there is none
   */
  public StoredTensor expected(String name) {
    return tensors.tensor(name);
  }

  /**
   * How far a computed tensor may be from the expected one.
   *
   * <ul>
   *   <li>Integers, masks and truth values: not at all; 8-bit pixels ({@code out.*_u8}): one level,
   *       1 % of them.
   *   <li>With an {@code accuracy} entry: its {@code suggested_atol} and {@code suggested_rtol}.
   *       Where that of a kernel only says how much precision the reference itself lost (layer norm
   *       of a large mean: up to 3 %), 2e-6 of the largest value instead.
   *   <li>Float64 tables without an entry: 1e-12 relative and 1e-15 absolute.
   *   <li>Other outputs without an entry: that of the output they vary ({@code out.ddim.final} for
   *       {@code out.ddim.dense_final}), else 1e-4 of the largest value.
   * </ul>
   *
   * @param name an expected output's name with {@code out.}
   * @return the tolerance
   */
  public Tolerance tolerance(String name) {
    StoredTensor expected = expected(name);
    if (!expected.dtype().isFloating()) {
      return name.endsWith(PIXELS) ? Tolerance.ONE_LEVEL : Tolerance.EXACT;
    }
    if (accuracy(name) instanceof Tolerance stated) {
      return kind().equals("kernels") ? sharpened(stated, expected) : stated;
    }
    if (expected.dtype() == DType.F64) {
      return TABLE;
    }
    String varied = name.replaceFirst("\\.[^._]+_([^.]+)$", ".$1");
    return accuracy(varied) instanceof Tolerance sibling
        ? sibling
        : new Tolerance(DEFAULT * scale(expected), 0);
  }

  private Tolerance accuracy(String name) {
    if (!(object("accuracy").get(name) instanceof Map<?, ?> entry)
        || !(entry.get("suggested_atol") instanceof Number atol)) {
      return null;
    }
    double rtol = entry.get("suggested_rtol") instanceof Number number ? number.doubleValue() : 0;
    return new Tolerance(atol.doubleValue(), rtol);
  }

  private static Tolerance sharpened(Tolerance stated, StoredTensor expected) {
    double scale = Math.max(1, scale(expected));
    return stated.relative() == 0 && stated.absolute() > LOST * scale
        ? new Tolerance(ATTAINABLE * scale, 0)
        : stated;
  }

  private static double scale(StoredTensor expected) {
    return Arrays.stream(expected.toDoubles())
        .map(Math::abs)
        .filter(Double::isFinite)
        .max()
        .orElse(0);
  }

  /**
   * {@return an exception that names this file}
   *
   * @param problem what is wrong with it: what was expected and what was found
   */
  public CheckpointException fault(String problem) {
    return new CheckpointException(path.toString(), problem);
  }

  /** Unmaps the file. Its tensors can no longer be read. */
  @Override
  public void close() {
    tensors.close();
  }
}
