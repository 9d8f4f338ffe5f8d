package lazydit.sampler.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import lazydit.sampler.ClassNames;
import lazydit.sampler.GateChoice;
import lazydit.sampler.Guidance;
import lazydit.sampler.SampleRequest;
import lazydit.sampler.SampleRequest.Method;
import lazydit.sampler.SampleRequest.NoiseSource;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options of {@code lazydit sample} that say what to draw, and how. */
final class SampleOptions extends ModelOptions {
  private static final int PICTURES_PER_CLASS = 4;
  private static final int DEFAULT_MOST = 40;
  private static final int MOST_PICTURES = 100_000;
  private static final int MOST_STEPS = 1000;
  private static final int MOST_BATCH = 1024;

  @Option(
      names = "--classes",
      paramLabel = "LIST",
      description =
          "Classes to draw in turn, by name or number, separated by commas. Of a name such as"
              + " 'otter, sea otter' one part is enough; given whole it is one class. Default:"
              + " all.")
  private List<String> classes = List.of();

  @Option(
      names = "--count",
      paramLabel = "N",
      description = "Pictures to draw. Default: 4 of each class, at most 40 in all.")
  private Integer count;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "20",
      description = "Denoising steps, 1 to 1000. Default: ${DEFAULT-VALUE}.")
  private int steps;

  @Option(
      names = "--sampler",
      paramLabel = "NAME",
      defaultValue = "ddim",
      description =
          "ddim, ddpm, dpm++ (good in 10 to 20 steps), or euler for models that predict"
              + " velocities, such as SiT. Default: ${DEFAULT-VALUE}.")
  private String sampler;

  @Option(
      names = "--eta",
      paramLabel = "X",
      defaultValue = "0",
      description = "Fresh noise in each DDIM step, 0 to 1. Default: ${DEFAULT-VALUE}.")
  private double eta;

  @Option(
      names = "--cfg",
      paramLabel = "X",
      defaultValue = "1.5",
      description =
          "Scale of classifier-free guidance; 1 is none, in half the time. Default:"
              + " ${DEFAULT-VALUE}.")
  private double cfg;

  @Option(
      names = "--guidance-channels",
      paramLabel = "3|all",
      description =
          "Channels that are guided. Default: 3 for 4-channel latents, as in DiT's official code;"
              + " else all.")
  private String guidanceChannels;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Start of the random numbers. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--rng",
      paramLabel = "NAME",
      defaultValue = "philox",
      description =
          "philox, or torch for the numbers that PyTorch draws from the seed on the CPU. Default:"
              + " ${DEFAULT-VALUE}.")
  private NoiseSource rng;

  @Option(
      names = "--gates",
      paramLabel = "FILE|default|none",
      defaultValue = "default",
      description =
          "Lazy gates: a file, those that come with the model, or none. Default:"
              + " ${DEFAULT-VALUE}.")
  private String gates;

  @Option(
      names = "--lazy-ratio",
      paramLabel = "X",
      description =
          "Share of the work to reuse, such as 0.5, where the gates have operating points of"
              + " several ratios. Default: the point nearest to 0.5.")
  private Double lazyRatio;

  @Option(
      names = "--threshold",
      paramLabel = "X",
      split = ",",
      description =
          "Compute where a gate's score is at least this, 0 to 1: one number, or two for attention"
              + " and MLP. Default: what the gate file says, or 0.5.")
  private List<Double> thresholds = List.of();

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      description =
          "Pictures to draw together at most; they do not depend on it. Default: 16, fewer where"
              + " memory is short or a processor's cache holds fewer.")
  private Integer batchSize;

  /** Finds what is wrong with the options as far as can be known without the model. */
  void check() {
    checkModel();
    requireRange("--count", count, MOST_PICTURES);
    requireRange("--steps", steps, MOST_STEPS);
    requireRange("--batch-size", batchSize, MOST_BATCH);
    require(eta >= 0 && eta <= 1, "--eta must be 0 to 1, but is " + eta + ".");
    require(
        eta == 0 || sampler.equalsIgnoreCase(Method.DDIM.label()),
        "--eta belongs to --sampler ddim; leave it out here.");
    require(Double.isFinite(cfg), "--cfg must be a finite number, but is " + cfg + ".");
    require(thresholds.size() <= 2, "--threshold takes one number, or two for attention and MLP.");
    for (double threshold : thresholds) {
      require(
          threshold >= 0 && threshold <= 1,
          "--threshold must be 0 to 1, but is " + threshold + ".");
    }
    require(
        lazyRatio == null || lazyRatio >= 0 && lazyRatio < 1,
        "--lazy-ratio must be 0 to below 1, but is " + lazyRatio + ".");
    require(
        lazyRatio == null || !gates.equals("none"),
        "--lazy-ratio needs gates; leave one of both out.");
    require(
        thresholds.isEmpty() || !gates.equals("none"),
        "--threshold needs gates; leave one of both out.");
    usage(this::guidance);
    usage(this::method);
  }

  private Method method() {
    return Method.parse(sampler);
  }

  private Optional<Guidance.Channels> guidance() {
    return Optional.ofNullable(guidanceChannels).map(Guidance.Channels::parse);
  }

  GateChoice gates() {
    return switch (gates) {
      case "default" -> lazyRatio == null ? GateChoice.DEFAULT : GateChoice.ofModel(lazyRatio);
      case "none" -> GateChoice.NONE;
      default ->
          lazyRatio == null
              ? GateChoice.load(gatesFile())
              : GateChoice.load(gatesFile(), lazyRatio);
    };
  }

  private Path gatesFile() {
    try {
      return Path.of(gates);
    } catch (InvalidPathException e) {
      throw new ParameterException(commandLine(), "--gates is not a file name.", e);
    }
  }

  /** The classes that are drawn in turn. */
  int[] labels(ClassNames known) {
    if (classes.isEmpty()) {
      return IntStream.range(0, known.count()).toArray();
    }
    return usage(() -> classes.stream().flatMapToInt(l -> IntStream.of(known.labels(l))).toArray());
  }

  SampleRequest request(int[] labels, GateChoice choice) {
    int most = Math.min(DEFAULT_MOST, labels.length * PICTURES_PER_CLASS);
    SampleRequest.Builder request =
        SampleRequest.builder()
            .cycle(count == null ? most : count, labels)
            .steps(steps)
            .method(method())
            .eta(eta)
            .guidance(cfg)
            .seed(seed)
            .noise(rng)
            .gates(choice);
    guidance().ifPresent(request::guidanceChannels);
    if (!thresholds.isEmpty()) {
      request.thresholds(thresholds.getFirst(), thresholds.getLast());
    }
    if (batchSize != null) {
      request.batchSize(batchSize);
    }
    return request.build();
  }

  /** The same choices as a line to type, for the picture; files without their folders. */
  String commandLine(int[] labels, SampleRequest request) {
    StringBuilder line = new StringBuilder("lazydit sample");
    modelOptions(line);
    option(line, "--classes", classes.isEmpty() ? null : join(labels));
    option(line, "--count", request.labels().size());
    option(line, "--steps", steps);
    option(line, "--sampler", method().label());
    option(line, "--eta", eta == 0 ? null : eta);
    option(line, "--cfg", cfg);
    option(line, "--guidance-channels", guidanceChannels);
    option(line, "--seed", seed);
    option(line, "--rng", rng.name().toLowerCase(Locale.ROOT));
    boolean given = request.gates() instanceof GateChoice.Given;
    option(line, "--gates", given ? gatesFile().getFileName() : gates);
    option(line, "--lazy-ratio", lazyRatio);
    option(
        line,
        "--threshold",
        thresholds.isEmpty() ? null : thresholds.getFirst() + "," + thresholds.getLast());
    return line.toString();
  }

  private static String join(int[] labels) {
    StringBuilder text = new StringBuilder();
    for (int label : labels) {
      text.append(text.isEmpty() ? "" : ",").append(label);
    }
    return text.toString();
  }
}
