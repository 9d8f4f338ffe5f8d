package lazydit.sampler;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.TransformerConfig;
import lazydit.sampler.GaussianDiffusion.Prediction;
import lazydit.sampler.GaussianDiffusion.Variance;

/**
 * A sampling loop as a golden file names it: {@code ddim} or {@code p} (ancestral), then {@code
 * _eta05} for eta 0.5, {@code _clip} for clamped clean samples, {@code _cfg} for guidance.
 *
 * @param ancestral DDPM rather than DDIM
 * @param eta DDIM's eta
 * @param clip whether predicted clean samples are clamped
 * @param guided whether there is guidance
 */
record GoldenRun(boolean ancestral, double eta, boolean clip, boolean guided) {
  private static final Pattern NAME =
      Pattern.compile("(?:p|(?<ddim>ddim)(?:_eta(?<eta>\\d{1,9}))?)(?<clip>_clip)?(?<cfg>_cfg)?");

  /** {@return the run of that name, if it is one} */
  static Optional<GoldenRun> named(String name) {
    Matcher matcher = NAME.matcher(name);
    return matcher.matches()
        ? Optional.of(
            new GoldenRun(
                matcher.group("ddim") == null,
                matcher.group("eta") == null ? 0 : eta(matcher.group("eta")),
                matcher.group("clip") != null,
                matcher.group("cfg") != null))
        : Optional.empty();
  }

  /** {@return eta, of digits without their point: 05 is 0.5} */
  static double eta(String digits) {
    return Double.parseDouble(digits.charAt(0) + "." + digits.substring(1) + "0");
  }

  boolean usesNoise() {
    return ancestral || eta > 0;
  }

  GaussianSampler sampler(NoiseSchedule schedule, TransformerConfig network) {
    int sampleSize = network.inChannels() * network.inputSize() * network.inputSize();
    Variance variance = network.learnSigma() ? Variance.LEARNED_RANGE : Variance.FIXED_LARGE;
    GaussianDiffusion diffusion =
        new GaussianDiffusion(schedule, Prediction.EPS, variance, clip, sampleSize);
    return ancestral ? new DdpmSampler(diffusion) : new DdimSampler(diffusion, eta);
  }
}
