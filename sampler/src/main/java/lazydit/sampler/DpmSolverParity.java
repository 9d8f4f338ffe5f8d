package lazydit.sampler;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import lazydit.dit.CachePolicy;
import lazydit.dit.Dit;
import lazydit.dit.DitRun;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Workers;
import lazydit.weights.Computed;
import lazydit.weights.GoldenFile;
import lazydit.weights.NetworkParity;
import lazydit.weights.ParitySuite;

/**
 * Sampling with the schedulers of diffusers: golden files of kind {@code dpm_solver}. The
 * configuration describes every run, under {@code runs} those of DPM-Solver++, under {@code ddim}
 * those of DDIM with a whole stride. Of a run are expected {@code timesteps [S]}, {@code sigmas [S
 * + 1]}, {@code traj [S, N, C, H, W]} and {@code final [N, C, H, W]}, in the order of sampling.
 */
final class DpmSolverParity implements ParitySuite {
  private static final Pattern OUTPUT =
      Pattern.compile("out\\.(?<run>[^.]+)\\.(?<what>timesteps|sigmas|traj|final)");

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("dpm_solver");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    Map<String, Trace> traces = new LinkedHashMap<>();
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      Dit dit = NetworkParity.network(golden, "model");
      for (String name : golden.expectedNames()) {
        Matcher matcher = OUTPUT.matcher(name);
        if (matcher.matches()) {
          Trace trace =
              traces.computeIfAbsent(matcher.group("run"), run -> trace(golden, run, dit, workers));
          Computed output = trace.output(matcher.group("what"));
          if (output != null) {
            computed.put(name, output);
          }
        }
      }
    }
    return computed;
  }

  private record Trace(Sampler sampler, float[] trajectory, long[] shape) {
    /** {@return what of the run is asked for, or null where it has no such thing} */
    Computed output(String what) {
      int steps = sampler.steps();
      return switch (what) {
        case "timesteps" ->
            Computed.of(
                IntStream.range(0, steps)
                    .mapToLong(i -> (long) sampler.timestep(steps - 1 - i))
                    .toArray(),
                steps);
        case "sigmas" -> sampler instanceof DpmSolverSampler dpm ? sigmas(dpm.levels()) : null;
        case "traj" -> Computed.of(trajectory, steps, shape[0], shape[1], shape[2], shape[3]);
        default -> {
          float[] last = new float[trajectory.length / steps];
          System.arraycopy(trajectory, trajectory.length - last.length, last, 0, last.length);
          yield Computed.of(last, shape);
        }
      };
    }

    private static Computed sigmas(SigmaSchedule levels) {
      float[] sigmas = new float[levels.steps() + 1];
      for (int i = 0; i < sigmas.length; i++) {
        sigmas[i] = (float) levels.sigma(levels.steps() - 1 - i);
      }
      return Computed.of(sigmas, sigmas.length);
    }
  }

  private static Trace trace(GoldenFile golden, String name, Dit dit, Workers workers) {
    TransformerConfig config = dit.config();
    int size = config.inputSize();
    long[] shape = golden.input("z", -1, config.inChannels(), size, size).shape();
    float[] z = golden.input("z").toFloats();
    int rows = (int) shape[0];
    Sampler sampler = sampler(golden, name, config);
    int steps = sampler.steps();
    boolean noisy = IntStream.range(0, steps).anyMatch(sampler::usesNoise);
    float[] noise =
        noisy
            ? golden.input(name + ".noise", steps, rows, shape[1], shape[2], shape[3]).toFloats()
            : null;
    DitRun run = dit.newRun(rows, steps, CachePolicy.none(), workers);
    run.condition(sampler.timesteps(), golden.inputInts("y", rows));
    float[] trajectory = new float[Math.multiplyExact(steps, z.length)];
    new DiffusionLoop(sampler, rows)
        .run(
            run::forward,
            (draw, values) ->
                System.arraycopy(
                    draw == 0 ? z : noise, Math.max(0, draw - 1) * z.length, values, 0, z.length),
            () -> false,
            (index, x) ->
                System.arraycopy(x, 0, trajectory, (steps - 1 - index) * z.length, z.length));
    return new Trace(sampler, trajectory, shape);
  }

  private static Sampler sampler(GoldenFile golden, String run, TransformerConfig config) {
    NoiseSchedule training = GoldenSampling.training();
    if (golden.config("ddim", run) != null) {
      NoiseSchedule schedule = training.respace("ddim" + golden.configInt("ddim", run, "steps"));
      return new DdimSampler(
          GaussianDiffusion.dit(schedule, config.learnSigma(), config.inputLength()),
          golden.configDouble("ddim", run, "eta"));
    }
    SigmaSchedule levels =
        SigmaSchedule.of(
            training,
            golden.configInt("runs", run, "steps"),
            spacing(golden, run),
            option(golden, run, "final_sigmas_type", "zero").equals("sigma_min")
                ? SigmaSchedule.End.SIGMA_MIN
                : SigmaSchedule.End.ZERO);
    return new DpmSolverSampler(
        levels,
        golden.config("runs", run, "solver_order") == null
            ? 2
            : golden.configInt("runs", run, "solver_order"),
        option(golden, run, "solver_type", "midpoint").equals("heun")
            ? DpmSolverSampler.Correction.HEUN
            : DpmSolverSampler.Correction.MIDPOINT,
        config.inputLength(),
        config.outputLength());
  }

  private static SigmaSchedule.Spacing spacing(GoldenFile golden, String run) {
    if (Boolean.TRUE.equals(golden.config("runs", run, "use_karras_sigmas"))) {
      return SigmaSchedule.Spacing.KARRAS;
    }
    String name = option(golden, run, "timestep_spacing", "linspace");
    return switch (name) {
      case "linspace" -> SigmaSchedule.Spacing.LINSPACE;
      case "leading" -> SigmaSchedule.Spacing.LEADING;
      case "trailing" -> SigmaSchedule.Spacing.TRAILING;
      default -> throw golden.fault("its run '" + run + "' has unknown timestep_spacing " + name);
    };
  }

  private static String option(GoldenFile golden, String run, String key, String otherwise) {
    Object value = golden.config("runs", run, key);
    return value == null ? otherwise : value.toString();
  }
}
