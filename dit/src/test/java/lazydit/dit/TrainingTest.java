package lazydit.dit;

import static lazydit.dit.Samples.SMALL;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;
import lazydit.engine.LazyDitException;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Gradients of whole passes against central differences of the definition in float64. */
class TrainingTest {
  private static final int BATCH = 3;
  private static final float[] TIMESTEPS = {3, 500, 999};
  private static final int[] LABELS = {2, SMALL.nullClass(), 2};
  private static final float[] IMAGES = Samples.images(SMALL, BATCH, 1);
  private static final float[] D_OUT = Samples.normal(2, BATCH * SMALL.outputLength());
  private static final Workers WORKERS = new Workers(2);

  /** Narrow: the weights are float32, but their difference is known and the loss is float64. */
  private static final float STEP = 1e-4f;

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  private static RandomWeights weights() {
    return new RandomWeights(SMALL, 5);
  }

  /** The derivative of a loss by one weight. */
  private static double derivative(float[] values, int at, DoubleSupplier loss) {
    float old = values[at];
    values[at] = old + STEP;
    double width = values[at];
    double above = loss.getAsDouble();
    values[at] = old - STEP;
    width -= values[at];
    double below = loss.getAsDouble();
    values[at] = old;
    return (above - below) / width;
  }

  private static double loss(RandomWeights weights) {
    ReferenceDit reference = new ReferenceDit(SMALL, weights);
    double loss = 0;
    for (int sample = 0; sample < BATCH; sample++) {
      double[] out =
          reference.forward(
              Samples.part(IMAGES, sample, BATCH),
              TIMESTEPS[sample],
              LABELS[sample],
              ReferenceDit.BranchRule.COMPUTE);
      for (int i = 0; i < out.length; i++) {
        loss += out[i] * D_OUT[sample * out.length + i];
      }
    }
    return loss;
  }

  private static TrainableDit passed(RandomWeights weights, Workers workers) {
    TrainableDit model = TrainableDit.learning(SMALL, weights);
    TrainingRun run = model.newRun(BATCH, workers);
    run.forward(IMAGES, TIMESTEPS, LABELS, new float[BATCH * SMALL.outputLength()]);
    run.backward(D_OUT);
    return model;
  }

  @Test
  void everyParameter() {
    RandomWeights weights = weights();
    Parameters parameters = passed(weights, WORKERS).parameters();
    assertEquals(weights.size() - weights.values("pos_embed").length, parameters.size());
    SplittableRandom random = new SplittableRandom(9);
    for (Parameters.Parameter p : parameters.list()) {
      float[] values = weights.values(p.name());
      float[] found = Arrays.copyOfRange(parameters.gradients(), p.offset(), p.offset() + p.size());
      double scale =
          IntStream.range(0, p.size()).mapToDouble(i -> Math.abs(found[i])).max().orElse(0);
      assertTrue(scale > 1e-3, p.name() + " has a gradient");
      for (int i = 0; i < 6; i++) {
        int at = random.nextInt(p.size());
        double expected = derivative(values, at, () -> loss(weights));
        assertEquals(expected, found[at], 2e-5 * scale, p.name() + " at " + at);
      }
    }
  }

  @Test
  void theSameBitsOnAnyThreads() {
    try (Workers one = new Workers(1);
        Workers three = new Workers(3)) {
      float[] expected = passed(weights(), one).parameters().gradients();
      Samples.assertBits(expected, passed(weights(), three).parameters().gradients(), "gradients");
    }
  }

  @Test
  void trainingAndSamplingPassesAreTheSame() {
    TrainableDit model = TrainableDit.learning(SMALL, weights());
    float[] trained = new float[BATCH * SMALL.outputLength()];
    float[] sampled = new float[trained.length];
    model.newRun(BATCH, WORKERS).forward(IMAGES, TIMESTEPS, LABELS, trained);
    new Dit(SMALL, weights())
        .newRun(BATCH, 1, CachePolicy.none(), WORKERS)
        .forward(IMAGES, TIMESTEPS, LABELS, 0, sampled);
    Samples.assertBits(sampled, trained, "output");
  }

  @Test
  void microBatchesAddUp() {
    float[] whole = passed(weights(), WORKERS).parameters().gradients();
    TrainableDit model = TrainableDit.learning(SMALL, weights());
    TrainingRun run = model.newRun(1, WORKERS);
    for (int i = 0; i < BATCH; i++) {
      float[] out = new float[SMALL.outputLength()];
      run.forward(
          Samples.part(IMAGES, i, BATCH), new float[] {TIMESTEPS[i]}, new int[] {LABELS[i]}, out);
      run.backward(Samples.part(D_OUT, i, BATCH));
    }
    float[] parts = model.parameters().gradients();
    for (int i = 0; i < whole.length; i++) {
      assertEquals(whole[i], parts[i], 1e-4 * Math.max(1, Math.abs(whole[i])), "at " + i);
    }
  }

  /** After a step the packed network is that of the new parameters, and so is its checkpoint. */
  @Test
  void repackingFollowsTheParameters() {
    TrainableDit model = passed(weights(), WORKERS);
    Parameters parameters = model.parameters();
    for (int i = 0; i < parameters.size(); i++) {
      parameters.values()[i] -= 1e-3f * parameters.gradients()[i];
    }
    model.repack(WORKERS);
    WeightSource changed = model.weights(parameters.values());
    assertEquals(weights().names().size(), changed.names().size());
    float[] expected = new float[BATCH * SMALL.outputLength()];
    float[] found = new float[expected.length];
    new Dit(SMALL, changed)
        .newRun(BATCH, 1, CachePolicy.none(), WORKERS)
        .forward(IMAGES, TIMESTEPS, LABELS, 0, expected);
    TrainingRun run = model.newRun(BATCH, WORKERS);
    run.forward(IMAGES, TIMESTEPS, LABELS, found);
    Samples.assertBits(expected, found, "output");
    parameters.clearGradients();
    run.backward(D_OUT);
    float[] gradients = passed(weights(), WORKERS).parameters().gradients();
    Samples.assertDiffers(gradients, parameters.gradients(), "another place, another gradient");
    TrainableDit fresh = TrainableDit.learning(SMALL, changed);
    TrainingRun again = fresh.newRun(BATCH, WORKERS);
    again.forward(IMAGES, TIMESTEPS, LABELS, found);
    again.backward(D_OUT);
    Samples.assertBits(fresh.parameters().gradients(), parameters.gradients(), "gradients");
  }

  @Test
  void misuseIsRefused() {
    TrainableDit frozen = TrainableDit.frozen(SMALL, weights());
    assertThrows(IllegalStateException.class, frozen::parameters);
    assertThrows(IllegalStateException.class, () -> frozen.newRun(1, WORKERS));
    TrainingRun run = TrainableDit.learning(SMALL, weights()).newRun(1, WORKERS);
    assertThrows(IllegalStateException.class, () -> run.backward(D_OUT));
    TrainableGates others = new TrainableGates(4, SMALL.depth() + 1, SMALL.hiddenSize());
    assertThrows(LazyDitException.class, () -> frozen.newRun(others, 1, WORKERS));
  }

  // Gates.

  private static final int STEPS = 4;
  private static final int FIRST = 2;

  /** A roll-out of two steps, all in float64: the second sees the first's output and outputs. */
  private static double rollOut(
      RandomWeights weights,
      float[] gates,
      float[] old,
      float[] dScores,
      GateTrainingRun.Weight weight) {
    ReferenceDit reference = new ReferenceDit(SMALL, weights);
    TrainableGates places = new TrainableGates(STEPS, SMALL.depth(), SMALL.hiddenSize());
    int length = SMALL.tokens() * SMALL.hiddenSize();
    double loss = 0;
    for (int sample = 0; sample < BATCH; sample++) {
      double[][] cache = new double[2 * SMALL.depth()][length];
      for (int i = 0; i < cache.length; i++) {
        for (int j = 0; j < length; j++) {
          cache[i][j] = old[(i * BATCH + sample) * length + j];
        }
      }
      double[] x = Arrays.copyOf(new double[0], SMALL.inputLength());
      for (int i = 0; i < x.length; i++) {
        x[i] = IMAGES[sample * x.length + i];
      }
      double[] penalty = new double[1];
      double[] out = null;
      for (int step = FIRST; step >= FIRST - 1; step--) {
        int at = step;
        int row = sample;
        out =
            reference.forward(
                x,
                TIMESTEPS[sample],
                LABELS[sample],
                (block, branch, z, f) -> {
                  double logit = 0;
                  int gate = places.offset(at, block, branch);
                  for (int i = 0; i < z.length; i++) {
                    logit += z[i] * gates[gate + i % SMALL.hiddenSize()];
                  }
                  double s = 1 / (1 + Math.exp(-logit));
                  int place = 2 * block + branch.ordinal();
                  penalty[0] += dScores[place * BATCH + row] * s;
                  double w = weight == null ? s : weight.of(at, block, branch, row, (float) s);
                  double[] y = f.apply(z);
                  for (int i = 0; i < y.length; i++) {
                    cache[place][i] = w * y[i] + (1 - w) * cache[place][i];
                  }
                  return cache[place].clone();
                });
        x = Arrays.copyOf(out, SMALL.inputLength());
      }
      loss += penalty[0];
      for (int i = 0; i < out.length; i++) {
        loss += out[i] * D_OUT[sample * out.length + i];
      }
    }
    return loss;
  }

  private static TrainableGates learned(
      RandomWeights weights,
      float[] gates,
      float[] old,
      float[] dScores,
      GateTrainingRun.Weight weight,
      Workers workers) {
    TrainableDit model = TrainableDit.frozen(SMALL, weights);
    TrainableGates trainable = new TrainableGates(STEPS, SMALL.depth(), SMALL.hiddenSize());
    System.arraycopy(gates, 0, trainable.parameters().values(), 0, gates.length);
    BranchOutputs[] outputs = new BranchOutputs[3];
    Arrays.setAll(outputs, i -> new BranchOutputs(SMALL, BATCH));
    int size = old.length / SMALL.depth() / 2;
    for (int block = 0; block < SMALL.depth(); block++) {
      for (Branch branch : Branch.values()) {
        int from = (2 * block + branch.ordinal()) * size;
        System.arraycopy(old, from, outputs[0].of(block, branch), 0, size);
      }
    }
    GateTrainingRun first = model.newRun(trainable, BATCH, workers);
    GateTrainingRun second = model.newRun(trainable, BATCH, workers);
    float[] out = new float[BATCH * SMALL.outputLength()];
    first.blend(IMAGES, TIMESTEPS, LABELS, FIRST, outputs[0], weight, outputs[1], out);
    float[] x = new float[IMAGES.length];
    int in = SMALL.inputLength();
    for (int i = 0; i < BATCH; i++) {
      System.arraycopy(out, i * SMALL.outputLength(), x, i * in, in);
    }
    second.blend(x, TIMESTEPS, LABELS, FIRST - 1, outputs[1], weight, outputs[2], out);
    BranchOutputs dMiddle = new BranchOutputs(SMALL, BATCH);
    float[] dx = new float[x.length];
    second.backward(D_OUT, dScores, null, dMiddle, null, dx);
    float[] dOut = new float[out.length];
    for (int i = 0; i < BATCH; i++) {
      System.arraycopy(dx, i * in, dOut, i * SMALL.outputLength(), in);
    }
    first.backward(dOut, dScores, dMiddle, null, null, null);
    return trainable;
  }

  private static final float[] GATES =
      scaled(Samples.normal(11, STEPS * SMALL.depth() * 2 * SMALL.hiddenSize()), 0.05f);
  private static final float[] OLD =
      Samples.normal(12, SMALL.depth() * 2 * BATCH * SMALL.tokens() * SMALL.hiddenSize());
  private static final float[] D_SCORES = Samples.normal(13, SMALL.depth() * 2 * BATCH);

  private static float[] scaled(float[] values, float factor) {
    float[] result = values.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] *= factor;
    }
    return result;
  }

  /** Through two steps, their caches and their images, the gradient of every gate asked. */
  @Test
  void gatesThroughARollOut() {
    RandomWeights weights = weights();
    Parameters found =
        learned(weights, GATES, OLD, D_SCORES, GateTrainingRun.Weight.SCORE, WORKERS).parameters();
    float[] gates = GATES.clone();
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < found.list().size(); i++) {
      Parameters.Parameter gate = found.list().get(i);
      boolean asked = gate.name().endsWith("_" + FIRST) || gate.name().endsWith("_" + (FIRST - 1));
      assertEquals(asked, found.touched(i), gate.name());
      float[] gradient =
          Arrays.copyOfRange(found.gradients(), gate.offset(), gate.offset() + gate.size());
      if (!asked) {
        assertArrayEquals(new float[gate.size()], gradient);
        continue;
      }
      double scale = 0;
      for (float value : gradient) {
        scale = Math.max(scale, Math.abs(value));
      }
      assertTrue(scale > 1e-2, gate.name() + " has a gradient");
      for (int k = 0; k < 4; k++) {
        int at = random.nextInt(gate.size());
        double expected =
            derivative(
                gates, gate.offset() + at, () -> rollOut(weights, gates, OLD, D_SCORES, null));
        assertEquals(expected, gradient[at], 1e-4 * scale, gate.name() + " at " + at);
      }
    }
  }

  /** With weights that do not follow the scores the gradient goes straight through. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void gatesOnAnyThreads(boolean decides) {
    GateTrainingRun.Weight weight =
        decides ? GateTrainingRun.Weight.decision(0.5f, 0.45f) : GateTrainingRun.Weight.SCORE;
    try (Workers one = new Workers(1);
        Workers three = new Workers(3)) {
      float[] expected =
          learned(weights(), GATES, OLD, D_SCORES, weight, one).parameters().gradients();
      float[] found =
          learned(weights(), GATES, OLD, D_SCORES, weight, three).parameters().gradients();
      Samples.assertBits(expected, found, "gradients");
      assertTrue(IntStream.range(0, found.length).anyMatch(i -> found[i] != 0));
    }
  }

  /** Decisions make the pass that sampling makes with these gates, caches and all. */
  @Test
  void decisionsAreThoseOfSampling() {
    TrainableDit model = TrainableDit.frozen(SMALL, weights());
    TrainableGates gates = new TrainableGates(STEPS, SMALL.depth(), SMALL.hiddenSize());
    System.arraycopy(GATES, 0, gates.parameters().values(), 0, GATES.length);
    DitRun sampling = model.dit().newRun(BATCH, STEPS, gates.toLazyGates(0.5f, 0.45f), WORKERS);
    sampling.condition(new float[] {10, 300, 600, 900}, LABELS);
    GateTrainingRun training = model.newRun(gates, BATCH, WORKERS);
    GateTrainingRun.Weight weight = GateTrainingRun.Weight.decision(0.5f, 0.45f);
    BranchOutputs[] outputs = {new BranchOutputs(SMALL, BATCH), new BranchOutputs(SMALL, BATCH)};
    float[] expected = new float[BATCH * SMALL.outputLength()];
    float[] found = new float[expected.length];
    for (int step = STEPS - 1; step >= 0; step--) {
      float[] x = Samples.images(SMALL, BATCH, 50 + step);
      float[] t = new float[BATCH];
      Arrays.fill(t, new float[] {10, 300, 600, 900}[step]);
      BranchOutputs next = outputs[step % 2];
      sampling.forward(x, step, expected);
      if (step == STEPS - 1) {
        training.compute(x, t, LABELS, step, next, found);
      } else {
        training.blend(x, t, LABELS, step, outputs[(step + 1) % 2], weight, next, found);
      }
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], found[i], 1e-5, "step %d at %d".formatted(step, i));
      }
    }
    double ratio = sampling.statistics().ratio();
    assertTrue(ratio > 0.1 && ratio < 0.6, "some of both: " + ratio);
  }
}
