package lazydit.sampler.learning;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import lazydit.dit.Branch;
import lazydit.dit.BranchOutputs;
import lazydit.dit.CachePolicy;
import lazydit.dit.DitRun;
import lazydit.dit.GateTrainingRun;
import lazydit.dit.TrainableDit;
import lazydit.dit.TrainableGates;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Workers;
import lazydit.sampler.DdimSampler;
import lazydit.sampler.GaussianDiffusion;
import lazydit.sampler.Guidance;
import lazydit.sampler.NoiseSchedule;
import lazydit.sampler.PhiloxNoise;

/**
 * The network's own way from noise to pictures, with decisions about reuse, and the way back
 * through all of its steps: through the network, guidance, DDIM and the outputs remembered.
 *
 * <p>Pictures are those that sampling with the same seed draws, of all classes in turn.
 *
 * <p>Owned by one thread at a time.
 */
final class Rollout {
  private static final int TRAINING_STEPS = 1000;
  private static final Branch[] BRANCHES = Branch.values();

  private final TrainableDit model;
  private final TransformerConfig config;
  private final Workers workers;
  private final Guidance guidance;
  private final long seed;
  private final int batch;
  private final BooleanSupplier cancelled;
  private final NoiseSchedule schedule;
  private final DdimSampler sampler;
  private final int steps;
  private final int halves;
  private final int pixels;

  /**
   * The way of a number of steps.
   *
   * @param batch pictures of a pass
   * @param cancelled asked before every step whether to stop
   */
  Rollout(
      TrainableDit model,
      int steps,
      Guidance guidance,
      long seed,
      int batch,
      Workers workers,
      BooleanSupplier cancelled) {
    this.model = model;
    this.workers = workers;
    this.guidance = guidance;
    this.seed = seed;
    this.batch = batch;
    this.cancelled = cancelled;
    this.steps = steps;
    config = model.dit().config();
    schedule = NoiseSchedule.linear(TRAINING_STEPS).respace(Integer.toString(steps));
    pixels = config.inputLength();
    sampler = new DdimSampler(GaussianDiffusion.dit(schedule, config.learnSigma(), pixels), 0);
    halves = guidance.isOn() ? 2 : 1;
  }

  int[] timesteps() {
    return schedule.timestepMap();
  }

  /** Decisions for this way that compute everything. */
  Decisions nothingReused() {
    return new Decisions(steps, config.depth(), halves);
  }

  // ---- forth

  /** Makes policies for batches of so many pictures. */
  @FunctionalInterface
  interface Policy {
    CachePolicy of(int pictures);
  }

  /** Pictures and how lazily they were drawn. */
  record Drawn(float[] pictures, double attn, double mlp) {}

  /**
   * Draws pictures.
   *
   * @param first the first picture
   * @param count a multiple of the batch
   */
  Drawn draw(int first, int count, Policy policy) {
    DitRun run = model.dit().newRun(batch * halves, steps, policy.of(batch), workers);
    float[] all = new float[count * pixels];
    double attn = 0;
    double mlp = 0;
    for (int at = 0; at < count; at += batch) {
      run.reset();
      run.condition(sampler.timesteps(), labels(first + at));
      float[] x = noise(first + at);
      float[] output = output();
      for (int step = steps - 1; step >= 0; step--) {
        requireGoingOn();
        run.forward(rows(x), step, output);
        move(step, x, output);
      }
      System.arraycopy(x, 0, all, at * pixels, x.length);
      attn += run.statistics().ratio(Branch.ATTN) * batch / count;
      mlp += run.statistics().ratio(Branch.MLP) * batch / count;
    }
    return new Drawn(all, attn, mlp);
  }

  /** The mean squared difference of pixels. */
  static double difference(float[] pictures, float[] wanted) {
    double sum = 0;
    for (int i = 0; i < wanted.length; i++) {
      double d = pictures[i] - (double) wanted[i];
      sum += d * d;
    }
    return sum / wanted.length;
  }

  private void requireGoingOn() {
    if (cancelled.getAsBoolean()) {
      throw new CancellationException("Cancelled while gates were learned.");
    }
  }

  private float[] output() {
    return new float[batch * halves * config.outputLength()];
  }

  private float[] noise(int first) {
    float[] x = new float[batch * pixels];
    new PhiloxNoise(seed, first, pixels).draw(0, x);
    return x;
  }

  private int[] labels(int first) {
    int[] labels = new int[batch * halves];
    Arrays.fill(labels, config.nullClass());
    for (int i = 0; i < batch; i++) {
      labels[i] = (first + i) % config.numClasses();
    }
    return labels;
  }

  private float[] timestep(int step) {
    float[] timesteps = new float[batch * halves];
    Arrays.fill(timesteps, schedule.timestep(step));
    return timesteps;
  }

  private float[] rows(float[] x) {
    float[] rows = new float[x.length * halves];
    for (int half = 0; half < halves; half++) {
      System.arraycopy(x, 0, rows, half * x.length, x.length);
    }
    return rows;
  }

  private void move(int step, float[] x, float[] output) {
    if (halves == 2) {
      int size = config.inputSize() * config.inputSize();
      guidance.apply(output, batch, config.inChannels(), config.outChannels(), size);
    }
    sampler.step(step, x, output, null);
  }

  // ---- forth and back

  /** What a batch leaves behind on its way. */
  private final class Trajectory {
    private final GateTrainingRun run;
    private final Decisions decisions;
    private final int[] ages;
    private final int[] labels;
    private final float[][] inputs = new float[steps][];

    /** What every branch computed, whether it was used or not. */
    private final BranchOutputs[] computed = new BranchOutputs[steps];

    private final BranchOutputs previous = new BranchOutputs(config, batch * halves);
    private final BranchOutputs used = new BranchOutputs(config, batch * halves);
    private final GateTrainingRun.Weight weight;
    private float[] picture;

    Trajectory(GateTrainingRun run, Decisions decisions, int first) {
      this.run = run;
      this.decisions = decisions;
      ages = decisions.ages();
      labels = labels(first);
      weight =
          (step, block, branch, row, score) ->
              decisions.reused(decisions.place(step, block, branch, row / batch)) ? 0 : 1;
      picture = noise(first);
    }

    /** Goes through all steps, telling of each when it is done. */
    void forth(IntConsumer done) {
      float[] output = output();
      for (int step = steps - 1; step >= 0; step--) {
        inputs[step] = rows(picture);
        computed[step] = new BranchOutputs(config, batch * halves);
        pass(step, output);
        for (int block = 0; block < config.depth(); block++) {
          for (Branch branch : BRANCHES) {
            float[] from = run.output(block, branch);
            System.arraycopy(from, 0, computed[step].of(block, branch), 0, from.length);
          }
        }
        move(step, picture, output);
        done.accept(step);
      }
    }

    /** Runs the network with what it remembers at that step. */
    void pass(int step, float[] output) {
      requireGoingOn();
      for (int block = 0; block < config.depth(); block++) {
        for (Branch branch : BRANCHES) {
          for (int half = 0; half < halves && step + 1 < steps; half++) {
            int age = ages[decisions.place(step + 1, block, branch, half)];
            float[] from = computed[step + 1 + age].of(block, branch);
            int length = from.length / halves;
            float[] to = previous.of(block, branch);
            System.arraycopy(from, half * length, to, half * length, length);
          }
        }
      }
      run.blend(inputs[step], timestep(step), labels, step, previous, weight, used, output);
    }
  }

  private GateTrainingRun newRun() {
    TrainableGates none = new TrainableGates(steps, config.depth(), config.hiddenSize());
    return model.newRun(none, batch * halves, workers);
  }

  /**
   * Measures what other decisions would do to the pictures.
   *
   * @param decisions where to measure
   * @param oldest the greatest age of an output
   * @param truth what the pictures should be, {@code [N, C, H, W]}
   * @param probes random directions for each picture
   * @param draw which draw of the noise gives the first direction, at least 1
   */
  Effects effects(Decisions decisions, int oldest, float[] truth, int probes, int draw) {
    int pictures = truth.length / pixels;
    Effects effects = new Effects(decisions.places(), oldest, pictures * probes);
    GateTrainingRun run = newRun();
    for (int first = 0; first < pictures; first += batch) {
      Trajectory way = new Trajectory(run, decisions, first);
      way.forth(step -> {});
      float[] wanted = Arrays.copyOfRange(truth, first * pixels, (first + batch) * pixels);
      for (int probe = 0; probe < probes; probe++) {
        int observation = first * probes + probe * batch;
        float[] direction = direction(first, draw + probe);
        for (int i = 0; i < batch; i++) {
          effects.base(
              observation + i, product(direction, way.picture, wanted, i * pixels, pixels));
        }
        back(way, direction, effects, observation);
      }
    }
    return effects;
  }

  /** Normal values, scaled so that squared products are mean squares over pixels. */
  private float[] direction(int first, int draw) {
    float[] direction = new float[batch * pixels];
    float scale = (float) Math.sqrt(1.0 / pixels);
    new PhiloxNoise(seed, first, pixels).draw(draw, direction);
    for (int i = 0; i < direction.length; i++) {
      direction[i] *= scale;
    }
    return direction;
  }

  /**
   * The differences of two batches of pictures, the first of all, in a random direction of each.
   */
  double[] seen(float[] pictures, float[] others, int draw) {
    float[] direction = direction(0, draw);
    double[] seen = new double[batch];
    for (int i = 0; i < batch; i++) {
      seen[i] = product(direction, pictures, others, i * pixels, pixels);
    }
    return seen;
  }

  /** From the direction at the end back to the noise. */
  private void back(Trajectory way, float[] direction, Effects effects, int observation) {
    float[] dx = direction.clone();
    float[] dInputs = new float[batch * halves * pixels];
    float[] output = output();
    BranchOutputs dUsed = new BranchOutputs(config, batch * halves);
    BranchOutputs dNext = new BranchOutputs(config, batch * halves);
    BranchOutputs dPrevious = new BranchOutputs(config, batch * halves);
    for (int step = 0; step < steps; step++) {
      way.pass(step, output);
      dPrevious.clear();
      way.run.backward(dOutput(step, dx), null, dNext, dPrevious, dUsed, dInputs);
      compare(way, step, dUsed, effects, observation);
      BranchOutputs swap = dNext;
      dNext = dPrevious;
      dPrevious = swap;
      float kept = (float) kept(step);
      for (int i = 0; i < dx.length; i++) {
        float sum = kept * dx[i];
        for (int half = 0; half < halves; half++) {
          sum += dInputs[half * dx.length + i];
        }
        dx[i] = sum;
      }
    }
  }

  // x_prev = kept * x + moved * eps

  private double kept(int step) {
    return Math.sqrt(schedule.alphaCumprodPrev(step) / schedule.alphaCumprod(step));
  }

  private double moved(int step) {
    double previous = schedule.alphaCumprodPrev(step);
    return Math.sqrt(1 - previous) - kept(step) * Math.sqrt(1 - schedule.alphaCumprod(step));
  }

  /** The gradient of the network's output, before guidance. */
  private float[] dOutput(int step, float[] dx) {
    int area = config.inputSize() * config.inputSize();
    boolean three = guidance.channels() == Guidance.Channels.FIRST_3;
    int guided = area * (three ? Math.min(3, config.inChannels()) : config.inChannels());
    double moved = moved(step);
    float[] dOutput = output();
    int length = config.outputLength();
    for (int i = 0; i < batch; i++) {
      for (int p = 0; p < pixels; p++) {
        double d = moved * dx[i * pixels + p];
        boolean both = halves == 2 && p < guided;
        dOutput[i * length + p] = (float) (both ? guidance.scale() * d : d);
        if (both) {
          dOutput[(batch + i) * length + p] = (float) ((1 - guidance.scale()) * d);
        }
      }
    }
    return dOutput;
  }

  /** What outputs of other ages would do, from what the one used is worth. */
  private void compare(
      Trajectory way, int step, BranchOutputs dUsed, Effects effects, int observation) {
    Decisions decisions = way.decisions;
    int oldest = Math.min(effects.oldest(), steps - 1 - step);
    int rowLength = config.tokens() * config.hiddenSize();
    workers.forEach(
        config.depth() * BRANCHES.length * halves,
        (worker, from, to) -> {
          for (int i = from; i < to; i++) {
            int place = step * decisions.perStep() + i;
            int block = i / (BRANCHES.length * halves);
            Branch branch = decisions.branch(place);
            int first = i % halves * batch;
            float[] gradient = dUsed.of(block, branch);
            float[] used = way.computed[step + way.ages[place]].of(block, branch);
            for (int age = 0; age <= oldest; age++) {
              float[] other = way.computed[step + age].of(block, branch);
              for (int row = 0; row < batch && other != used; row++) {
                double effect =
                    product(gradient, other, used, (first + row) * rowLength, rowLength);
                effects.effect(place, age, observation + row, effect);
              }
            }
          }
        });
  }

  /** gradient . (other - used), in four sums so that additions need not wait for each other. */
  private static double product(float[] gradient, float[] other, float[] used, int at, int length) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int i = at;
    for (; i + 3 < at + length; i += 4) {
      a += gradient[i] * (double) (other[i] - used[i]);
      b += gradient[i + 1] * (double) (other[i + 1] - used[i + 1]);
      c += gradient[i + 2] * (double) (other[i + 2] - used[i + 2]);
      d += gradient[i + 3] * (double) (other[i + 3] - used[i + 3]);
    }
    for (; i < at + length; i++) {
      a += gradient[i] * (double) (other[i] - used[i]);
    }
    return a + b + (c + d);
  }

  // ---- what gates see

  /**
   * Adds up what the gates will look at, Z over all tokens, on the way that decisions take.
   *
   * @param decisions the decisions
   * @param pictures how many, a multiple of the batch
   * @return for each {@code [S, L, 2]} the sums, {@code [rows][D]}: for each batch the rows of each
   *     half
   */
  float[][][] inputs(Decisions decisions, int pictures) {
    int branches = config.depth() * BRANCHES.length;
    float[][][] sums = new float[steps * branches][pictures * halves][config.hiddenSize()];
    GateTrainingRun run = newRun();
    for (int first = 0; first < pictures; first += batch) {
      int at = first * halves;
      new Trajectory(run, decisions, first)
          .forth(
              step ->
                  workers.forEach(
                      branches,
                      (worker, from, to) -> {
                        for (int i = from; i < to; i++) {
                          Branch branch = BRANCHES[i % BRANCHES.length];
                          float[] z = run.input(i / BRANCHES.length, branch);
                          sum(z, sums[step * branches + i], at);
                        }
                      }));
    }
    return sums;
  }

  /** Whose half a row of {@link #inputs} is of. */
  int half(int row) {
    return row / batch % halves;
  }

  private void sum(float[] z, float[][] sums, int at) {
    int hidden = config.hiddenSize();
    for (int row = 0; row < batch * halves; row++) {
      float[] sum = sums[at + row];
      for (int token = 0; token < config.tokens(); token++) {
        int from = (row * config.tokens() + token) * hidden;
        for (int i = 0; i < hidden; i++) {
          sum[i] += z[from + i];
        }
      }
    }
  }
}
