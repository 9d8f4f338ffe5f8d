package lazydit.sampler;

import java.util.Arrays;
import lazydit.dit.CachePolicy;
import lazydit.dit.Dit;
import lazydit.dit.DitRun;
import lazydit.dit.LazyStatistics;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Workers;
import lazydit.weights.GoldenFile;
import lazydit.weights.NetworkParity;

/**
 * Runs the sampling loops of one golden file on its network, its noise given.
 *
 * <p>A guided batch is N samples with their labels, then N with the null label. As in the
 * reference, the network sees the first half twice; the second half has noise of its own and drifts
 * off unseen.
 */
final class GoldenSampling {
  private final GoldenFile golden;
  private final NoiseSchedule schedule;
  private final Dit dit;
  private final TransformerConfig config;
  private final Workers workers;

  /**
   * Sets up the network under {@code model} of the configuration.
   *
   * @param golden an open golden file
   * @param spacing the respacing of the schedule that DiTs are trained with
   * @param workers the threads
   */
  GoldenSampling(GoldenFile golden, String spacing, Workers workers) {
    this.golden = golden;
    this.schedule = training().respace(spacing);
    this.dit = NetworkParity.network(golden, "model");
    this.config = dit.config();
    this.workers = workers;
    requireTimesteps();
  }

  /** {@return the schedule that DiTs are trained with} */
  static NoiseSchedule training() {
    return NoiseSchedule.linear(1000);
  }

  private void requireTimesteps() {
    if (golden.hasInput("timestep_map")
        && !Arrays.equals(
            golden.inputInts("timestep_map", schedule.steps()), schedule.timestepMap())) {
      throw golden.fault("its tensor 'in.timestep_map' contradicts its sidecar's number of steps");
    }
  }

  TransformerConfig config() {
    return config;
  }

  int steps() {
    return schedule.steps();
  }

  /**
   * What happened in a run of N rows, those of both halves of a guided batch.
   *
   * @param rows N
   * @param trajectory the samples after every step, {@code [S, N, C, H, W]}
   * @param firstXStart the clean samples predicted at the first step, {@code [N, C, H, W]}
   * @param statistics what was reused
   */
  record Trace(int rows, float[] trajectory, float[] firstXStart, LazyStatistics statistics) {
    /** {@return {@code count} rows after every step, {@code [S, count, C, H, W]}} */
    float[] trajectory(int first, int count) {
      int steps = trajectory.length / firstXStart.length;
      int row = firstXStart.length / rows;
      float[] kept = new float[steps * count * row];
      for (int step = 0; step < steps; step++) {
        int from = step * firstXStart.length + first * row;
        System.arraycopy(trajectory, from, kept, step * count * row, count * row);
      }
      return kept;
    }

    /** {@return {@code count} rows after the last step, {@code [count, C, H, W]}} */
    float[] last(int first, int count) {
      int row = firstXStart.length / rows;
      int from = trajectory.length - firstXStart.length + first * row;
      return Arrays.copyOfRange(trajectory, from, from + count * row);
    }
  }

  /**
   * Runs a loop.
   *
   * @param kind which one
   * @param prefix what its inputs' names {@code z}, {@code y} and {@code noise} begin with
   * @param policy what to reuse
   * @return what happened
   */
  Trace run(GoldenRun kind, String prefix, CachePolicy policy) {
    long[] any = {-1, config.inChannels(), config.inputSize(), config.inputSize()};
    long[] shape = golden.input(prefix + "z", any).shape();
    float[] z = golden.input(prefix + "z").toFloats();
    int rows = (int) shape[0];
    int[] labels = golden.inputInts(prefix + "y", rows);
    float[] noise = kind.usesNoise() ? noise(prefix + "noise", shape) : new float[0];

    int steps = schedule.steps();
    float[] trajectory = new float[Math.multiplyExact(steps, z.length)];
    float[] firstXStart = new float[z.length];
    GaussianSampler sampler = kind.sampler(schedule, config);
    DitRun run = dit.newRun(rows, steps, policy, workers);
    run.condition(sampler.timesteps(), labels);
    DiffusionLoop.Denoiser network = kind.guided() ? guided(run, prefix + "z", rows) : run::forward;
    new DiffusionLoop(sampler, rows)
        .run(
            (x, index, output) -> {
              network.denoise(x, index, output);
              if (index == steps - 1) {
                predict(sampler.diffusion(), index, x, output, firstXStart);
              }
            },
            (draw, values) ->
                System.arraycopy(
                    draw == 0 ? z : noise, Math.max(0, draw - 1) * z.length, values, 0, z.length),
            () -> false,
            (index, x) ->
                System.arraycopy(x, 0, trajectory, (steps - 1 - index) * z.length, z.length));
    return new Trace(rows, trajectory, firstXStart, run.statistics());
  }

  private float[] noise(String name, long[] shape) {
    return golden.input(name, schedule.steps(), shape[0], shape[1], shape[2], shape[3]).toFloats();
  }

  private DiffusionLoop.Denoiser guided(DitRun run, String tensor, int rows) {
    requireHalves(golden, tensor, rows);
    Guidance guidance = new Guidance(golden.configDouble("cfg_scale"), Guidance.Channels.FIRST_3);
    int pixels = config.inputSize() * config.inputSize();
    int half = rows / 2 * config.inChannels() * pixels;
    float[] seen = new float[2 * half];
    return (x, index, output) -> {
      System.arraycopy(x, 0, seen, 0, half);
      System.arraycopy(x, 0, seen, half, half);
      run.forward(seen, index, output);
      guidance.apply(output, rows / 2, config.inChannels(), config.outChannels(), pixels);
    };
  }

  private static void predict(
      GaussianDiffusion diffusion, int index, float[] x, float[] output, float[] xStart) {
    for (int row = 0; row < x.length / diffusion.sampleSize(); row++) {
      diffusion.predictXStart(index, row, x, output, xStart);
    }
  }

  /** Refuses a guided batch whose halves cannot be equal. */
  static void requireHalves(GoldenFile golden, String tensor, int rows) {
    if (rows % 2 != 0) {
      throw golden.fault(
          "its tensor 'in.%s' must have as many rows with a label as without, but has %d in all"
              .formatted(tensor, rows));
    }
  }
}
