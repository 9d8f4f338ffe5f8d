package lazydit.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lazydit.dit.WeightSource;

/**
 * A file of weights, mapped into memory: safetensors, a sharded set of those through its index, or
 * torch.save in its zip or legacy container. Which one it is, is seen from the content.
 *
 * <p>Checkpoints are untrusted. A pickle is read as data, never executed; sizes and ranges are
 * checked against the file before memory is taken; everything wrong is a {@link
 * CheckpointException} that names the file and the tensor.
 *
 * <p>Training checkpoints hold several copies of the weights. As a {@link WeightSource} a
 * checkpoint is one of its sections: {@code ema} when there is one, else {@code model}, else {@code
 * state_dict}, else everything; or the one asked for. {@link #allTensors()} is everything, keys of
 * nested dictionaries joined by dots.
 *
 * <p>A torch.save archive records a CRC-32 of each entry. In files up to 64 MiB all are compared
 * when opening; in larger ones each when its storage is first read, so that looking into a file of
 * 30 GB does not read it.
 *
 * <p>Reading is safe for concurrent use; closing while others read is not.
 */
public final class Checkpoint implements WeightSource, AutoCloseable {
  /** The kinds of file. */
  public enum Container {
    /** One safetensors file. */
    SAFETENSORS("safetensors"),
    /** Several safetensors files and the index that names them. */
    SAFETENSORS_SHARDS("sharded safetensors"),
    /** torch.save as a zip archive. */
    TORCH_ZIP("torch.save (zip)"),
    /** torch.save as it was before PyTorch 1.6. */
    TORCH_LEGACY("torch.save (legacy)");

    private final String title;

    Container(String title) {
      this.title = title;
    }

    /** {@return its name for people} */
    public String title() {
      return title;
    }
  }

  private static final List<String> PREFERRED_SECTIONS = List.of("ema", "model", "state_dict");
  private static final long VERIFY_WHEN_OPENING = 64L << 20;
  private static final int SIGNATURE_BYTES = 10;
  private static final int ZIP_SIGNATURE = 0x504B0304;
  private static final byte PICKLE_SIGNATURE = (byte) 0x80;

  private final String file;
  private final Arena arena;
  private final Container container;
  private final long fileBytes;
  private final Contents contents;
  private final String section;
  private final Map<String, StoredTensor> tensors;

  private Checkpoint(
      String file,
      Arena arena,
      Container container,
      long fileBytes,
      Contents contents,
      String section) {
    this.file = file;
    this.arena = arena;
    this.container = container;
    this.fileBytes = fileBytes;
    this.contents = contents;
    this.section = section;
    this.tensors = Collections.unmodifiableMap(select(contents.tensors, section));
  }

  /**
   * Opens a checkpoint and chooses the section to read: {@code ema}, else {@code model}, else
   * {@code state_dict}, else everything.
   *
   * @param path the file
   * @return the open checkpoint; to be closed by the caller
   * @throws CheckpointException when it cannot be read
   */
  public static Checkpoint open(Path path) {
    return open(path, null);
  }

  /**
   * Opens a checkpoint.
   *
   * @param path the file
   * @param section the section to read: a prefix of tensor names without the dot behind it; empty
   *     for everything; {@code null} to choose as {@link #open(Path)} does
   * @return the open checkpoint; to be closed by the caller
   * @throws CheckpointException when it cannot be read or has no such section
   */
  public static Checkpoint open(Path path, String section) {
    Arena arena = Arena.ofShared();
    try {
      return new Opener(arena).open(path, section);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  /**
   * Reads a checkpoint that is in memory, such as a resource of a jar, and chooses the section as
   * {@link #open(Path)} does.
   *
   * @param bytes the content of a safetensors or torch.save file; not copied, not to be changed
   * @param name what to call it in messages
   * @return the checkpoint; closing it is not needed, but does no harm
   * @throws CheckpointException when it cannot be read
   */
  public static Checkpoint of(byte[] bytes, String name) {
    MemorySegment all = MemorySegment.ofArray(bytes).asReadOnly();
    Container container = detect(name, all);
    Contents contents = parse(name, container, all);
    contents.tensors.values().forEach(StoredTensor::verify);
    String section = choose(name, contents, null);
    return new Checkpoint(name, Arena.ofShared(), container, bytes.length, contents, section);
  }

  private static Contents parse(String file, Container container, MemorySegment all) {
    return switch (container) {
      case TORCH_ZIP -> TorchFile.readZip(file, all);
      case TORCH_LEGACY -> TorchFile.readLegacy(file, all);
      default -> SafetensorsFile.read(file, all);
    };
  }

  /** Maps files into one arena. */
  private static final class Opener {
    private final Arena arena;
    private long mapped;

    Opener(Arena arena) {
      this.arena = arena;
    }

    Checkpoint open(Path path, String section) {
      String file = path.toString();
      Container container;
      Contents contents;
      if (file.endsWith(".index.json")) {
        container = Container.SAFETENSORS_SHARDS;
        contents =
            SafetensorsFile.readShards(
                path, shard -> SafetensorsFile.read(shard.toString(), safetensors(shard)));
      } else {
        MemorySegment all = map(path);
        container = detect(file, all);
        contents = parse(file, container, all);
      }
      if (mapped <= VERIFY_WHEN_OPENING) {
        contents.tensors.values().forEach(StoredTensor::verify);
      }
      String chosen = choose(file, contents, section);
      return new Checkpoint(file, arena, container, mapped, contents, chosen);
    }

    private MemorySegment safetensors(Path shard) {
      MemorySegment all = map(shard);
      if (!SafetensorsFile.looksLike(all)) {
        throw new CheckpointException(shard.toString(), "is not a safetensors file");
      }
      return all;
    }

    private MemorySegment map(Path path) {
      String file = path.toString();
      if (Files.isDirectory(path)) {
        throw new CheckpointException(file, "is a folder; a file of weights is expected");
      }
      if (!Files.exists(path)) {
        throw new CheckpointException(file, "does not exist");
      }
      try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
        if (channel.size() == 0) {
          throw new CheckpointException(file, "is empty");
        }
        mapped += channel.size();
        return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      } catch (IOException e) {
        throw new CheckpointException(file, "cannot be read (" + e + ")", e);
      }
    }
  }

  private static Container detect(String file, MemorySegment all) {
    if (all.byteSize() >= SIGNATURE_BYTES) {
      if (Integer.reverseBytes(all.get(ValueLayout.JAVA_INT_UNALIGNED, 0)) == ZIP_SIGNATURE) {
        return Container.TORCH_ZIP;
      }
      if (SafetensorsFile.looksLike(all)) {
        return Container.SAFETENSORS;
      }
      if (all.get(ValueLayout.JAVA_BYTE, 0) == PICKLE_SIGNATURE) {
        return Container.TORCH_LEGACY;
      }
    }
    throw new CheckpointException(
        file, "is neither a safetensors file nor one written by torch.save");
  }

  private static String choose(String file, Contents contents, String asked) {
    if (asked == null) {
      return PREFERRED_SECTIONS.stream().filter(contents.sections::contains).findFirst().orElse("");
    }
    if (!asked.isEmpty()
        && contents.tensors.keySet().stream().noneMatch(name -> name.startsWith(asked + "."))) {
      throw new CheckpointException(
          file,
          "has no section '"
              + asked
              + "'; it has "
              + (contents.sections.isEmpty() ? "none" : String.join(", ", contents.sections)));
    }
    return asked;
  }

  private static Map<String, StoredTensor> select(Map<String, StoredTensor> all, String section) {
    if (section.isEmpty()) {
      return all;
    }
    Map<String, StoredTensor> selected = new LinkedHashMap<>();
    all.forEach(
        (name, tensor) -> {
          if (name.startsWith(section + ".")) {
            String shortName = name.substring(section.length() + 1);
            selected.put(shortName, tensor.renamed(shortName));
          }
        });
    return selected;
  }

  /** {@return the kind of file} */
  public Container container() {
    return container;
  }

  /** {@return the section that this checkpoint reads; empty for everything} */
  public String section() {
    return section;
  }

  /** {@return the top-level names under which the file nests tensors, in its order} */
  public List<String> sections() {
    return List.copyOf(contents.sections);
  }

  /** {@return the section's tensors by name, in the file's order; unmodifiable} */
  public Map<String, StoredTensor> tensors() {
    return tensors;
  }

  /** {@return all tensors by full name, in the file's order; unmodifiable} */
  public Map<String, StoredTensor> allTensors() {
    return Collections.unmodifiableMap(contents.tensors);
  }

  /**
   * {@return the tensor, or nothing when there is none of that name}
   *
   * @param name a tensor of the section
   */
  public Optional<StoredTensor> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /**
   * {@return the tensor}
   *
   * @param name a tensor of the section
   * @throws CheckpointException when there is none of that name
   */
  public StoredTensor tensor(String name) {
    return find(name)
        .orElseThrow(() -> new CheckpointException(file, "has no tensor '" + name + "'" + where()));
  }

  private String where() {
    return section.isEmpty() ? "" : " in its section '" + section + "'";
  }

  /**
   * {@return the free text of a safetensors file ({@code __metadata__}); empty for other
   * containers}
   */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(contents.metadata);
  }

  /**
   * Everything in a torch.save file that is not a tensor, such as {@code args}, {@code epoch} and
   * {@code step}: nested maps (in the file's order), lists, strings, {@code Long} ({@code
   * BigInteger} beyond 64 bits), {@code Double}, {@code Boolean} and {@code null}. Maps that held
   * nothing but tensors are left out; in a list a tensor's place holds a string that names it.
   *
   * @return the values by top-level key; unmodifiable at the top; empty for safetensors
   */
  public Map<String, Object> values() {
    return contents.values;
  }

  /** {@return the size of the file, or of all shards together, in bytes} */
  public long fileBytes() {
    return fileBytes;
  }

  @Override
  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  @Override
  public long[] shape(String name) {
    return tensor(name).shape();
  }

  @Override
  public float scale(String name, long row) {
    return tensor(name).scale(row);
  }

  @Override
  public void read(String name, long offset, float[] into, int at, int count) {
    tensor(name).readFloats(offset, into, at, count);
  }

  @Override
  public List<String> names() {
    return List.copyOf(tensors.keySet());
  }

  @Override
  public String describe() {
    return file;
  }

  /** Unmaps the file. Its tensors can no longer be read. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
