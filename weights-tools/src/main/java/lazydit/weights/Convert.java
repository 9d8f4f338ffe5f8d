package lazydit.weights;

import java.nio.file.Path;
import java.util.Map;

/** Conversion of checkpoints between containers. */
public final class Convert {
  private Convert() {}

  /**
   * Writes the tensors of a checkpoint's section as one safetensors file, bit for bit: names,
   * shapes and types stay, views become contiguous. Text metadata of the checkpoint is kept.
   *
   * @param checkpoint what to convert; memory use does not depend on its size
   * @param target the file, replaced when there is one
   * @param metadata more texts for the file's metadata
   * @throws CheckpointException when the checkpoint is damaged or the file cannot be written; then
   *     nothing is left behind
   */
  public static void toSafetensors(
      Checkpoint checkpoint, Path target, Map<String, String> metadata) {
    SafetensorsWriter writer =
        new SafetensorsWriter().metadata(checkpoint.metadata()).metadata(metadata);
    checkpoint.tensors().forEach(writer::add);
    writer.writeTo(target);
  }
}
