package lazydit.weights;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import lazydit.engine.AdamW;
import lazydit.engine.MovingAverage;
import lazydit.engine.Parameters;

/**
 * A training that can go on where it was, bit for bit: a safetensors file of the parameters, the
 * optimiser's moments and step counts, the moving average, and texts of the caller's, such as the
 * seed and how many batches were drawn.
 *
 * <p>Tensors are {@code parameters.NAME}, {@code first_moments.NAME}, {@code second_moments.NAME},
 * {@code average.NAME} and {@code steps}, int64, one for each parameter in their order.
 */
public final class TrainingFile {
  private static final String PARAMETERS = "parameters.";
  private static final String FIRST = "first_moments.";
  private static final String SECOND = "second_moments.";
  private static final String AVERAGE = "average.";
  private static final String STEPS = "steps";

  private TrainingFile() {}

  /**
   * Writes a training, replacing a file of the same name in one stroke.
   *
   * @param path the file
   * @param parameters what learns
   * @param optimiser its optimiser
   * @param average its moving average, or nothing
   * @param texts what else is needed in order to go on, by name
   * @throws CheckpointException when it cannot be written; then nothing is left behind
   */
  public static void write(
      Path path,
      Parameters parameters,
      AdamW optimiser,
      Optional<MovingAverage> average,
      Map<String, String> texts) {
    SafetensorsWriter writer = new SafetensorsWriter().metadata(texts);
    add(writer, PARAMETERS, parameters, parameters.values());
    add(writer, FIRST, parameters, optimiser.firstMoments());
    add(writer, SECOND, parameters, optimiser.secondMoments());
    average.ifPresent(a -> add(writer, AVERAGE, parameters, a.values()));
    long[] steps = optimiser.steps();
    writer.add(STEPS, steps, steps.length);
    writer.writeTo(path);
  }

  private static void add(
      SafetensorsWriter writer, String prefix, Parameters parameters, float[] values) {
    for (Parameters.Parameter p : parameters.list()) {
      float[] own = Arrays.copyOfRange(values, p.offset(), p.offset() + p.size());
      writer.add(prefix + p.name(), own, p.shape());
    }
  }

  /**
   * Takes up a training. Nothing is changed unless all of it can be read; packed weights are still
   * to be brought up to date.
   *
   * @param path the file
   * @param parameters receive their values
   * @param optimiser receives its state
   * @param average receives its values; nothing where none was written
   * @throws CheckpointException when the file cannot be read, or is of another network or training
   */
  public static void read(
      Path path, Parameters parameters, AdamW optimiser, Optional<MovingAverage> average) {
    try (Checkpoint file = Checkpoint.open(path, "")) {
      int sets = average.isPresent() ? 4 : 3;
      int expected = sets * parameters.list().size() + 1;
      if (file.names().size() != expected) {
        throw new CheckpointException(
            file.describe(),
            "has %d tensors; a training of this network has %d"
                .formatted(file.names().size(), expected));
      }
      float[] values = values(file, PARAMETERS, parameters);
      float[] first = values(file, FIRST, parameters);
      float[] second = values(file, SECOND, parameters);
      float[] mean = average.isPresent() ? values(file, AVERAGE, parameters) : null;
      optimiser.restore(first, second, steps(file, parameters));
      System.arraycopy(values, 0, parameters.values(), 0, values.length);
      average.ifPresent(a -> System.arraycopy(mean, 0, a.values(), 0, mean.length));
    }
  }

  /**
   * Reads only what the caller has added.
   *
   * @param path the file
   * @return the texts by name
   * @throws CheckpointException when the file cannot be read
   */
  public static Map<String, String> texts(Path path) {
    try (Checkpoint file = Checkpoint.open(path, "")) {
      return Map.copyOf(file.metadata());
    }
  }

  private static float[] values(Checkpoint file, String prefix, Parameters parameters) {
    float[] values = new float[parameters.size()];
    for (Parameters.Parameter p : parameters.list()) {
      StoredTensor tensor = tensor(file, prefix + p.name(), DType.F32, p.shape());
      tensor.readFloats(0, values, p.offset(), p.size());
    }
    return values;
  }

  private static long[] steps(Checkpoint file, Parameters parameters) {
    long[] steps = tensor(file, STEPS, DType.I64, parameters.list().size()).toLongs();
    if (Arrays.stream(steps).anyMatch(n -> n < 0)) {
      throw new CheckpointException(file.describe(), "tensor 'steps' has a negative count");
    }
    return steps;
  }

  private static StoredTensor tensor(Checkpoint file, String name, DType dtype, long... shape) {
    StoredTensor tensor = file.tensor(name);
    if (tensor.dtype() != dtype || !Arrays.equals(tensor.shape(), shape)) {
      throw new CheckpointException(
          file.describe(),
          "tensor '%s' is %s %s; expected %s %s"
              .formatted(
                  name,
                  tensor.dtype(),
                  Arrays.toString(tensor.shape()),
                  dtype,
                  Arrays.toString(shape)));
    }
    return tensor;
  }
}
