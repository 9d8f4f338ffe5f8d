package lazydit.sampler.learning;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import lazydit.dit.CachePolicy;
import lazydit.dit.TrainableDit;
import lazydit.engine.Workers;
import lazydit.sampler.Guidance;
import lazydit.weights.LazyGateFile;
import lazydit.weights.LazyGateSet;

/**
 * What gates come to on pictures that they were not learned from: how lazy they are, and how far
 * the pictures are from those that many more steps draw from the same noise.
 *
 * @param model the network
 * @param guidance with which pictures are drawn
 * @param truthSteps steps of the pictures to compare with
 * @param batch pictures of a pass
 * @param seed of the noise
 * @param workers who works
 * @param cancelled asked before every step whether to stop
 */
public record GateCheck(
    TrainableDit model,
    Guidance guidance,
    int truthSteps,
    int batch,
    long seed,
    Workers workers,
    BooleanSupplier cancelled) {
  private static final float THRESHOLD = 0.5f;

  /**
   * Of one operating point.
   *
   * @param ratio the lazy ratio
   * @param error mean squared difference of pixels to the pictures of many steps
   * @param fullError the same of everything computed, in as many steps as the gates are for
   */
  public record Result(LazyGateSet.Ratio ratio, double error, double fullError) {}

  /**
   * Draws pictures with each operating point.
   *
   * @param gates the gates, whose thresholds are 0.5
   * @param first the first picture
   * @param count how many, a multiple of the batch
   * @return a result for each point
   * @throws java.util.concurrent.CancellationException when it was cancelled
   */
  public List<Result> run(List<LazyGateFile> gates, int first, int count) {
    Rollout rollout = rollout(gates.getFirst().steps());
    float[] truth = computed(rollout(truthSteps), first, count);
    double fullError = Rollout.difference(computed(rollout, first, count), truth);
    List<Result> results = new ArrayList<>();
    for (LazyGateFile each : gates) {
      CachePolicy policy = each.toLazyGates(THRESHOLD, THRESHOLD);
      Rollout.Drawn drawn = rollout.draw(first, count, pictures -> policy);
      results.add(
          new Result(
              new LazyGateSet.Ratio(drawn.attn(), drawn.mlp()),
              Rollout.difference(drawn.pictures(), truth),
              fullError));
    }
    return results;
  }

  private Rollout rollout(int steps) {
    return new Rollout(model, steps, guidance, seed, batch, workers, cancelled);
  }

  private static float[] computed(Rollout rollout, int first, int count) {
    return rollout.draw(first, count, pictures -> CachePolicy.none()).pictures();
  }
}
