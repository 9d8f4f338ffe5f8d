package lazydit.sampler;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.DitConfig;
import lazydit.dit.TrainableDit;
import lazydit.dit.TrainingRun;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;
import lazydit.weights.Computed;
import lazydit.weights.GoldenFile;
import lazydit.weights.NetworkParity;
import lazydit.weights.ParitySuite;

/**
 * Training losses: golden files of kind {@code diffusion_model} with {@code in.loss.x_start},
 * {@code noise}, {@code y} and {@code t}. Expected are {@code out.loss.KIND.TERM} (mse,
 * rescaled_mse, kl; loss, mse, vb) of the schedule with all steps, {@code out.loss_respaced.TERM}
 * of mse at {@code in.loss_respaced.t} of the respaced one, and {@code out.loss.grad.PARAMETER}:
 * the gradient of the mean of mse's loss.
 */
final class DiffusionLossParity implements ParitySuite {
  private static final Pattern TERM =
      Pattern.compile(
          "out\\.(?<place>loss|loss_respaced)(\\.(?<kind>\\w+))?\\.(?<term>loss|mse|vb)");
  private static final String GRADIENT = "out.loss.grad.";

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("diffusion_model") && golden.hasInput("loss.x_start");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      if (NetworkParity.config(golden, "model") instanceof DitConfig config) {
        Losses losses = new Losses(golden, config, workers);
        for (String name : golden.expectedNames()) {
          Matcher matcher = TERM.matcher(name);
          if (matcher.matches()) {
            losses
                .terms(matcher.group("place"), matcher.group("kind"))
                .ifPresent(terms -> computed.put(name, term(terms, matcher.group("term"))));
          } else if (name.startsWith(GRADIENT)) {
            losses.gradient(name.substring(GRADIENT.length()), name, computed);
          }
        }
      }
    }
    return computed;
  }

  private static Computed term(DiffusionLoss.Terms terms, String term) {
    float[] values =
        switch (term) {
          case "mse" -> terms.mse();
          case "vb" -> terms.vb();
          default -> terms.loss();
        };
    return Computed.of(values, values.length);
  }

  /** The file's losses, the gradients computed once. */
  private static final class Losses {
    private final GoldenFile golden;
    private final DitConfig config;
    private final Workers workers;
    private final TrainableDit model;
    private final TrainingRun run;
    private final int batch;
    private final float[] xStart;
    private final float[] noise;
    private final int[] labels;
    private boolean gradientsDone;

    Losses(GoldenFile golden, DitConfig config, Workers workers) {
      this.golden = golden;
      this.config = config;
      this.workers = workers;
      int size = config.inputSize();
      long[] any = {-1, config.inChannels(), size, size};
      batch = (int) golden.input("loss.x_start", any).shape()[0];
      any[0] = batch;
      xStart = golden.input("loss.x_start", any).toFloats();
      noise = golden.input("loss.noise", any).toFloats();
      labels = golden.inputInts("loss.y", batch);
      model = TrainableDit.learning(config, golden.weights());
      run = model.newRun(batch, workers);
    }

    Optional<DiffusionLoss.Terms> terms(String place, String kind) {
      boolean respaced = place.equals("loss_respaced");
      DiffusionLoss.Kind wanted =
          switch (kind == null ? "mse" : kind) {
            case "mse" -> DiffusionLoss.Kind.MSE;
            case "rescaled_mse" -> DiffusionLoss.Kind.RESCALED_MSE;
            case "kl" -> DiffusionLoss.Kind.RESCALED_KL;
            default -> null;
          };
      if (wanted == null || respaced && golden.config("timestep_respacing") == null) {
        return Optional.empty();
      }
      return Optional.of(evaluate(place, respaced, wanted, null));
    }

    private DiffusionLoss.Terms evaluate(
        String place, boolean respaced, DiffusionLoss.Kind kind, float[] dOutput) {
      NoiseSchedule schedule = GoldenSampling.training();
      if (respaced) {
        schedule = schedule.respace(golden.config("timestep_respacing").toString());
      }
      GaussianDiffusion diffusion =
          GaussianDiffusion.dit(schedule, config.learnSigma(), config.inputLength());
      int[] t = golden.inputInts(place + ".t", batch);
      float[] timesteps = new float[batch];
      float[] xt = new float[xStart.length];
      for (int row = 0; row < batch; row++) {
        if (t[row] < 0 || t[row] >= schedule.steps()) {
          throw golden.fault(
              "its tensor 'in.%s.t' has %d, beyond the %d steps"
                  .formatted(place, t[row], schedule.steps()));
        }
        timesteps[row] = schedule.timestep(t[row]);
        diffusion.qSample(t[row], row, xStart, noise, xt);
      }
      float[] output = new float[batch * config.outputLength()];
      run.forward(xt, timesteps, labels, output);
      return new DiffusionLoss(diffusion, kind)
          .evaluate(workers, xStart, noise, xt, t, output, 1.0 / batch, dOutput);
    }

    void gradient(String parameter, String name, Map<String, Computed> computed) {
      Parameters parameters = model.parameters();
      if (!parameters.contains(parameter)) {
        return;
      }
      if (!gradientsDone) {
        float[] dOutput = new float[batch * config.outputLength()];
        evaluate("loss", false, DiffusionLoss.Kind.MSE, dOutput);
        run.backward(dOutput);
        gradientsDone = true;
      }
      Parameters.Parameter p = parameters.get(parameter);
      float[] values =
          Arrays.copyOfRange(parameters.gradients(), p.offset(), p.offset() + p.size());
      computed.put(name, Computed.of(values, p.shape()));
    }
  }
}
