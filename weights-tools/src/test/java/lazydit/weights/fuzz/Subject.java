package lazydit.weights.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import lazydit.dit.AutoencoderKl;
import lazydit.dit.Dit;
import lazydit.dit.DitSemantics;
import lazydit.dit.TransformerConfig;
import lazydit.engine.WeightType;
import lazydit.weights.Checkpoint;
import lazydit.weights.CheckpointReport;
import lazydit.weights.Convert;
import lazydit.weights.DitFile;
import lazydit.weights.Fingerprint;
import lazydit.weights.GoldenFile;
import lazydit.weights.Json;
import lazydit.weights.LabelFile;
import lazydit.weights.LazyGateFile;
import lazydit.weights.ModelFile;
import lazydit.weights.Quantize;
import lazydit.weights.VaeFile;

/** The readers of files that may come from anywhere. */
enum Subject implements Reader {
  /** A safetensors file. */
  SAFETENSORS(25) {
    @Override
    public String load(Sample sample, Workplace place) throws IOException {
      return checkpoint(sample, place);
    }
  },

  /** A file of torch.save, in either container. */
  TORCH(35) {
    @Override
    public String load(Sample sample, Workplace place) throws IOException {
      return checkpoint(sample, place);
    }
  },

  /** A file of gates, in memory. */
  GATES(10) {
    @Override
    public String load(Sample sample, Workplace place) {
      try (Checkpoint checkpoint = Checkpoint.of(sample.content(), NAME)) {
        LazyGateFile gates = LazyGateFile.read(checkpoint);
        int size = gates.steps() * gates.depth() * gates.hiddenSize();
        require(gates.attn().length == size && gates.mlp().length == size, "gates of no size");
        require(LazyGateFile.recognises(checkpoint), "gates that are not recognised");
        return "steps %d, thresholds %s %s, map %s"
            .formatted(
                Math.min(gates.steps(), 3),
                gates.attnThreshold().isPresent(),
                gates.mlpThreshold().isPresent(),
                gates.timestepMap().isPresent());
      }
    }
  },

  /** The index of a sharded set, with its shards. */
  SHARDS(6) {
    @Override
    public String load(Sample sample, Workplace place) throws IOException {
      Path index = place.lay(sample).resolve("model.safetensors.index.json");
      try (Checkpoint checkpoint = Checkpoint.open(index)) {
        return place.inspect(checkpoint, null);
      }
    }
  },

  /** A transformer's file or folder with what is said beside the weights, up to the network. */
  DIT(10) {
    @Override
    public String load(Sample sample, Workplace place) throws IOException {
      Path folder = place.lay(sample);
      Path path = fileOr(folder, "dit.safetensors");
      try (DitFile file = DitFile.open(path)) {
        TransformerConfig config = file.config(OptionalInt.empty());
        int names = file.classNames(config.numClasses()).size();
        Fingerprint.of(file.weights());
        new Dit(config, file.weights());
        return "%s, names %s".formatted(file.layout(), names > 0);
      }
    }
  },

  /** A VAE's file or folder with its config, up to the network. */
  VAE(6) {
    @Override
    public String load(Sample sample, Workplace place) throws IOException {
      Path folder = place.lay(sample);
      Path path = fileOr(folder, "vae.safetensors");
      try (VaeFile file = VaeFile.open(path)) {
        boolean both = file.checkpoint().names().stream().anyMatch(n -> n.startsWith("encoder."));
        file.load(both ? AutoencoderKl.Parts.BOTH : AutoencoderKl.Parts.DECODER);
        return "%s, ignored %s".formatted(file.naming(), !file.ignored().isEmpty());
      }
    }
  },

  /** Weights of any kind as the tools see them, up to a copy in the usual form. */
  MODEL(8) {
    @Override
    public String load(Sample sample, Workplace place) throws IOException {
      Path folder = place.lay(sample);
      Path path = fileOr(folder, "dit.safetensors", "vae.safetensors", "gates.safetensors");
      try (ModelFile model = ModelFile.open(path)) {
        require(!model.architecture().isEmpty(), "no architecture");
        require(!model.metadata().containsKey(null), "metadata of no name");
        long copied = copied(model, place.output());
        return "%s, known %s, all copied %s"
            .formatted(
                model.kind(),
                model.knownTransformer().isPresent(),
                copied == model.tensors().size());
      }
    }
  },

  /** A transformer as 8-bit integers, in the file or made so, up to the network. */
  INT8(8) {
    @Override
    public String load(Sample sample, Workplace place) throws IOException {
      Path path = place.lay(sample).resolve("dit.safetensors");
      try (ModelFile model = ModelFile.open(path);
          DitFile file = DitFile.open(path)) {
        new Dit(model.transformer(), model.weights(), DitSemantics.FACEBOOK, WeightType.INT8);
        Quantize.Report report = Quantize.run(model, place.output(), (done, total) -> {});
        require(report.bytesAfter() >= 0, "a size below 0");
        try (DitFile again = DitFile.open(place.output())) {
          new Dit(
              again.config(OptionalInt.of(model.transformer().numHeads())),
              again.weights(),
              DitSemantics.FACEBOOK,
              again.weightType());
          return "%s as %s, then %s"
              .formatted(file.layout(), file.weightType(), again.weightType());
        }
      }
    }
  },

  /** Expected numbers with their sidecar. */
  GOLDEN(3) {
    @Override
    public String load(Sample sample, Workplace place) throws IOException {
      Path file = place.lay(sample).resolve("table.safetensors");
      try (GoldenFile golden = GoldenFile.open(file)) {
        golden.expectedNames().forEach(golden::tolerance);
        golden.inputInts("y", -1);
        return golden.configInt("n") + " " + golden.configFlag("flag");
      }
    }
  },

  /** Names of classes, as text or as JSON. */
  LABELS(2) {
    @Override
    public String load(Sample sample, Workplace place) throws IOException {
      Path file = place.lay(sample).resolve(sample.files().firstKey());
      return "names " + LabelFile.read(file, 3).stream().distinct().count();
    }
  },

  /** JSON alone: what is read and written is read as the same. */
  JSON(3) {
    @Override
    public String load(Sample sample, Workplace place) throws IOException {
      Path file = place.lay(sample).resolve(sample.files().firstKey());
      Map<String, Object> value = Json.read(file);
      require(value.equals(Json.parse(Json.write(value), NAME)), "JSON that changes when written");
      return "members " + Math.min(value.size(), 8);
    }
  };

  /** What inputs in memory are called. */
  static final String NAME = "mutant";

  private static final int MAPPED_TOO = 32;

  /** How often this is the one to be given an input, relative to the others. */
  final int share;

  Subject(int share) {
    this.share = share;
  }

  /** In memory; now and then from a file too, which must agree. */
  private static String checkpoint(Sample sample, Workplace place) throws IOException {
    byte[] content = sample.content();
    boolean twice = content.length > 0 && Arrays.hashCode(content) % MAPPED_TOO == 0;
    String mapped = twice ? mapped(sample, place) : "";
    String loaded;
    try (Checkpoint checkpoint = Checkpoint.of(content, NAME)) {
      loaded = place.inspect(checkpoint, content);
      CheckpointReport report = CheckpointReport.of(checkpoint, "");
      require(!report.text().isEmpty(), "an empty report");
      Json.write(report.json());
    } catch (RuntimeException e) {
      require(!twice || mapped.equals(e.getClass().getName()), "refused only in memory");
      throw e;
    }
    require(!twice || mapped.equals(loaded), "mapped otherwise than read from memory");
    return loaded;
  }

  private static String mapped(Sample sample, Workplace place) throws IOException {
    Path folder = place.lay(sample);
    try (Checkpoint checkpoint = Checkpoint.open(folder.resolve(sample.files().firstKey()))) {
      return place.inspect(checkpoint, sample.content());
    } catch (RuntimeException e) {
      return e.getClass().getName();
    }
  }

  /** How many tensors a copy of a model has, which must be a model of the same kind. */
  private static long copied(ModelFile model, Path output) {
    Convert.run(model, output, Convert.Options.COPY, (done, total) -> {});
    try (ModelFile copy = ModelFile.open(output)) {
      require(copy.kind() == model.kind(), "a copy of another kind");
      return copy.tensors().size();
    }
  }

  /** The first of the files that is there, or else the folder. */
  private static Path fileOr(Path folder, String... names) {
    return Arrays.stream(names)
        .map(folder::resolve)
        .filter(Files::isRegularFile)
        .findFirst()
        .orElse(folder);
  }

  static void require(boolean sound, String otherwise) {
    if (!sound) {
      throw new Unsound(otherwise);
    }
  }

  /** All of them, each as often as its share says. */
  static List<Subject> byShare() {
    return Arrays.stream(values())
        .flatMap(subject -> Collections.nCopies(subject.share, subject).stream())
        .toList();
  }
}
