package lazydit.sampler.training;

import java.util.LinkedHashMap;
import java.util.Map;
import lazydit.dit.DitConfig;
import lazydit.engine.LazyDitException;
import lazydit.engine.LearningRate;
import lazydit.weights.CheckpointException;
import lazydit.weights.Json;

/**
 * All that decides what comes out of the training of a DiT, beside its data.
 *
 * @param network the architecture
 * @param seed of the first weights, of the order of the data and of all that is drawn at random
 * @param batch N, pictures of a step
 * @param microBatch pictures of a pass; divides the batch
 * @param rate the learning rate, which also says how many steps there are
 * @param weightDecay of AdamW
 * @param clip the longest gradient, longer ones are shortened
 * @param averageDecay how much of the moving average stays in a step
 * @param labelDropout share of the pictures that are shown without their label, so that the network
 *     can be guided (Ho and Salimans 2022)
 * @param flip whether half of the pictures are shown mirrored, left and right exchanged
 */
public record DitPlan(
    DitConfig network,
    long seed,
    int batch,
    int microBatch,
    LearningRate rate,
    double weightDecay,
    double clip,
    double averageDecay,
    double labelDropout,
    boolean flip) {

  /** Pictures of a step at most. */
  public static final int MOST_PICTURES = 1 << 16;

  /**
   * Checks what can be checked without the data.
   *
   * @throws LazyDitException when a number is out of range
   */
  public DitPlan {
    if (microBatch < 1 || batch > MOST_PICTURES || batch < 1 || batch % microBatch != 0) {
      throw new LazyDitException(
          "A batch of %d pictures, at most %d, is not made of micro-batches of %d."
              .formatted(batch, MOST_PICTURES, microBatch));
    }
    if (!(labelDropout >= 0 && labelDropout <= 1)) {
      throw new LazyDitException(
          "A share of %s of the labels cannot be left out.".formatted(labelDropout));
    }
    boolean finite = Double.isFinite(weightDecay) && Double.isFinite(clip);
    if (!finite || weightDecay < 0 || clip <= 0 || !(averageDecay >= 0 && averageDecay <= 1)) {
      throw new LazyDitException(
          "A training cannot have weight decay %s, gradients up to %s and an average of %s."
              .formatted(weightDecay, clip, averageDecay));
    }
  }

  /** {@return how many steps there are} */
  public long steps() {
    return rate.steps();
  }

  /** {@return the plan as JSON} */
  String json() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("input_size", network.inputSize());
    fields.put("patch_size", network.patchSize());
    fields.put("in_channels", network.inChannels());
    fields.put("hidden_size", network.hiddenSize());
    fields.put("depth", network.depth());
    fields.put("num_heads", network.numHeads());
    fields.put("mlp_hidden", network.mlpHidden());
    fields.put("num_classes", network.numClasses());
    fields.put("learn_sigma", network.learnSigma());
    fields.put("seed", seed);
    fields.put("batch", batch);
    fields.put("micro_batch", microBatch);
    fields.put("rate", rate.peak());
    fields.put("last_rate", rate.floor());
    fields.put("warm_up", rate.warmUp());
    fields.put("steps", rate.steps());
    fields.put("weight_decay", weightDecay);
    fields.put("clip", clip);
    fields.put("average_decay", averageDecay);
    fields.put("label_dropout", labelDropout);
    fields.put("flip", flip);
    return Json.write(fields);
  }

  /**
   * Reads a plan.
   *
   * @param text JSON as {@link #json} writes it
   * @param source what to call it in an error message
   * @throws LazyDitException when it is none
   */
  static DitPlan parse(String text, String source) {
    Fields of = new Fields(Json.parseObject(text, source), source);
    return new DitPlan(
        new DitConfig(
            of.size("input_size"),
            of.size("patch_size"),
            of.size("in_channels"),
            of.size("hidden_size"),
            of.size("depth"),
            of.size("num_heads"),
            of.size("mlp_hidden"),
            of.size("num_classes"),
            of.truth("learn_sigma")),
        of.whole("seed"),
        of.size("batch"),
        of.size("micro_batch"),
        new LearningRate(
            of.number("rate"), of.number("last_rate"), of.whole("warm_up"), of.whole("steps")),
        of.number("weight_decay"),
        of.number("clip"),
        of.number("average_decay"),
        of.number("label_dropout"),
        of.truth("flip"));
  }

  /** The members of a JSON object, each of the kind it has to be. */
  private record Fields(Map<String, Object> values, String source) {
    private CheckpointException missing(String name, String kind) {
      return new CheckpointException(
          source, "has no %s '%s' in its plan of a training".formatted(kind, name));
    }

    long whole(String name) {
      if (values.get(name) instanceof Long value) {
        return value;
      }
      throw missing(name, "whole number");
    }

    int size(String name) {
      long value = whole(name);
      return Math.clamp(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    double number(String name) {
      if (values.get(name) instanceof Number value) {
        return value.doubleValue();
      }
      throw missing(name, "number");
    }

    boolean truth(String name) {
      if (values.get(name) instanceof Boolean value) {
        return value;
      }
      throw missing(name, "truth value");
    }
  }
}
