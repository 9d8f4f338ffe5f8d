package lazydit.sampler;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import lazydit.dit.Dit;
import lazydit.dit.DitSemantics;
import lazydit.dit.TrainableDit;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;
import lazydit.weights.Checkpoint;
import lazydit.weights.DitFile;
import lazydit.weights.Fingerprint;
import lazydit.weights.LabelFile;
import lazydit.weights.LazyGateSet;

/**
 * A network ready to run, and what comes with it.
 *
 * @param name what to call it
 * @param layout whose names its weights have
 * @param dit the network
 * @param semantics whose way of computing and sampling it follows
 * @param classes what it can draw
 * @param decoder makes pictures of its latents, if it draws latents and there is a VAE
 * @param gateSteps the step counts it has gates for
 * @param gates reads its gates for one of those counts
 * @param fingerprint reads all weights to name them
 * @param frozen reads all weights again, for a network with ways back
 */
record Model(
    String name,
    DitFile.Layout layout,
    Dit dit,
    DitSemantics semantics,
    ClassNames classes,
    Optional<LatentDecoder> decoder,
    SortedSet<Integer> gateSteps,
    IntFunction<LazyGateSet> gates,
    Supplier<String> fingerprint,
    Supplier<TrainableDit> frozen) {

  private static final String BUILTIN = "built-in";

  static Model builtin(Workers workers) {
    Map<Integer, LazyGateSet> gates = new ConcurrentHashMap<>();
    return of(
        BUILTIN,
        DitFile.of(resource("model.safetensors")),
        LoadOptions.defaults(),
        workers,
        Optional.empty(),
        new TreeSet<>(List.of(20, 50)),
        steps ->
            gates.computeIfAbsent(
                steps, n -> LazyGateSet.read(resource("gates-" + n + ".safetensors"))),
        () -> Fingerprint.of(resource("model.safetensors")),
        () -> frozen(DitFile.of(resource("model.safetensors")), LoadOptions.defaults()));
  }

  private static Checkpoint resource(String name) {
    try (InputStream in = Model.class.getResourceAsStream("builtin/" + name)) {
      if (in == null) {
        throw new LazyDitException("The built-in " + name + " is missing from this lazydit's jar.");
      }
      return Checkpoint.of(in.readAllBytes(), BUILTIN + " " + name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Model load(Path path, LoadOptions options, Workers workers) {
    try (DitFile file = DitFile.open(path)) {
      return of(
          path.getFileName().toString(),
          file,
          options,
          workers,
          options.vae().map(LatentDecoder::load).or(() -> LatentDecoder.ofPipeline(path)),
          new TreeSet<>(),
          steps -> {
            throw new AssertionError("A loaded model has no gates of its own");
          },
          () -> fingerprint(path),
          () -> frozen(path, options));
    }
  }

  private static String fingerprint(Path path) {
    try (DitFile file = DitFile.open(path)) {
      return Fingerprint.of(file.weights());
    }
  }

  private static TrainableDit frozen(Path path, LoadOptions options) {
    try (DitFile file = DitFile.open(path)) {
      return frozen(file, options);
    }
  }

  private static TrainableDit frozen(DitFile file, LoadOptions options) {
    if (!options.semantics().equals(DitSemantics.FACEBOOK)) {
      throw new LazyDitException(
          "Gates can be learned for models that follow facebook's semantics only.");
    }
    return TrainableDit.frozen(file.config(options.heads()), file.weights());
  }

  private static Model of(
      String name,
      DitFile file,
      LoadOptions options,
      Workers workers,
      Optional<LatentDecoder> decoder,
      SortedSet<Integer> gateSteps,
      IntFunction<LazyGateSet> gates,
      Supplier<String> fingerprint,
      Supplier<TrainableDit> frozen) {
    TransformerConfig config = file.config(options.heads());
    decoder.ifPresent(vae -> vae.requireFits(name, config.inChannels()));
    ClassNames classes = classes(file, config.numClasses(), options.labels());
    WeightType type = options.weights().orElseGet(file::weightType);
    Dit dit = new Dit(config, file.weights(), options.semantics(), type, workers);
    return new Model(
        name,
        file.layout(),
        dit,
        options.semantics(),
        classes,
        decoder,
        gateSteps,
        gates,
        fingerprint,
        frozen);
  }

  private static ClassNames classes(DitFile file, int count, Optional<Path> labels) {
    List<String> names =
        labels.map(path -> LabelFile.read(path, count)).orElseGet(() -> file.classNames(count));
    return names.isEmpty() ? ClassNames.assumed(count) : new ClassNames(count, names);
  }

  /** {@return the channels of what is drawn in the end, decoded where there is a VAE} */
  int channels() {
    return decoder.map(LatentDecoder::channels).orElse(dit.config().inChannels());
  }

  /** {@return the height and width of what is drawn in the end} */
  long side() {
    return (long) dit.config().inputSize() * decoder.map(LatentDecoder::scale).orElse(1);
  }
}
