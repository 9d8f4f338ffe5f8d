package lazydit.sampler;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.CachePolicy;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Workers;
import lazydit.weights.Computed;
import lazydit.weights.GoldenFile;
import lazydit.weights.ParitySuite;

/**
 * Whole sampling loops: golden files of kind {@code diffusion_model}. {@code out.RUN.traj} and
 * {@code out.RUN.final} are expected of any {@link GoldenRun}; of a guided one they are those of
 * the first half of the batch, {@code out.RUN.second_half_final} the rest.
 */
final class SamplingParity implements ParitySuite {
  private static final Pattern OUTPUT =
      Pattern.compile("out\\.(?<run>[^.]+)\\.(?<what>traj|final|second_half_final)");

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("diffusion_model");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    Map<GoldenRun, GoldenSampling.Trace> traces = new HashMap<>();
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      GoldenSampling sampling = new GoldenSampling(golden, spacing(golden), workers);
      for (String name : golden.expectedNames()) {
        Matcher matcher = OUTPUT.matcher(name);
        if (matcher.matches()) {
          GoldenRun.named(matcher.group("run"))
              .ifPresent(
                  run -> {
                    GoldenSampling.Trace trace =
                        traces.computeIfAbsent(run, unused -> trace(sampling, run));
                    int kept = run.guided() ? trace.rows() / 2 : trace.rows();
                    computed.put(name, output(sampling, trace, matcher.group("what"), kept));
                  });
        }
      }
    }
    return computed;
  }

  private static String spacing(GoldenFile golden) {
    if (golden.config("timestep_respacing") instanceof String spacing) {
      return spacing;
    }
    throw golden.fault("its sidecar has no string 'timestep_respacing' in 'config'");
  }

  private static GoldenSampling.Trace trace(GoldenSampling sampling, GoldenRun run) {
    return sampling.run(run, run.guided() ? "cfg." : "", CachePolicy.none());
  }

  private static Computed output(
      GoldenSampling sampling, GoldenSampling.Trace trace, String what, int kept) {
    TransformerConfig config = sampling.config();
    int channels = config.inChannels();
    int size = config.inputSize();
    int rest = trace.rows() - kept;
    return switch (what) {
      case "traj" ->
          Computed.of(trace.trajectory(0, kept), sampling.steps(), kept, channels, size, size);
      case "final" -> Computed.of(trace.last(0, kept), kept, channels, size, size);
      default -> Computed.of(trace.last(kept, rest), rest, channels, size, size);
    };
  }
}
