package lazydit.sampler;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.sampler.GaussianDiffusion.Prediction;
import lazydit.sampler.GaussianDiffusion.Variance;
import lazydit.weights.Computed;
import lazydit.weights.GoldenFile;
import lazydit.weights.ParitySuite;

/**
 * Single steps of the diffusion process, network outputs given: golden files of kind {@code
 * diffusion_steps}. {@code out.q.*} belongs to the forward process of 1000 steps, {@code
 * out.step.PROCESS.*} to a process respaced by the configured {@code steps}; every row has a step
 * of its own.
 */
final class StepParity implements ParitySuite {
  private static final Pattern STEP =
      Pattern.compile(
          "out\\.step\\.(?<process>learned_range|fixed_large|fixed_small|predict_xstart)"
              + "(?<clip>\\.clip)?\\.(?<what>\\w+)");
  private static final Pattern DDIM = Pattern.compile("ddim_eta(\\d{1,9})");

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("diffusion_steps");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    forwardProcess(golden, computed);
    for (String name : golden.expectedNames()) {
      Matcher matcher = STEP.matcher(name);
      if (matcher.matches()) {
        Rows rows = Rows.of(golden, process(matcher.group("process"), matcher.group("clip")));
        float[] values = rows.compute(matcher.group("what"));
        if (values != null) {
          computed.put(name, Computed.of(values, rows.shape));
        }
      }
    }
    return computed;
  }

  private static void forwardProcess(GoldenFile golden, Map<String, Computed> computed) {
    if (golden.expectedNames().stream().noneMatch(name -> name.startsWith("out.q."))) {
      return;
    }
    NoiseSchedule schedule = GoldenSampling.training();
    long[] shape = golden.input("q.x_start", -1, -1, -1, -1).shape();
    float[] xStart = golden.input("q.x_start").toFloats();
    float[] noise = golden.input("q.noise", shape).toFloats();
    int[] t = steps(golden, "q.t", shape[0], schedule);
    GaussianDiffusion diffusion = GaussianDiffusion.dit(schedule, true, xStart.length / t.length);
    float[] xt = new float[xStart.length];
    float[] mean = new float[xStart.length];
    float[] logVariance = new float[xStart.length];
    for (int row = 0; row < t.length; row++) {
      diffusion.qSample(t[row], row, xStart, noise, xt);
      diffusion.posteriorMean(t[row], row, xStart, xt, mean);
      int first = row * diffusion.sampleSize();
      float value = (float) schedule.posteriorLogVarianceClipped(t[row]);
      Arrays.fill(logVariance, first, first + diffusion.sampleSize(), value);
    }
    computed.put("out.q.x_t", Computed.of(xt, shape));
    computed.put("out.q.posterior_mean", Computed.of(mean, shape));
    computed.put("out.q.posterior_log_variance", Computed.of(logVariance, shape));
  }

  private static String spacing(GoldenFile golden) {
    Object steps = golden.config("steps");
    if (steps instanceof String || steps instanceof Long) {
      return steps.toString();
    }
    throw golden.fault("its sidecar has no 'steps' in 'config' that says how many");
  }

  private static int[] steps(GoldenFile golden, String name, long rows, NoiseSchedule schedule) {
    int[] steps = golden.inputInts(name, rows);
    for (int step : steps) {
      if (step < 0 || step >= schedule.steps()) {
        throw golden.fault(
            "its tensor 'in.%s' must hold steps from 0 to %d, but holds %d"
                .formatted(name, schedule.steps() - 1, step));
      }
    }
    return steps;
  }

  /** A process but for its schedule and size. */
  private record Process(Prediction prediction, Variance variance, boolean clip) {}

  private static Process process(String name, String clip) {
    Variance variance =
        switch (name) {
          case "fixed_large" -> Variance.FIXED_LARGE;
          case "fixed_small" -> Variance.FIXED_SMALL;
          default -> Variance.LEARNED_RANGE;
        };
    Prediction prediction = name.equals("predict_xstart") ? Prediction.X_START : Prediction.EPS;
    return new Process(prediction, variance, clip != null);
  }

  /** The inputs of a process, one step a row. */
  private record Rows(
      GaussianDiffusion diffusion,
      long[] shape,
      int[] steps,
      float[] x,
      float[] noise,
      float[] modelOutput) {

    static Rows of(GoldenFile golden, Process process) {
      NoiseSchedule schedule = GoldenSampling.training().respace(spacing(golden));
      long[] shape = golden.input("step.x", -1, -1, -1, -1).shape();
      float[] x = golden.input("step.x").toFloats();
      int[] steps = StepParity.steps(golden, "step.t", shape[0], schedule);
      GaussianDiffusion diffusion =
          new GaussianDiffusion(
              schedule,
              process.prediction,
              process.variance,
              process.clip,
              x.length / steps.length);
      float[] noise = golden.input("step.noise", shape).toFloats();
      long channels = 2 * shape[1];
      float[] output =
          golden
              .input("step.model_output" + channels, shape[0], channels, shape[2], shape[3])
              .toFloats();
      return new Rows(diffusion, shape, steps, x, noise, output(diffusion, steps.length, output));
    }

    /** Without learned variance the network has no channels for it. */
    private static float[] output(GaussianDiffusion diffusion, int rows, float[] full) {
      int size = diffusion.outputSize();
      float[] output = new float[rows * size];
      for (int row = 0; row < rows; row++) {
        System.arraycopy(full, row * (full.length / rows), output, row * size, size);
      }
      return output;
    }

    /** {@return what of the step is asked for, or null when it is unknown} */
    float[] compute(String what) {
      Matcher ddim = DDIM.matcher(what);
      if (ddim.matches()) {
        return taken(new DdimSampler(diffusion, GoldenRun.eta(ddim.group(1)))::step);
      }
      DdimSampler plain = new DdimSampler(diffusion, 0);
      return switch (what) {
        case "p_sample" -> taken(new DdpmSampler(diffusion)::step);
        case "ddim_reverse" ->
            taken((index, row, output, noise) -> plain.reverseStep(index, row, output));
        case "pred_xstart" -> xStart();
        case "mean" -> {
          float[] mean = xStart();
          yield each(row -> diffusion.posteriorMean(steps[row], row, mean, x, mean), mean);
        }
        case "variance" -> {
          float[] variance = new float[x.length];
          yield each(row -> diffusion.variance(steps[row], row, modelOutput, variance), variance);
        }
        case "log_variance" -> {
          float[] log = new float[x.length];
          yield each(row -> diffusion.logVariance(steps[row], row, modelOutput, log), log);
        }
        default -> null;
      };
    }

    private float[] xStart() {
      float[] xStart = new float[x.length];
      return each(row -> diffusion.predictXStart(steps[row], row, x, modelOutput, xStart), xStart);
    }

    private interface OfRow {
      void compute(int row);
    }

    private float[] each(OfRow what, float[] result) {
      for (int row = 0; row < steps.length; row++) {
        what.compute(row);
      }
      return result;
    }

    private interface Step {
      void take(int index, float[] x, float[] modelOutput, float[] noise);
    }

    private float[] taken(Step step) {
      float[] result = x.clone();
      int size = diffusion.sampleSize();
      for (int row = 0; row < steps.length; row++) {
        float[] one = row(x, row, size);
        float[] output = row(modelOutput, row, diffusion.outputSize());
        step.take(steps[row], one, output, row(noise, row, size));
        System.arraycopy(one, 0, result, row * size, size);
      }
      return result;
    }

    private static float[] row(float[] values, int row, int size) {
      return Arrays.copyOfRange(values, row * size, (row + 1) * size);
    }
  }
}
