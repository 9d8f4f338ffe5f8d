package lazydit.sampler;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.Branch;
import lazydit.dit.CachePolicy;
import lazydit.dit.LazyGates;
import lazydit.dit.LazyStatistics;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Workers;
import lazydit.weights.Computed;
import lazydit.weights.GoldenFile;
import lazydit.weights.ParitySuite;

/**
 * Sampling loops with learned gates: golden files of kinds {@code lazy_dit} and {@code
 * largedit_lazy}. Of any {@link GoldenRun} are expected {@code out.RUN.traj}, {@code final} and
 * {@code pred_xstart0} (that of the first step) of all rows, {@code dense_final} of the same run
 * without gates, and what the gates said, {@code [S, L, 2, N]} with the attention before the MLP
 * and steps in the order of sampling: {@code logit} and {@code score} (0 and -1 where no gate was
 * asked) and {@code mask} (1 where the module was computed); {@code jumps [2]} counts the
 * evaluations saved.
 *
 * <p>{@code in.gates} is {@code [S, L, 2, D]}, step 0 the one of lowest noise. Thresholds are 0.5,
 * or the two of {@code thresholds_run_RUN} in the configuration.
 */
final class LazyParity implements ParitySuite {
  private static final Pattern OUTPUT =
      Pattern.compile(
          "out\\.(?<run>[^.]+)\\.(?<what>logit|score|mask|jumps|traj|final|pred_xstart0|"
              + "dense_final)");
  private static final String LARGE = "largedit_lazy";
  private static final float DEFAULT_THRESHOLD = 0.5f;

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("lazy_dit") || golden.kind().equals(LARGE);
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      int steps = golden.configInt("num_sampling_steps");
      Runs runs = new Runs(golden, new GoldenSampling(golden, Integer.toString(steps), workers));
      for (String name : golden.expectedNames()) {
        Matcher matcher = OUTPUT.matcher(name);
        if (matcher.matches() && GoldenRun.named(matcher.group("run")).isPresent()) {
          computed.put(name, runs.output(matcher.group("run"), matcher.group("what")));
        }
      }
    }
    return computed;
  }

  /** The file's runs, each done when it is first needed. */
  private static final class Runs {
    private final GoldenFile golden;
    private final GoldenSampling sampling;
    private final TransformerConfig config;
    private final Map<String, GoldenSampling.Trace> lazy = new HashMap<>();

    Runs(GoldenFile golden, GoldenSampling sampling) {
      this.golden = golden;
      this.sampling = sampling;
      this.config = sampling.config();
    }

    Computed output(String run, String what) {
      if (what.equals("dense_final")) {
        GoldenSampling.Trace dense = trace(run, CachePolicy.none());
        return samples(dense.last(0, dense.rows()), dense.rows());
      }
      GoldenSampling.Trace trace = lazy.computeIfAbsent(run, name -> trace(name, gates(name)));
      LazyStatistics statistics = trace.statistics();
      return switch (what) {
        case "traj" ->
            Computed.of(
                trace.trajectory(0, kept(run, trace)),
                sampling.steps(),
                kept(run, trace),
                config.inChannels(),
                config.inputSize(),
                config.inputSize());
        case "final" -> samples(trace.last(0, kept(run, trace)), kept(run, trace));
        case "pred_xstart0" -> samples(firstRows(trace, kept(run, trace)), kept(run, trace));
        case "jumps" ->
            Computed.of(
                new long[] {statistics.reused(Branch.ATTN), statistics.reused(Branch.MLP)}, 2);
        case "mask" -> mask(statistics, trace.rows());
        case "logit" -> gridOf(grid(trace.rows(), statistics::logit), trace.rows());
        default ->
            gridOf(
                grid(
                    trace.rows(),
                    (step, block, branch, row) -> score(statistics, step, block, branch, row)),
                trace.rows());
      };
    }

    /** Of a guided Large-DiT's latents the file holds the first half, which alone is of use. */
    private int kept(String run, GoldenSampling.Trace trace) {
      boolean guided = GoldenRun.named(run).orElseThrow().guided();
      return golden.kind().equals(LARGE) && guided ? trace.rows() / 2 : trace.rows();
    }

    private static float[] firstRows(GoldenSampling.Trace trace, int rows) {
      return Arrays.copyOf(trace.firstXStart(), trace.firstXStart().length / trace.rows() * rows);
    }

    private GoldenSampling.Trace trace(String run, CachePolicy policy) {
      return sampling.run(GoldenRun.named(run).orElseThrow(), run + ".", policy);
    }

    private Computed samples(float[] values, int rows) {
      int size = config.inputSize();
      return Computed.of(values, rows, config.inChannels(), size, size);
    }

    private LazyGates gates(String run) {
      int steps = sampling.steps();
      int depth = config.depth();
      int width = config.hiddenSize();
      float[] both = golden.input("gates", steps, depth, 2, width).toFloats();
      float[] attn = new float[both.length / 2];
      float[] mlp = new float[both.length / 2];
      for (int i = 0; i < steps * depth; i++) {
        System.arraycopy(both, 2 * i * width, attn, i * width, width);
        System.arraycopy(both, (2 * i + 1) * width, mlp, i * width, width);
      }
      float[] thresholds = thresholds(run);
      return new LazyGates(steps, depth, width, attn, mlp, thresholds[0], thresholds[1]);
    }

    private float[] thresholds(String run) {
      String key = "thresholds_run_" + run;
      Object value = golden.config(key);
      if (value == null) {
        return new float[] {DEFAULT_THRESHOLD, DEFAULT_THRESHOLD};
      }
      if (value instanceof List<?> items
          && items.size() == 2
          && items.get(0) instanceof Number attn
          && items.get(1) instanceof Number mlp) {
        return new float[] {attn.floatValue(), mlp.floatValue()};
      }
      throw golden.fault("'" + key + "' of its sidecar must be two numbers, but is " + value);
    }

    private interface Entry {
      float of(int step, int block, Branch branch, int row);
    }

    /** Asks about every decision, steps in the order of sampling. */
    private float[] grid(int rows, Entry entry) {
      float[] values = new float[sampling.steps() * config.depth() * 2 * rows];
      int at = 0;
      for (int step = sampling.steps() - 1; step >= 0; step--) {
        for (int block = 0; block < config.depth(); block++) {
          for (Branch branch : List.of(Branch.ATTN, Branch.MLP)) {
            for (int row = 0; row < rows; row++) {
              values[at++] = entry.of(step, block, branch, row);
            }
          }
        }
      }
      return values;
    }

    private Computed gridOf(float[] values, int rows) {
      return Computed.of(values, sampling.steps(), config.depth(), 2, rows);
    }

    private Computed mask(LazyStatistics statistics, int rows) {
      float[] reused =
          grid(
              rows,
              (step, block, branch, row) -> statistics.reused(step, block, branch, row) ? 1 : 0);
      byte[] mask = new byte[reused.length];
      for (int i = 0; i < mask.length; i++) {
        mask[i] = (byte) (1 - reused[i]);
      }
      return Computed.of(mask, sampling.steps(), config.depth(), 2, rows);
    }

    private static float score(
        LazyStatistics statistics, int step, int block, Branch branch, int row) {
      return statistics.gated(step, block, branch)
          ? statistics.score(step, block, branch, row)
          : -1;
    }
  }
}
