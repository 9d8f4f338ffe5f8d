package lazydit.weights.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import lazydit.weights.Checkpoint;
import lazydit.weights.DType;
import lazydit.weights.StoredTensor;

/** What one thread needs: a folder for inputs that are files, and memory to read tensors into. */
final class Workplace {
  /** Elements read of a tensor, from either end. */
  private static final int READ = 2048;

  /** A step that divides nothing. */
  private static final int STEP = 37;

  private static final int WIDEST = 8;
  private static final long FREE_VIEWS = 4L << 20;
  private static final long VIEWS = 16;

  private final Path folder;
  private final byte[] whole = new byte[READ * WIDEST];
  private final byte[] pieces = new byte[READ * WIDEST];
  private final float[] floats = new float[READ];
  private final double[] doubles = new double[READ];
  private final long[] longs = new long[READ];
  private Sample laid;

  Workplace(Path folder) {
    this.folder = folder;
  }

  /** Lays the files of a sample out, in place of those before. */
  Path lay(Sample sample) throws IOException {
    clear();
    laid = sample;
    sample.write(folder);
    return folder;
  }

  /** Where a reader may write a file, removed with what was laid out. */
  Path output() {
    return folder.resolveSibling(folder.getFileName() + ".out.safetensors");
  }

  /** Removes what was laid out. */
  void clear() throws IOException {
    Files.deleteIfExists(output());
    if (laid != null) {
      laid.remove(folder);
    }
  }

  /**
   * Reads a checkpoint.
   *
   * @param content the file, or null when there are several
   * @return the traits in which it differs from others
   * @throws Unsound when its sizes contradict its shapes or its file, or a tensor reads differently
   *     in other pieces
   */
  String inspect(Checkpoint checkpoint, byte[] content) {
    Set<DType> types = EnumSet.noneOf(DType.class);
    Set<String> traits = new TreeSet<>();
    long bytes = 0;
    long checksum = 0;
    for (Map.Entry<String, StoredTensor> entry : checkpoint.allTensors().entrySet()) {
      StoredTensor tensor = entry.getValue();
      Subject.require(tensor.name().equals(entry.getKey()), "a tensor under another's name");
      requireSizes(tensor);
      checksum = 31 * checksum + read(tensor);
      bytes = Math.addExact(bytes, tensor.byteSize());
      types.add(tensor.dtype());
      traits.add(tensor.size() == 0 ? "empty" : "rank " + Math.min(tensor.shape().length, 5));
    }
    requireHonest(checkpoint, content, bytes);
    for (String name : checkpoint.names()) {
      Subject.require(checkpoint.contains(name), "a name without a tensor");
    }
    return "%s, section '%s' of %d, 2^%d tensors, %s, %s, values 2^%d of %s"
        .formatted(
            checkpoint.container(),
            checkpoint.section().length() > 10 ? "other" : checkpoint.section(),
            Math.min(checkpoint.sections().size(), 3),
            log2(checkpoint.allTensors().size()),
            types,
            traits,
            log2(checkpoint.values().size()),
            kinds(checkpoint.values().values()));
  }

  private static Set<String> kinds(Collection<?> values) {
    return values.stream()
        .map(value -> value == null ? "null" : value.getClass().getSimpleName())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static int log2(int count) {
    return 32 - Integer.numberOfLeadingZeros(count);
  }

  private static void requireSizes(StoredTensor tensor) {
    long product = 1;
    for (long dimension : tensor.shape()) {
      Subject.require(dimension >= 0, "a negative size");
      product = dimension == 0 ? 0 : Math.multiplyExact(product, dimension);
    }
    Subject.require(product == tensor.size(), "a size that is not that of the shape");
    Subject.require(
        tensor.byteSize() == product * tensor.dtype().width(), "bytes that are not the type's");
  }

  /** Tensors may not pretend to be much larger than their file. */
  private static void requireHonest(Checkpoint checkpoint, byte[] content, long bytes) {
    long file = checkpoint.fileBytes();
    switch (checkpoint.container()) {
      case SAFETENSORS -> {
        long header = content == null ? 0 : 8 + Numbers.at(content, 0, 8);
        Subject.require(
            content == null || header + bytes == file, "tensors that do not fill their file");
      }
      case SAFETENSORS_SHARDS -> Subject.require(bytes <= file, "shards larger than their files");
      default ->
          Subject.require(bytes <= FREE_VIEWS + VIEWS * file, "tensors far larger than the file");
    }
  }

  /** Reads the beginning and the end of a tensor, whole and in pieces, as each type it can be. */
  private long read(StoredTensor tensor) {
    int count = (int) Math.min(tensor.size(), READ);
    int width = tensor.dtype().width();
    long checksum = 1;
    for (long first = 0; ; first = tensor.size() - count) {
      tensor.readBytes(first, whole, 0, count);
      for (int done = 0; done < count; done += STEP) {
        int piece = Math.min(STEP, count - done);
        tensor.readBytes(first + done, pieces, done * width, piece);
      }
      Subject.require(
          Arrays.equals(whole, 0, count * width, pieces, 0, count * width),
          "bytes that differ when read in pieces");
      tensor.readFloats(first, floats, 0, count);
      tensor.readDoubles(first, doubles, 0, count);
      for (int i = 0; i < count; i++) {
        Subject.require(
            tensor.dtype() == DType.I64 || Float.compare((float) doubles[i], floats[i]) == 0,
            "floats that differ from doubles");
        checksum = 31 * checksum + Float.floatToRawIntBits(floats[i]);
      }
      if (!tensor.dtype().isFloating()) {
        tensor.readLongs(first, longs, 0, count);
      }
      if (first == tensor.size() - count) {
        return checksum;
      }
    }
  }
}
