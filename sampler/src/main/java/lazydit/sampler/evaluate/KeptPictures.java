package lazydit.sampler.evaluate;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.TreeMap;
import lazydit.dit.ClassifierConfig;
import lazydit.sampler.Pipeline;
import lazydit.sampler.SampleRequest;
import lazydit.weights.Checkpoint;
import lazydit.weights.CheckpointException;
import lazydit.weights.DType;
import lazydit.weights.Json;
import lazydit.weights.SafetensorsWriter;
import lazydit.weights.StoredTensor;

/**
 * Pictures in a folder, so that what takes long is drawn once: a safetensors file for each piece,
 * of 8-bit values as they are judged. Its metadata says all that the pictures depend on, and its
 * name is made of that, so that a folder may hold the pictures of many models.
 */
final class KeptPictures {
  private static final String PICTURES = "pictures";
  private static final int NAME_DIGITS = 16;

  private final Path folder;
  private final ClassifierConfig form;
  private final TreeMap<String, String> origin = new TreeMap<>();
  private final String name;

  /**
   * Pictures of one model, drawn in one way.
   *
   * @param folder where they are; made if there is none
   * @param form of pictures that a classifier takes
   * @param pipeline the model
   * @param request how they are drawn, everything computed
   * @throws CheckpointException when the folder cannot be made
   */
  KeptPictures(Path folder, ClassifierConfig form, Pipeline pipeline, SampleRequest request) {
    this.folder = folder;
    this.form = form;
    origin.put("model", pipeline.fingerprint());
    origin.put("weights", pipeline.weightType() + ", " + pipeline.semantics());
    origin.put("vae", pipeline.vae().orElse("none"));
    origin.put("sampler", request.method().label());
    origin.put("steps", Integer.toString(request.steps()));
    origin.put("guidance", Double.toString(request.guidanceScale()));
    origin.put("seed", Long.toString(request.seed()));
    name = digest(Json.write(origin)).substring(0, NAME_DIGITS);
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new CheckpointException(folder.toString(), "cannot become a folder", e);
    }
  }

  private static String digest(String text) {
    try {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }

  private Path file(int first) {
    return folder.resolve("%s-%06d.safetensors".formatted(name, first));
  }

  private long[] shape(int count) {
    return new long[] {count, form.channels(), form.side(), form.side()};
  }

  /** {@return whether something is there for a piece that begins with this picture} */
  boolean has(int first) {
    return Files.exists(file(first));
  }

  /**
   * {@return the pictures of a piece, {@code [count, C, H, W]}; empty when they are not there, or
   * are others or of another number}
   *
   * @param first the place of its first picture
   * @param count how many pictures
   * @throws CheckpointException when the file cannot be read
   */
  Optional<float[]> read(int first, int count) {
    if (!has(first)) {
      return Optional.empty();
    }
    try (Checkpoint checkpoint = Checkpoint.open(file(first))) {
      StoredTensor tensor = checkpoint.tensor(PICTURES);
      boolean fits =
          checkpoint.metadata().equals(origin)
              && tensor.dtype() == DType.U8
              && Arrays.equals(tensor.shape(), shape(count));
      return fits ? Optional.of(Judge.ofLevels(tensor.toBytes())) : Optional.empty();
    }
  }

  /**
   * Keeps a piece.
   *
   * @param first the place of its first picture
   * @param count how many pictures
   * @param images {@code [count, C, H, W]}, in 256 levels
   * @throws CheckpointException when it cannot be written
   */
  void write(int first, int count, float[] images) {
    new SafetensorsWriter()
        .metadata(origin)
        .add(PICTURES, Judge.levels(images), shape(count))
        .writeTo(file(first));
  }
}
