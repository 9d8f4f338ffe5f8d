package lazydit.sampler;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import lazydit.dit.DitSemantics;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;

/**
 * What to load beside a model, and how to run it.
 *
 * @param threads how many threads compute, at least 1
 * @param heads the number of attention heads, which shapes do not tell; empty for what the files
 *     say or the published model of that size has
 * @param semantics whose way to follow. With {@link DitSemantics#DIFFUSERS} that includes guidance
 *     on all channels, unless a request says otherwise, and timesteps in a whole stride from 0 on
 *     ("leading")
 * @param vae the VAE that decodes the model's latents to pictures, a file or a folder; empty for
 *     the folder {@code vae} of a diffusers pipeline, where there is one
 * @param labels a file that names the model's classes, see {@link lazydit.weights.LabelFile}; empty
 *     for what the files say, or else ImageNet's names for 1000 classes
 * @param weights how to keep the network's weights; empty for 8-bit integers or bfloat16 where the
 *     file has them so, else float32
 */
public record LoadOptions(
    int threads,
    OptionalInt heads,
    DitSemantics semantics,
    Optional<Path> vae,
    Optional<Path> labels,
    Optional<WeightType> weights) {

  /** {@return all processors, facebook's way, and everything else as the files say} */
  public static LoadOptions defaults() {
    return new LoadOptions(
        Workers.defaultThreads(),
        OptionalInt.empty(),
        DitSemantics.FACEBOOK,
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /**
   * {@return the same with another number of threads}
   *
   * @param count how many threads compute, at least 1
   */
  public LoadOptions withThreads(int count) {
    return new LoadOptions(count, heads, semantics, vae, labels, weights);
  }

  /**
   * {@return the same with a VAE}
   *
   * @param path a file or a folder
   */
  public LoadOptions withVae(Path path) {
    return new LoadOptions(threads, heads, semantics, Optional.of(path), labels, weights);
  }

  /**
   * {@return the same with names for the classes}
   *
   * @param path a file that names each class, see {@link lazydit.weights.LabelFile}
   */
  public LoadOptions withLabels(Path path) {
    return new LoadOptions(threads, heads, semantics, vae, Optional.of(path), weights);
  }

  /**
   * {@return the same with weights of a certain type}
   *
   * @param type how to keep the network's weights
   */
  public LoadOptions withWeights(WeightType type) {
    return new LoadOptions(threads, heads, semantics, vae, labels, Optional.of(type));
  }
}
