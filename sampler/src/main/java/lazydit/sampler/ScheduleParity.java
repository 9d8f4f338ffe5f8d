package lazydit.sampler;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.weights.Computed;
import lazydit.weights.GoldenFile;
import lazydit.weights.ParitySuite;

/**
 * Tables of noise schedules: golden files of kind {@code schedules}. {@code out.linear1000.betas}
 * is a table of the linear schedule of 1000 steps, {@code out.respace_ddim25.betas} one of the
 * configured schedule ({@code noise_schedule}, {@code diffusion_steps}) respaced by {@code
 * "ddim25"}.
 */
final class ScheduleParity implements ParitySuite {
  private static final Pattern TABLE =
      Pattern.compile(
          "out\\.(?:(?<kind>linear|cosine)(?<steps>\\d{1,6})|respace_(?<spacing>[^.]+))"
              + "\\.(?<table>\\w+)");
  private static final int MAX_STEPS = 1_000_000;

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("schedules");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    for (String name : golden.expectedNames()) {
      Matcher matcher = TABLE.matcher(name);
      if (matcher.matches()) {
        table(schedule(golden, matcher), matcher.group("table"))
            .ifPresent(table -> computed.put(name, table));
      }
    }
    return computed;
  }

  private static NoiseSchedule schedule(GoldenFile golden, Matcher name) {
    String spacing = name.group("spacing");
    return spacing == null
        ? schedule(golden, name.group("kind"), Integer.parseInt(name.group("steps")))
        : schedule(
                golden,
                String.valueOf(golden.config("noise_schedule")),
                golden.configInt("diffusion_steps"))
            .respace(spacing);
  }

  private static NoiseSchedule schedule(GoldenFile golden, String kind, int steps) {
    if (steps > MAX_STEPS) {
      throw golden.fault(steps + " diffusion steps are more than " + MAX_STEPS);
    }
    return switch (kind) {
      case "linear" -> NoiseSchedule.linear(steps);
      case "cosine", "squaredcos_cap_v2" -> NoiseSchedule.squaredCosine(steps);
      default ->
          throw golden.fault(
              "'noise_schedule' must be 'linear' or 'squaredcos_cap_v2', but is '" + kind + "'");
    };
  }

  private static Optional<Computed> table(NoiseSchedule s, String name) {
    if (name.equals("timestep_map")) {
      long[] map = Arrays.stream(s.timestepMap()).asLongStream().toArray();
      return Optional.of(Computed.of(map, map.length));
    }
    IntToDoubleFunction entry =
        switch (name) {
          case "betas" -> s::beta;
          case "alphas_cumprod" -> s::alphaCumprod;
          case "alphas_cumprod_prev" -> s::alphaCumprodPrev;
          case "alphas_cumprod_next" -> s::alphaCumprodNext;
          case "sqrt_alphas_cumprod" -> s::sqrtAlphaCumprod;
          case "sqrt_one_minus_alphas_cumprod" -> s::sqrtOneMinusAlphaCumprod;
          case "sqrt_recip_alphas_cumprod" -> s::sqrtRecipAlphaCumprod;
          case "sqrt_recipm1_alphas_cumprod" -> s::sqrtRecipMinusOneAlphaCumprod;
          case "posterior_variance" -> s::posteriorVariance;
          case "posterior_log_variance_clipped" -> s::posteriorLogVarianceClipped;
          case "posterior_mean_coef1" -> s::posteriorMeanCoef1;
          case "posterior_mean_coef2" -> s::posteriorMeanCoef2;
          default -> null;
        };
    if (entry == null) {
      return Optional.empty();
    }
    double[] values = new double[s.steps()];
    Arrays.setAll(values, entry::applyAsDouble);
    return Optional.of(Computed.of(values, values.length));
  }
}
