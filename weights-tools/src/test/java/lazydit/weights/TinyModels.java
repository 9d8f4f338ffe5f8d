package lazydit.weights;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.DitConfig;

/** Networks small enough to be written hundreds of times. */
final class TinyModels {
  static final DitConfig DIT = new DitConfig(8, 2, 4, 32, 2, 4, 128, 5, true);

  static final AutoencoderKlConfig VAE =
      new AutoencoderKlConfig(3, 3, 4, List.of(8, 16), 1, 4, true, 0.18215f);

  private TinyModels() {}

  static Path torch(Path file, Map<String, ? extends TensorData> tensors) {
    TorchWriter writer = new TorchWriter();
    tensors.forEach(writer::add);
    writer.writeTo(file, Progress.NONE);
    return file;
  }

  static Path safetensors(
      Path file, Map<String, ? extends TensorData> tensors, Map<String, String> metadata) {
    SafetensorsWriter writer = new SafetensorsWriter().metadata(metadata);
    tensors.forEach(writer::add);
    writer.writeTo(file);
    return file;
  }

  static byte[] bytes(TensorData tensor) {
    byte[] bytes = new byte[(int) tensor.byteSize()];
    tensor.readBytes(0, bytes, 0, (int) tensor.size());
    return bytes;
  }
}
