package lazydit.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.DitConfig;
import lazydit.dit.TransformerConfig;
import lazydit.dit.WeightSource;
import lazydit.engine.LazyDitException;

/**
 * Weights of whatever kind, in whatever file or folder they are published in: what the tools that
 * look at, convert and compare weights begin with.
 *
 * <p>Reading is safe for concurrent use; closing while others read is not.
 */
public final class ModelFile implements AutoCloseable {
  /** What the tensors belong to. */
  public enum Kind {
    /** A DiT or SiT, under facebook's or diffusers' names. */
    DIT,
    /** A Large-DiT. */
    LARGE_DIT,
    /** A VAE, under any of its namings. */
    VAE,
    /** Gates of lazy learning. */
    GATES,
    /** Something else, of which tensors are all that is known. */
    OTHER
  }

  private static final String CONFIG = "config.json";

  private final Path path;
  private final DitFile file;
  private final OptionalInt heads;
  private final Kind kind;
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

  private ModelFile(Path path, DitFile file, OptionalInt heads) {
    this.path = path;
    this.file = file;
    this.heads = heads;
    file.checkpoints().forEach(part -> tensors.putAll(part.tensors()));
    kind = recognise();
  }

  private Kind recognise() {
    Checkpoint first = file.checkpoints().getFirst();
    if (LazyGateFile.recognises(first)) {
      return Kind.GATES;
    }
    return switch (file.layout()) {
      case LARGE_DIT -> Kind.LARGE_DIT;
      case DIFFUSERS -> Kind.DIT;
      case FACEBOOK -> {
        if (tensors.containsKey("blocks.0.attn.qkv.weight")) {
          yield Kind.DIT;
        }
        yield VaeNames.matches(first) ? Kind.VAE : Kind.OTHER;
      }
    };
  }

  /**
   * Opens weights.
   *
   * @param path a file or the folder of a model
   * @param section the section to read, as for {@link Checkpoint#open(Path, String)}
   * @param heads the number of heads where nothing tells it
   * @return the open files; to be closed by the caller
   * @throws CheckpointException when there is nothing that can be read
   */
  public static ModelFile open(Path path, String section, OptionalInt heads) {
    DitFile file = DitFile.open(path, section);
    try {
      return new ModelFile(path, file, heads);
    } catch (Throwable e) {
      file.close();
      throw e;
    }
  }

  /**
   * Opens weights, choosing the section as {@link Checkpoint#open(Path)} does.
   *
   * @param path a file or the folder of a model
   * @return the open files; to be closed by the caller
   * @throws CheckpointException when there is nothing that can be read
   */
  public static ModelFile open(Path path) {
    return open(path, null, OptionalInt.empty());
  }

  /** {@return what the tensors belong to} */
  public Kind kind() {
    return kind;
  }

  /** {@return what to call this in messages} */
  public String describe() {
    return path.toString();
  }

  /** {@return the files that hold the weights} */
  public List<Checkpoint> checkpoints() {
    return file.checkpoints();
  }

  /** {@return all tensors as the files name them, in their order; unmodifiable} */
  public Map<String, StoredTensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /** {@return free text in the files} */
  public Map<String, String> metadata() {
    Map<String, String> all = new LinkedHashMap<>();
    checkpoints().forEach(part -> all.putAll(part.metadata()));
    return all;
  }

  /** The files as a transformer's. */
  DitFile network() {
    return file;
  }

  /** Whether a DiT's tensors have the names of diffusers. */
  boolean isDiffusersDit() {
    return kind == Kind.DIT && file.layout() == DitFile.Layout.DIFFUSERS;
  }

  /**
   * {@return the architecture of a transformer}
   *
   * @throws LazyDitException when nothing tells it, or when this is no transformer
   */
  public TransformerConfig transformer() {
    if (kind != Kind.DIT && kind != Kind.LARGE_DIT) {
      throw new CheckpointException(describe(), "holds no transformer");
    }
    return file.config(heads);
  }

  /** {@return the architecture of a transformer, or nothing when nothing tells it} */
  public Optional<TransformerConfig> knownTransformer() {
    try {
      return Optional.of(transformer());
    } catch (LazyDitException e) {
      return Optional.empty();
    }
  }

  /**
   * {@return the architecture of a VAE}
   *
   * @throws LazyDitException when this is no VAE or one of another architecture
   */
  public AutoencoderKlConfig vae() {
    Checkpoint part = checkpoints().getFirst();
    return VaeFile.config(vaeNames(), Path.of(part.describe()).resolveSibling(CONFIG));
  }

  VaeNames vaeNames() {
    return VaeNames.of(checkpoints().getFirst());
  }

  /** {@return one line about the architecture, or why it is not known} */
  public String architecture() {
    try {
      return switch (kind) {
        case DIT, LARGE_DIT -> transformer().describe() + ", under " + file.layout().title();
        case VAE -> vae().describe() + ", under the names of " + vaeNames().naming().title();
        case GATES -> {
          LazyGateFile gates = LazyGateFile.read(checkpoints().getFirst());
          yield "lazy gates for %d steps, %d blocks, hidden size %d"
              .formatted(gates.steps(), gates.depth(), gates.hiddenSize());
        }
        case OTHER -> "unknown: neither a transformer, nor a VAE, nor gates";
      };
    } catch (LazyDitException e) {
      return "unknown (" + e.getMessage() + ")";
    }
  }

  /**
   * The tensors under the names that the same network has whatever file it came from: facebook's,
   * Large-DiT's, or diffusers' of a VAE; those of anything else as they are.
   *
   * @throws LazyDitException when they do not fit together
   */
  Renaming canonical() {
    return switch (kind) {
      case DIT ->
          file.weights() instanceof DiffusersDitNames diffusers
              ? Renaming.toFacebook(
                  tensors, diffusers, knownTransformer().map(DitConfig.class::cast))
              : asStored();
      case VAE -> {
        VaeNames names = vaeNames();
        yield Renaming.canonical(tensors, NetworkTensors.of(vae()).keySet(), names::nameOf);
      }
      case LARGE_DIT, GATES, OTHER -> asStored();
    };
  }

  private Renaming asStored() {
    return new Renaming(new LinkedHashMap<>(tensors), List.of());
  }

  /** {@return the weights as a network reads them} */
  public WeightSource weights() {
    return kind == Kind.VAE ? vaeNames() : file.weights();
  }

  /** A file beside the weights, or one folder above in the folder of a pipeline. */
  Optional<Path> beside(String name) {
    Path folder = Path.of(checkpoints().getFirst().describe()).toAbsolutePath().getParent();
    return Optional.of(folder.resolveSibling(name)).filter(Files::exists);
  }

  /** Unmaps the files. */
  @Override
  public void close() {
    file.close();
  }
}
