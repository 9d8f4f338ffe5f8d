package lazydit.sampler;

import java.nio.file.Path;
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.function.Function;
import lazydit.dit.DitSemantics;
import lazydit.dit.TrainableDit;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;
import lazydit.weights.Checkpoint;
import lazydit.weights.DitFile;

/**
 * From a request to pictures: a model that is loaded once, and any number of runs.
 *
 * <p>Safe for use by many threads: runs at the same time share the weights and the worker threads,
 * and nothing else. A run's pictures depend only on its request and the model; not on other runs,
 * the number of threads or the size of batches.
 */
public final class Pipeline implements AutoCloseable {
  private final Model model;
  private final Workers workers;
  private final IdleNetworks idle = new IdleNetworks();

  private Pipeline(int threads, Function<Workers, Model> loader) {
    workers = new Workers(threads);
    try {
      model = loader.apply(workers);
    } catch (Throwable e) {
      workers.close();
      throw e;
    }
  }

  /**
   * {@return the model that comes with lazydit, which draws Fashion-MNIST, on all processors}
   *
   * <p>To be closed by the caller.
   */
  public static Pipeline builtin() {
    return builtin(Workers.defaultThreads());
  }

  /**
   * {@return the model that comes with lazydit; to be closed by the caller}
   *
   * @param threads how many threads compute, at least 1
   */
  public static Pipeline builtin(int threads) {
    return new Pipeline(threads, Model::builtin);
  }

  /**
   * Loads a model, to run on all processors.
   *
   * @param file a DiT's or Large-DiT's weights, as safetensors or from torch.save, or the folder of
   *     a diffusers pipeline, with its VAE, or of a Large-DiT
   * @return the pipeline; to be closed by the caller
   * @throws LazyDitException when the file cannot be read or is not a DiT
   */
  public static Pipeline load(Path file) {
    return load(file, LoadOptions.defaults());
  }

  /**
   * Loads a model.
   *
   * @param file a DiT's or Large-DiT's weights, as safetensors or from torch.save, or the folder of
   *     a diffusers pipeline or of a Large-DiT
   * @param threads how many threads compute, at least 1
   * @param heads the number of attention heads, which shapes do not tell; empty for what the file
   *     says or the published model of that size has
   * @return the pipeline; to be closed by the caller
   * @throws LazyDitException when the file cannot be read or is not a DiT
   */
  public static Pipeline load(Path file, int threads, OptionalInt heads) {
    return load(file, threads, heads, DitSemantics.FACEBOOK);
  }

  /**
   * Loads a model, to compute and sample as another implementation does. With {@link
   * DitSemantics#DIFFUSERS} that includes guidance on all channels, unless a request says
   * otherwise, and timesteps in a whole stride from 0 on ("leading").
   *
   * @param file as for {@link #load(Path, int, OptionalInt)}
   * @param threads how many threads compute, at least 1
   * @param heads the number of attention heads; empty for what the files say
   * @param semantics whose way to follow
   * @return the pipeline; to be closed by the caller
   * @throws LazyDitException when the file cannot be read or is not a DiT
   */
  public static Pipeline load(Path file, int threads, OptionalInt heads, DitSemantics semantics) {
    return load(
        file,
        new LoadOptions(
            threads, heads, semantics, Optional.empty(), Optional.empty(), Optional.empty()));
  }

  /**
   * Loads a model and what belongs to it.
   *
   * @param file as for {@link #load(Path)}
   * @param options what to load beside it, and how to run it
   * @return the pipeline; to be closed by the caller
   * @throws LazyDitException when a file cannot be read, is not a DiT, or the VAE is none, has no
   *     decoder or does not fit the model's latents, or the labels are not as many as the classes
   */
  public static Pipeline load(Path file, LoadOptions options) {
    return new Pipeline(options.threads(), workers -> Model.load(file, options, workers));
  }

  /**
   * Finds out early whether a VAE decodes what a model will draw that is still to be trained.
   *
   * @param vae a file or a folder
   * @param channels of the model's latents
   * @throws LazyDitException when it cannot be read, is no VAE, has no decoder or is for latents of
   *     other channels
   */
  public static void requireVae(Path vae, int channels) {
    LatentDecoder.requireFits(vae, channels);
  }

  /**
   * Finds out a model's architecture without loading it.
   *
   * @param weights a DiT's or Large-DiT's weights
   * @param heads the number of attention heads; empty for what the files beside it say, or the
   *     published model of that size has
   * @return the architecture
   * @throws LazyDitException when the tensors are not a DiT's, or nothing tells the heads
   */
  public static TransformerConfig architecture(Checkpoint weights, OptionalInt heads) {
    return DitFile.of(weights).config(heads);
  }

  /** {@return what to call the model: "built-in" or the file's name} */
  public String name() {
    return model.name();
  }

  /** {@return the network's sizes} */
  public TransformerConfig config() {
    return model.dit().config();
  }

  /** {@return whose names the weights have in their file} */
  public DitFile.Layout layout() {
    return model.layout();
  }

  /** {@return whose way of computing and sampling is followed} */
  public DitSemantics semantics() {
    return model.semantics();
  }

  /** {@return how the network's weights are kept} */
  public WeightType weightType() {
    return model.dit().weightType();
  }

  /** {@return what the model can draw} */
  public ClassNames classes() {
    return model.classes();
  }

  /** {@return what to call the VAE that decodes the model's latents; empty where there is none} */
  public Optional<String> vae() {
    return model.decoder().map(LatentDecoder::name);
  }

  /** {@return the step counts that gates come with the model for; unmodifiable, maybe empty} */
  public SortedSet<Integer> gateSteps() {
    return Collections.unmodifiableSortedSet(model.gateSteps());
  }

  /** {@return the {@link lazydit.weights.Fingerprint} of the model; reads all weights} */
  public String fingerprint() {
    return model.fingerprint().get();
  }

  /**
   * Loads the network once more, with its ways back, so that gates can be learned for it.
   *
   * @return the network, which stays as it is
   * @throws LazyDitException when it is computed with other semantics than facebook's
   */
  public TrainableDit frozen() {
    return model.frozen().get();
  }

  /** {@return how many threads compute} */
  public int threads() {
    return workers.threads();
  }

  /**
   * Finds out early whether results have pixels.
   *
   * @throws LazyDitException when the model draws latents and there is no VAE to decode them
   */
  public void requirePixels() {
    int channels = model.channels();
    if (channels != 1 && channels != 3) {
      throw new LazyDitException(
          ("Model %s draws %d-channel latents, which a VAE decodes to pixels: name one with --vae;"
                  + " the latents themselves can be had with --out FILE.safetensors, or from the"
                  + " Pipeline API.")
              .formatted(name(), channels));
    }
  }

  /**
   * Draws pictures. The calling thread computes too and is the one that asks whether to stop and
   * calls the request's listener.
   *
   * @param request what to draw, and how
   * @return the pictures and how they were made
   * @throws LazyDitException when the request does not fit the model, such as a class it does not
   *     have or gates for another number of steps
   * @throws java.util.concurrent.CancellationException when the request was cancelled
   */
  public SampleResult run(SampleRequest request) {
    return new PipelineRun(model, workers, request, idle).run();
  }

  /**
   * Prepares the JVM for a first run soon after its start, on the calling thread, for about half a
   * second: worth it beside {@link #load(Path)} in a program that draws a few pictures and ends.
   * Changes nothing but the time of that run.
   */
  public static void warmUp() {
    WarmUp.run();
  }

  /** Ends the worker threads. Runs have to be over. */
  @Override
  public void close() {
    workers.close();
  }
}
