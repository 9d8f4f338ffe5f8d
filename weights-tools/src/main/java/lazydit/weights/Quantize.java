package lazydit.weights;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Random;
import java.util.regex.Pattern;
import lazydit.dit.CachePolicy;
import lazydit.dit.Dit;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Workers;

/**
 * Quantisation of a transformer: the matrices of its blocks as 8-bit integers with a scale for
 * every output channel, all else as it is.
 */
public final class Quantize {
  private static final Pattern MATRIX = Pattern.compile("(blocks|layers)\\.\\d+\\..*\\.weight");
  private static final float TIMESTEP = 500;
  private static final int INPUT_SEED = 1;

  /** A packed network and what it runs with, beside its weights as float32. */
  private static final double HEAP_OVERHEAD = 1.25;

  private Quantize() {}

  /**
   * What was gained and lost.
   *
   * @param bytesBefore of all tensors in the file
   * @param bytesAfter of all tensors in the quantised file
   * @param errors of every quantised matrix, the root mean square of the error relative to that of
   *     the matrix
   * @param outputError the same of the network's output for random input; empty when it was not
   *     computed
   * @param note why it was not, or empty
   */
  public record Report(
      long bytesBefore,
      long bytesAfter,
      Map<String, Double> errors,
      OptionalDouble outputError,
      String note) {
    /**
     * Runs both networks and compares their outputs, where Java's memory holds one of them.
     *
     * @param model the transformer
     * @param quantised the file that was written
     * @return this with the error of the output, or why there is none
     * @throws lazydit.engine.LazyDitException when a file cannot be read
     */
    public Report withOutputError(ModelFile model, Path quantised) {
      boolean fits =
          model.transformer().parameters() * Float.BYTES * HEAP_OVERHEAD
              < Runtime.getRuntime().maxMemory();
      return new Report(
          bytesBefore,
          bytesAfter,
          errors,
          fits ? OptionalDouble.of(compare(model, quantised)) : OptionalDouble.empty(),
          fits ? "" : "The outputs are not compared: the network does not fit into Java's memory.");
    }

    /** {@return lines for people} */
    public String text() {
      StringBuilder text = new StringBuilder();
      int width = errors.keySet().stream().mapToInt(String::length).max().orElse(0);
      errors.forEach(
          (name, error) ->
              text.append(
                  String.format(
                      Locale.ROOT, "%-" + width + "s  relative error %.5f%n", name, error)));
      text.append(
          String.format(
              Locale.ROOT,
              "%d matrices quantised: %s instead of %s, %.1f %% saved%n",
              errors.size(),
              MemoryNeeds.bytes(bytesAfter),
              MemoryNeeds.bytes(bytesBefore),
              100.0 * (bytesBefore - bytesAfter) / bytesBefore));
      outputError.ifPresent(
          error ->
              text.append(
                  String.format(
                      Locale.ROOT,
                      "the network's output for random input: relative error %.5f%n",
                      error)));
      return note.isEmpty() ? text.toString() : text + note + "\n";
    }

    /** {@return all of it as an object for {@link Json#write}} */
    public Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("bytes_before", bytesBefore);
      json.put("bytes_after", bytesAfter);
      json.put("output_rel_error", outputError.isPresent() ? outputError.getAsDouble() : null);
      json.put("tensor_rel_errors", errors);
      return json;
    }
  }

  /**
   * Quantises a transformer.
   *
   * @param model the transformer
   * @param target the safetensors file, replaced when there is one
   * @param progress told how far reading and writing are
   * @return what was gained and lost, without the outputs
   * @throws lazydit.engine.LazyDitException when this is no transformer, a number is not finite, or
   *     the file cannot be written
   */
  public static Report run(ModelFile model, Path target, Progress progress) {
    // Refuses what is none, before anything is read.
    model.transformer();
    Map<String, TensorData> tensors = model.canonical().tensors();
    Map<String, Int8Rows> matrices = matrices(model.describe(), tensors, progress);
    SafetensorsWriter writer =
        new SafetensorsWriter()
            .metadata(Convert.facts(model))
            .metadata(Int8Rows.KEY, Int8Rows.VALUE);
    Map<String, Double> errors = new LinkedHashMap<>();
    long before = 0;
    for (Map.Entry<String, TensorData> tensor : tensors.entrySet()) {
      String name = tensor.getKey();
      Int8Rows matrix = matrices.get(name);
      before += tensor.getValue().byteSize();
      if (matrix == null) {
        writer.add(name, unmistakable(tensor.getValue()));
      } else {
        writer.add(name, matrix);
        writer.add(name + Int8Rows.SCALE, matrix.scales(), matrix.scales().length);
        errors.put(name, matrix.relativeError());
      }
    }
    writer.writeTo(target, (done, total) -> progress.onProgress(total + done, 2 * total));
    return new Report(before, writer.bytes(), errors, OptionalDouble.empty(), "");
  }

  private static Map<String, Int8Rows> matrices(
      String file, Map<String, TensorData> tensors, Progress progress) {
    List<String> names = new ArrayList<>();
    long total = 0;
    for (Map.Entry<String, TensorData> tensor : tensors.entrySet()) {
      if (isMatrix(tensor.getKey(), tensor.getValue())) {
        names.add(tensor.getKey());
        total += tensor.getValue().size();
      }
    }
    Map<String, Int8Rows> matrices = new LinkedHashMap<>();
    long all = total;
    long done = 0;
    for (String name : names) {
      TensorData tensor = tensors.get(name);
      long before = done;
      matrices.put(
          name,
          Int8Rows.of(file, name, tensor, (n, size) -> progress.onProgress(before + n, 2 * all)));
      done += tensor.size();
    }
    return matrices;
  }

  /** In the file that is written, int8 always means a quantised matrix. */
  private static TensorData unmistakable(TensorData tensor) {
    return tensor.dtype() == DType.I8 ? new CastTensor(tensor, DType.F32) : tensor;
  }

  /** Whether a tensor is one of those that are quantised. */
  static boolean isMatrix(StoredTensor tensor) {
    return isMatrix(tensor.name(), tensor);
  }

  static boolean isMatrix(String name, TensorData tensor) {
    return MATRIX.matcher(name).matches()
        && tensor.shape().length == 2
        && tensor.size() > 0
        && tensor.dtype().isFloating();
  }

  // ---- accuracy

  private static double compare(ModelFile model, Path quantised) {
    TransformerConfig config = model.transformer();
    float[] expected = output(config, model);
    try (ModelFile other = ModelFile.open(quantised, "", OptionalInt.of(config.numHeads()))) {
      float[] found = output(config, other);
      double errors = 0;
      double squares = 0;
      for (int i = 0; i < found.length; i++) {
        double error = (double) found[i] - expected[i];
        errors += error * error;
        squares += (double) expected[i] * expected[i];
      }
      return Math.sqrt(errors / squares);
    }
  }

  /** The output for an input of normally distributed numbers. */
  private static float[] output(TransformerConfig config, ModelFile model) {
    Random random = new Random(INPUT_SEED);
    float[] input = new float[config.inputLength()];
    for (int i = 0; i < input.length; i++) {
      input[i] = (float) random.nextGaussian();
    }
    float[] output = new float[config.outputLength()];
    Dit dit = new Dit(config, model.weights());
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      dit.newRun(1, 1, CachePolicy.none(), workers)
          .forward(input, new float[] {TIMESTEP}, new int[] {0}, 0, output);
    }
    return output;
  }
}
