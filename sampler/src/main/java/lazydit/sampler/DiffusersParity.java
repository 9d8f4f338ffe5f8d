package lazydit.sampler;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import lazydit.dit.AutoencoderKlRun;
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
 * network in the folder {@code pipeline_dir} beside the file where there is one; {@code
 * out.e2e.image} is what the folder's VAE makes of it, {@code out.e2e.image_u8} its pixels {@code
 * [N, H, W, C]}.
 */
final class DiffusersParity implements ParitySuite {
  private static final Map<String, DitSemantics> FORWARD =
      Map.of(
          "out.official", DitSemantics.FACEBOOK,
          "out.diffusers", DitSemantics.DIFFUSERS,
          "out.diffusers_freq128", new DitSemantics(0, DitSemantics.DIFFUSERS.mlpEps()),
          "out.diffusers_freq128_eps1e-6", DitSemantics.FACEBOOK);

  private static final Pattern FOLDER = Pattern.compile("\\w[\\w.+-]*/?");

  private static final String LATENT = "out.e2e.latent";
  private static final String IMAGE = "out.e2e.image";
  private static final String PIXELS = "out.e2e.image_u8";

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
      if (golden.expects(LATENT) || golden.expects(IMAGE) || golden.expects(PIXELS)) {
        computed.putAll(endToEnd(golden, workers));
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

  private static Optional<Path> pipeline(GoldenFile golden) {
    if (!(golden.config("pipeline_dir") instanceof String name)) {
      return Optional.empty();
    }
    if (!FOLDER.matcher(name).matches()) {
      throw golden.fault("its pipeline_dir '" + name + "' is not the name of a folder beside it");
    }
    return Optional.of(golden.path().resolveSibling(name)).filter(Files::isDirectory);
  }

  private static Dit load(Path pipeline) {
    try (DitFile file = DitFile.open(pipeline)) {
      return new Dit(file.config(OptionalInt.empty()), file.weights());
    }
  }

  private static Map<String, Computed> endToEnd(GoldenFile golden, Workers workers) {
    Optional<Path> pipeline = pipeline(golden);
    Dit dit =
        pipeline.map(DiffusersParity::load).orElseGet(() -> NetworkParity.network(golden, "model"));
    TransformerConfig config = dit.config();
    int size = config.inputSize();
    float[] latents = sample(golden, dit, workers);
    int count = latents.length / config.inputLength();
    Map<String, Computed> computed = new LinkedHashMap<>();
    computed.put(LATENT, Computed.of(latents, count, config.inChannels(), size, size));
    pipeline
        .flatMap(LatentDecoder::ofPipeline)
        .ifPresent(
            decoder -> {
              decoder.requireFits(golden.path().toString(), config.inChannels());
              requireSpace(golden, decoder, count, size);
              computed.putAll(decode(decoder, latents, count, size, workers));
            });
    return computed;
  }

  private static void requireSpace(GoldenFile golden, LatentDecoder decoder, int count, int size) {
    long side = (long) decoder.scale() * size;
    if ((double) count * decoder.channels() * side * side > Integer.MAX_VALUE - 8) {
      throw golden.fault(
          "its %d images of %d x %d pixels are more than an array holds"
              .formatted(count, side, side));
    }
  }

  private static Map<String, Computed> decode(
      LatentDecoder decoder, float[] latents, int count, int size, Workers workers) {
    AutoencoderKlRun run = decoder.vae().newRun(workers);
    int channels = decoder.channels();
    int side = decoder.scale() * size;
    int length = channels * side * side;
    float[] images = new float[count * length];
    byte[] pixels = new byte[images.length];
    for (int i = 0; i < count; i++) {
      float[] image = decoder.decode(run, latents, i, size);
      System.arraycopy(image, 0, images, i * length, length);
      byte[] bytes = PixelImage.of(image, 0, channels, side, side).bytes();
      System.arraycopy(bytes, 0, pixels, i * length, length);
    }
    return Map.of(
        IMAGE, Computed.of(images, count, channels, side, side),
        PIXELS, Computed.of(pixels, count, side, side, channels));
  }

  private static float[] sample(GoldenFile golden, Dit dit, Workers workers) {
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
    return new DiffusionLoop(sampler, count)
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
  }
}
