package lazydit.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Checks the reading of a checkpoint against expectations beside it: {@code NAME.pt} with the same
 * tensors in {@code NAME.expect.safetensors}, compared bit for bit, and other values in {@code
 * NAME.expect.json}; or a {@code manifest.json} that says that the file is hostile or damaged and
 * has to be refused.
 */
public final class TorchSaveParity {
  private static final String KIND = "torch_save";

  private TorchSaveParity() {}

  /**
   * {@return whether it is a checkpoint of this kind rather than a {@link GoldenFile}}
   *
   * @param path a file given to be checked
   */
  public static boolean handles(Path path) {
    return !path.getFileName().toString().endsWith(".safetensors");
  }

  /**
   * Reads a checkpoint and compares.
   *
   * @param path the checkpoint
   * @return a row for each expectation
   * @throws CheckpointException when nothing is said about what the file should hold
   */
  public static ParityReport run(Path path) {
    Path twin = sibling(path, ".expect.safetensors");
    if (Files.exists(twin)) {
      return new ParityReport(path.toString(), KIND, compared(path, twin));
    }
    return new ParityReport(path.toString(), KIND, List.of(refusal(path)));
  }

  private static Path sibling(Path path, String ending) {
    String name = path.getFileName().toString();
    int dot = name.lastIndexOf('.');
    return path.resolveSibling((dot < 0 ? name : name.substring(0, dot)) + ending);
  }

  // ---- files that are to be refused

  private static ParityReport.Row refusal(Path path) {
    Boolean must = mustBeRefused(path);
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      checkpoint.allTensors().values().forEach(StoredTensor::verify);
      String note = "was read, " + checkpoint.allTensors().size() + " tensors";
      return ParityReport.Row.verdict("refused", !must, note);
    } catch (CheckpointException e) {
      return ParityReport.Row.verdict("refused", true, e.getMessage());
    }
  }

  private static Boolean mustBeRefused(Path path) {
    Path manifest = path.resolveSibling("manifest.json");
    if (Files.exists(manifest)
        && Json.read(manifest).get(path.getFileName().toString()) instanceof Map<?, ?> entry
        && entry.get("must_reject") instanceof Boolean must) {
      return must;
    }
    throw new CheckpointException(
        path.toString(),
        "nothing says what it should hold: there is neither '%s' nor an entry in 'manifest.json'"
            .formatted(sibling(path, ".expect.safetensors").getFileName()));
  }

  // ---- files that are to be read

  private static List<ParityReport.Row> compared(Path path, Path twin) {
    List<ParityReport.Row> rows = new ArrayList<>();
    try (Checkpoint expected = Checkpoint.open(twin);
        Checkpoint actual = Checkpoint.open(path)) {
      for (StoredTensor tensor : expected.tensors().values()) {
        rows.add(bits(tensor, find(actual, tensor.name())));
      }
      Path values = sibling(path, ".expect.json");
      if (Files.exists(values)) {
        Json.read(values).forEach((key, value) -> rows.add(value(key, value, actual)));
      }
    } catch (CheckpointException e) {
      rows.add(ParityReport.Row.verdict("readable", false, e.getMessage()));
    }
    return rows;
  }

  /** Expectations name everything in the file, or only its section. */
  private static Optional<StoredTensor> find(Checkpoint checkpoint, String name) {
    return Optional.ofNullable(checkpoint.allTensors().get(name)).or(() -> checkpoint.find(name));
  }

  /** Writes the tensors that were expected, as they were read; nothing for a file to be refused. */
  static void save(Path path, Path target) {
    Path twin = sibling(path, ".expect.safetensors");
    if (!Files.exists(twin)) {
      return;
    }
    try (Checkpoint expected = Checkpoint.open(twin);
        Checkpoint actual = Checkpoint.open(path)) {
      SafetensorsWriter writer = new SafetensorsWriter();
      for (String name : expected.names()) {
        find(actual, name).ifPresent(tensor -> writer.add(name, tensor));
      }
      writer.writeTo(target);
    }
  }

  private static ParityReport.Row bits(StoredTensor expected, Optional<StoredTensor> found) {
    String name = expected.name();
    if (found.isEmpty()) {
      return ParityReport.Row.verdict(name, false, "is missing");
    }
    StoredTensor actual = found.get();
    if (actual.dtype() != expected.dtype() || !Arrays.equals(actual.shape(), expected.shape())) {
      return ParityReport.Row.verdict(name, false, "was read as " + actual);
    }
    boolean same = Arrays.equals(actual.toBytes(), expected.toBytes());
    return ParityReport.Row.verdict(name, same, same ? "same bits" : "other bits");
  }

  private static ParityReport.Row value(String key, Object expected, Checkpoint checkpoint) {
    Map<String, Object> values = checkpoint.values();
    Object actual =
        switch (key) {
          case "order" -> checkpoint.names();
          case "opt_param_groups" ->
              values.get("opt") instanceof Map<?, ?> opt ? opt.get("param_groups") : null;
          default -> values.get(key);
        };
    boolean same = Objects.equals(expected, actual);
    return ParityReport.Row.verdict(key, same, same ? "same value" : "was read as " + actual);
  }
}
