package lazydit.weights;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes a dictionary of tensors as torch.save does (the zip container): {@code torch.load} reads
 * it, with {@code weights_only} too. Collects what to write, then streams it through one small
 * buffer. The file appears whole or not at all.
 */
public final class TorchWriter {
  private static final int BUFFER_BYTES = 1 << 20;
  private static final String ROOT = "archive/";
  private static final byte[] VERSION = "3\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] BYTE_ORDER = "little".getBytes(StandardCharsets.US_ASCII);

  private final String section;
  private final Map<String, TensorData> tensors = new LinkedHashMap<>();

  /** Begins an empty file whose tensors lie at the top. */
  public TorchWriter() {
    this("");
  }

  /**
   * Begins an empty file.
   *
   * @param section the key under which the tensors lie, such as {@code state_dict}; empty for none
   */
  public TorchWriter(String section) {
    this.section = section;
  }

  /**
   * Adds a tensor, which is read when the file is written.
   *
   * @param name its name
   * @param tensor its content
   * @return this writer
   * @throws CheckpointException when there already is a tensor of that name
   */
  public TorchWriter add(String name, TensorData tensor) {
    if (tensors.putIfAbsent(name, tensor) != null) {
      throw new CheckpointException(
          "the torch.save file to be written", "two tensors are to be named '" + name + "'");
    }
    return this;
  }

  /**
   * Writes the file, replacing one of the same name.
   *
   * @param target the file
   * @param progress told how many bytes have been written
   * @throws CheckpointException when it cannot be written; then nothing is left behind
   */
  public void writeTo(Path target, Progress progress) {
    long total = tensors.values().stream().mapToLong(TensorData::byteSize).sum();
    AtomicFile.write(
        target,
        channel -> {
          ZipWriter zip = new ZipWriter(channel);
          zip.entry(ROOT + "data.pkl", pickle());
          zip.entry(ROOT + "byteorder", BYTE_ORDER);
          byte[] buffer = new byte[BUFFER_BYTES];
          long written = 0;
          int key = 0;
          for (TensorData tensor : tensors.values()) {
            int width = tensor.dtype().width();
            int step = buffer.length / width;
            zip.begin(ROOT + "data/" + key++, tensor.byteSize());
            for (long first = 0; first < tensor.size(); first += step) {
              int count = (int) Math.min(step, tensor.size() - first);
              tensor.readBytes(first, buffer, 0, count);
              zip.write(buffer, count * width);
              written += (long) count * width;
              progress.onProgress(written, total);
            }
            zip.end();
          }
          zip.entry(ROOT + "version", VERSION);
          zip.finish();
        });
  }

  private byte[] pickle() {
    PickleWriter pickle = new PickleWriter();
    if (!section.isEmpty()) {
      pickle.beginDict().string(section);
    }
    pickle.beginDict();
    int key = 0;
    for (Map.Entry<String, TensorData> tensor : tensors.entrySet()) {
      pickle.string(tensor.getKey()).tensor(Integer.toString(key++), tensor.getValue());
    }
    pickle.endDict();
    return (section.isEmpty() ? pickle : pickle.endDict()).stop();
  }

  /**
   * Writes an {@code argparse.Namespace}, as training scripts save their arguments.
   *
   * @param values strings, whole numbers and truth values by name
   * @param target the file, replaced when there is one
   * @throws CheckpointException when it cannot be written; then nothing is left behind
   */
  public static void writeNamespace(Map<String, Object> values, Path target) {
    byte[] pickle = new PickleWriter().namespace(values).stop();
    AtomicFile.write(
        target,
        channel -> {
          ZipWriter zip = new ZipWriter(channel);
          zip.entry(ROOT + "data.pkl", pickle);
          zip.entry(ROOT + "byteorder", BYTE_ORDER);
          zip.entry(ROOT + "version", VERSION);
          zip.finish();
        });
  }
}
