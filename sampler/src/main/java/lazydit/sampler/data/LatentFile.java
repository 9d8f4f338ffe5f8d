package lazydit.sampler.data;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lazydit.sampler.ClassNames;
import lazydit.sampler.PhiloxNoise;
import lazydit.weights.Checkpoint;
import lazydit.weights.CheckpointException;
import lazydit.weights.Json;
import lazydit.weights.StoredTensor;

/**
 * Latents of pictures in a safetensors file, as {@link LatentEncoder} writes it: {@code moments}
 * {@code [N, 2C, h, w]}, what the VAE's encoder gave, means and then logarithms of variances;
 * {@code labels} {@code [N]}; and in the metadata {@code scaling_factor} and {@code class_names}.
 * Latents are read from the file when they are asked for.
 */
final class LatentFile implements DataSet {
  static final String MOMENTS = "moments";
  static final String LABELS = "labels";
  static final String SCALING_FACTOR = "scaling_factor";
  static final String CLASS_NAMES = "class_names";
  static final String VAE = "vae";

  private static final float LEAST = -30;
  private static final float MOST = 20;

  private final Checkpoint file;
  private final StoredTensor moments;
  private final int[] shape;
  private final int[] labels;
  private final ClassNames classes;
  private final float factor;

  private LatentFile(Checkpoint file) {
    this.file = file;
    moments = file.tensor(MOMENTS);
    StoredTensor labelTensor = file.tensor(LABELS);
    long[] sizes = moments.shape();
    boolean fits = sizes.length == 4 && sizes[1] % 2 == 0;
    for (long size : sizes) {
      fits &= size >= 1 && size <= Integer.MAX_VALUE;
    }
    if (!fits || (double) sizes[1] * sizes[2] * sizes[3] > 1 << 28) {
      throw fault(
          "tensor %s has shape %s; expected [N, 2C, h, w]"
              .formatted(MOMENTS, Arrays.toString(sizes)));
    }
    shape = Arrays.stream(sizes).mapToInt(size -> (int) size).toArray();
    if (!Arrays.equals(labelTensor.shape(), new long[] {shape[0]})) {
      throw fault(
          "tensor %s has shape %s; expected [%d]"
              .formatted(LABELS, Arrays.toString(labelTensor.shape()), shape[0]));
    }
    factor = scalingFactor();
    classes = classNames();
    labels = labels(labelTensor);
  }

  static DataSet open(Path path) {
    Checkpoint file = Checkpoint.open(path, "");
    try {
      return new LatentFile(file);
    } catch (Throwable e) {
      file.close();
      throw e;
    }
  }

  private int[] labels(StoredTensor stored) {
    Memory.require(name(), 12.0 * shape[0]);
    long[] values = stored.toLongs();
    for (long label : values) {
      if (label < 0 || label >= classes.count()) {
        throw fault("has label %d among %d classes".formatted(label, classes.count()));
      }
    }
    return Arrays.stream(values).mapToInt(label -> (int) label).toArray();
  }

  private float scalingFactor() {
    String text = metadata(SCALING_FACTOR);
    try {
      float value = Float.parseFloat(text);
      if (value > 0 && value < Float.POSITIVE_INFINITY) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw fault("has \"%s\" as its %s; expected a number above 0".formatted(text, SCALING_FACTOR));
  }

  private ClassNames classNames() {
    if (Json.parse(metadata(CLASS_NAMES), name()) instanceof List<?> names
        && !names.isEmpty()
        && names.stream().allMatch(String.class::isInstance)) {
      return new ClassNames(names.size(), names.stream().map(String.class::cast).toList());
    }
    throw fault("has %s in its metadata that are no list of names".formatted(CLASS_NAMES));
  }

  private String metadata(String key) {
    Map<String, String> metadata = file.metadata();
    return Optional.ofNullable(metadata.get(key))
        .orElseThrow(
            () ->
                fault("has no %s in its metadata; lazydit data --encode writes it".formatted(key)));
  }

  private CheckpointException fault(String problem) {
    return new CheckpointException(name(), problem);
  }

  @Override
  public String name() {
    return file.describe();
  }

  @Override
  public String origin() {
    return "latents of VAE " + file.metadata().getOrDefault(VAE, "unknown");
  }

  @Override
  public int count() {
    return shape[0];
  }

  @Override
  public int channels() {
    return shape[1] / 2;
  }

  @Override
  public int height() {
    return shape[2];
  }

  @Override
  public int width() {
    return shape[3];
  }

  @Override
  public ClassNames classes() {
    return classes;
  }

  @Override
  public int label(int index) {
    return labels[index];
  }

  @Override
  public void read(int index, float[] into, int at) {
    moments.readFloats(2L * index * length(), into, at, length());
    for (int i = at; i < at + length(); i++) {
      into[i] *= factor;
    }
  }

  @Override
  public void draw(int index, long seed, int epoch, float[] into, int at) {
    int length = length();
    float[] values = new float[2 * length];
    float[] noise = new float[length];
    moments.readFloats(2L * index * length, values, 0, 2 * length);
    PhiloxNoise.fill(seed, index, epoch, noise, 0, length);
    for (int i = 0; i < length; i++) {
      float logVariance = Math.clamp(values[length + i], LEAST, MOST);
      float std = (float) Math.exp(0.5 * logVariance);
      into[at + i] = factor * Math.fma(std, noise[i], values[i]);
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
