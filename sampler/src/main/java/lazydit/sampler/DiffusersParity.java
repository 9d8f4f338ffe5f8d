package lazydit.sampler;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import lazydit.dit.CachePolicy;
import lazydit.dit.Dit;
import lazydit.dit.DitRun;
import lazydit.dit.DitSemantics;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Workers;
import lazydit.weights.Computed;
import lazydit.weights.DitFile;
import lazydit.weights.GoldenFile;
import lazydit.weights.NetworkParity;
import lazydit.weights.ParitySuite;

/**
 * A DiT under diffusers' names: golden files of kind {@code diffusers_dit}. {@code out.official} is
 * what the network gives for {@code in.x}, {@code in.t}, {@code in.y}; {@code out.diffusers},
 * {@code diffusers_freq128} and {@code diffusers_freq128_eps1e-6} what diffusers makes of the same
 * weights, as it is and with its differences taken back. {@code out.e2e.latent} is sampled from
 * {@code in.e2e.z} and {@code in.e2e.labels} with guidance in {@code steps} steps of DDIM, by the
 * network in the folder {@code pipeline_dir} beside the file where there is one.
 */
final class DiffusersParity implements ParitySuite {
  private static final Map<String, DitSemantics> FORWARD =
      Map.of(
          "out.official", DitSemantics.FACEBOOK,
          "out.diffusers", DitSemantics.DIFFUSERS,
          "out.diffusers_freq128", new DitSemantics(0, DitSemantics.DIFFUSERS.mlpEps()),
          "out.diffusers_freq128_eps1e-6", DitSemantics.FACEBOOK);

  private static final String LATENT = "out.e2e.latent";

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("diffusers_dit");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      FORWARD.forEach(
          (name, semantics) -> {
            if (golden.expects(name)) {
              Dit dit = NetworkParity.network(golden, semantics, "model");
              computed.put(name, forward(golden, dit, workers));
            }
          });
      if (golden.expects(LATENT)) {
        computed.put(LATENT, sample(golden, pipeline(golden), workers));
      }
    }
    return computed;
  }

  private static Computed forward(GoldenFile golden, Dit dit, Workers workers) {
    TransformerConfig config = dit.config();
    int size = config.inputSize();
    float[] x = golden.input("x", -1, config.inChannels(), size, size).toFloats();
    int rows = x.length / config.inputLength();
    float[] out = new float[rows * config.outputLength()];
    dit.newRun(rows, 1, CachePolicy.none(), workers)
        .forward(x, golden.input("t", rows).toFloats(), golden.inputInts("y", rows), 0, out);
    return Computed.of(out, rows, config.outChannels(), size, size);
  }

  private static Dit pipeline(GoldenFile golden) {
    if (golden.config("pipeline_dir") instanceof String name) {
      Path folder = golden.path().resolveSibling(Path.of(name).getFileName());
      if (Files.isDirectory(folder)) {
        try (DitFile file = DitFile.open(folder)) {
          return new Dit(file.config(OptionalInt.empty()), file.weights());
        }
      }
    }
    return NetworkParity.network(golden, "model");
  }

  private static Computed sample(GoldenFile golden, Dit dit, Workers workers) {
    TransformerConfig config = dit.config();
    int size = config.inputSize();
    float[] z = golden.input("e2e.z", -1, config.inChannels(), size, size).toFloats();
    int count = z.length / config.inputLength();
    int[] labels = new int[2 * count];
    System.arraycopy(golden.inputInts("e2e.labels", count), 0, labels, 0, count);
    Arrays.fill(labels, count, 2 * count, config.nullClass());
    NoiseSchedule schedule =
        GoldenSampling.training().respace(Integer.toString(golden.configInt("steps")));
    DdimSampler sampler =
        new DdimSampler(
            GaussianDiffusion.dit(schedule, config.learnSigma(), config.inputLength()), 0);
    DitRun run = dit.newRun(2 * count, sampler.steps(), CachePolicy.none(), workers);
    run.condition(sampler.timesteps(), labels);
    Guidance guidance = new Guidance(golden.configDouble("cfg_scale"), Guidance.Channels.FIRST_3);
    float[] both = new float[2 * z.length];
    float[] outputs = new float[2 * count * config.outputLength()];
    float[] latent =
        new DiffusionLoop(sampler, count)
            .run(
                (x, index, output) -> {
                  System.arraycopy(x, 0, both, 0, x.length);
                  System.arraycopy(x, 0, both, x.length, x.length);
                  run.forward(both, index, outputs);
                  guidance.apply(
                      outputs, count, config.inChannels(), config.outChannels(), size * size);
                  System.arraycopy(outputs, 0, output, 0, output.length);
                },
                (draw, values) -> System.arraycopy(z, 0, values, 0, z.length),
                () -> false,
                (index, x) -> {});
    return Computed.of(latent, count, config.inChannels(), size, size);
  }
}
