package lazydit.sampler;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lazydit.dit.AutoencoderKlRun;
import lazydit.dit.CachePolicy;
import lazydit.dit.DitRun;
import lazydit.dit.DitSemantics;
import lazydit.dit.LazyGates;
import lazydit.dit.ReuseSchedule;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.sampler.SampleRequest.NoiseSource;
import lazydit.weights.LazyGateFile;
import lazydit.weights.LazyGateSet;

/** One request on its way through the network, batch after batch. */
final class PipelineRun {
  private static final int MAX_BATCH = 16;

  /** About how many arrays of {@code [T, D]} a row needs beside its caches. */
  private static final int WORKSPACE = 16;

  private static final double DEFAULT_THRESHOLD = 0.5;

  private final Model model;
  private final TransformerConfig config;
  private final Workers workers;
  private final SampleRequest request;
  private final Guidance guidance;
  private final Sampler sampler;
  private final int sampleSize;
  private final AutoencoderKlRun decoding;
  private final LazySummary lazy;
  private final List<String> notes = new ArrayList<>();
  private final Optional<LazyGateFile> gates;
  private final CachePolicy policy;
  private final IdleNetworks idle;

  /**
   * A request on its way.
   *
   * @param idle what runs before have left, for this one to take from and leave its own
   */
  PipelineRun(Model model, Workers workers, SampleRequest request, IdleNetworks idle) {
    this.model = model;
    this.workers = workers;
    this.idle = idle;
    this.request = request;
    config = model.dit().config();
    sampleSize = config.inputLength();
    requireLabels();
    requireSpace();
    guidance = new Guidance(request.guidanceScale(), channels());
    sampler = sampler();
    lazy = new LazySummary(request.steps(), config.depth());
    gates = gates();
    decoding = model.decoder().map(vae -> vae.vae().newRun(workers)).orElse(null);
    policy = policy();
  }

  private Sampler sampler() {
    NoiseSchedule training = NoiseSchedule.linear(SampleRequest.MAX_STEPS);
    int steps = request.steps();
    return switch (request.method()) {
      case DDIM -> new DdimSampler(respaced(training), request.eta());
      case DDPM -> new DdpmSampler(respaced(training));
      case DPM_SOLVER -> DpmSolverSampler.of(training, steps, sampleSize, config.outputLength());
      case EULER -> new EulerSampler(steps, sampleSize, config.outputLength());
    };
  }

  private GaussianDiffusion respaced(NoiseSchedule training) {
    String spacing = followsDiffusers() ? "leading" : "";
    NoiseSchedule schedule = training.respace(spacing + request.steps());
    return GaussianDiffusion.dit(schedule, config.learnSigma(), sampleSize);
  }

  private void requireLabels() {
    for (int label : request.labels()) {
      if (label < 0 || label >= config.numClasses()) {
        throw new LazyDitException(
            "Model %s has classes 0 to %d, but a picture of class %d is asked for."
                .formatted(model.name(), config.numClasses() - 1, label));
      }
    }
  }

  private void requireSpace() {
    long most = (Integer.MAX_VALUE - 8) / Math.max(pictureSize(), sampleSize);
    if (request.labels().size() > most) {
      throw new LazyDitException(
          "%d pictures of %d values do not fit in one result; at most %d do."
              .formatted(request.labels().size(), pictureSize(), most));
    }
  }

  private long pictureSize() {
    return model.channels() * model.side() * model.side();
  }

  private boolean followsDiffusers() {
    return model.semantics().equals(DitSemantics.DIFFUSERS);
  }

  private Guidance.Channels channels() {
    boolean latent = config.inChannels() == 4 && !followsDiffusers();
    return request
        .guidanceChannels()
        .orElse(latent ? Guidance.Channels.FIRST_3 : Guidance.Channels.ALL);
  }

  // ---- gates

  private Optional<LazyGateFile> gates() {
    return switch (request.gates()) {
      case GateChoice.None none -> Optional.empty();
      case GateChoice.Policy other -> Optional.empty();
      case GateChoice.OfModel own -> ownGates(own.lazyRatio());
      case GateChoice.Given given -> {
        requireDiffusion();
        given
            .gates()
            .requireFits(
                config.depth(),
                config.hiddenSize(),
                request.steps(),
                timestepMap(),
                model.fingerprint());
        yield Optional.of(given.gates());
      }
    };
  }

  private Optional<LazyGateFile> ownGates(OptionalDouble ratio) {
    if (model.gateSteps().contains(request.steps())) {
      LazyGateSet set = model.gates().apply(request.steps());
      LazyGateFile own = ratio.isPresent() ? set.at(ratio.getAsDouble()) : set.usual();
      if (own.timestepMap().isEmpty() || Arrays.equals(own.timestepMap().get(), timestepMap())) {
        return Optional.of(own);
      }
      notes.add(
          "The gates of model %s are for other timesteps than those of %s, so nothing is reused."
              .formatted(model.name(), request.method()));
      return Optional.empty();
    }
    String reason =
        model.gateSteps().isEmpty()
            ? "Model " + model.name() + " comes without gates"
            : "Model %s has gates for %s steps, but not for %d"
                .formatted(
                    model.name(),
                    model.gateSteps().stream()
                        .map(String::valueOf)
                        .collect(Collectors.joining(" and ")),
                    request.steps());
    if (ratio.isPresent()) {
      throw new LazyDitException(reason + ": no lazy ratio can be chosen.");
    }
    notes.add(reason + ", so nothing is reused.");
    return Optional.empty();
  }

  private void requireDiffusion() {
    if (request.method() == SampleRequest.Method.EULER) {
      throw new LazyDitException(
          "Gates are learned for timesteps of a diffusion process, which the Euler sampler does not"
              + " visit; it takes none.");
    }
  }

  /** The timesteps of a diffusion process, which are whole numbers. */
  private int[] timestepMap() {
    int[] map = new int[sampler.steps()];
    Arrays.setAll(map, i -> (int) sampler.timestep(i));
    return map;
  }

  private CachePolicy policy() {
    if (!(request.gates() instanceof GateChoice.Policy(String name, CachePolicy given))) {
      return gates.<CachePolicy>map(this::lazyGates).orElseGet(CachePolicy::none);
    }
    if (given instanceof ReuseSchedule schedule && schedule.steps() != request.steps()) {
      throw new LazyDitException(
          "The policy %s is for %d steps, but the run has %d."
              .formatted(name, schedule.steps(), request.steps()));
    }
    return given;
  }

  private LazyGates lazyGates(LazyGateFile file) {
    return file.toLazyGates(
        (float) threshold(request.attnThreshold(), file.attnThreshold()),
        (float) threshold(request.mlpThreshold(), file.mlpThreshold()));
  }

  private static double threshold(OptionalDouble asked, OptionalDouble stated) {
    return asked.orElse(stated.orElse(DEFAULT_THRESHOLD));
  }

  private SampleResult.GatesUsed used(LazyGateFile file) {
    return new SampleResult.GatesUsed(
        file.source(),
        threshold(request.attnThreshold(), file.attnThreshold()),
        threshold(request.mlpThreshold(), file.mlpThreshold()));
  }

  // ---- batches

  SampleResult run() {
    long start = System.nanoTime();
    int count = request.labels().size();
    float[] samples = new float[count * (int) pictureSize()];
    Batches batches = batches(count);
    IdleNetworks.Idle networks = networks(batches.lanes(), batches.largest() * rowsPerSample());
    Course course = new Course(request, (long) request.steps() * count);
    AtomicInteger next = new AtomicInteger();
    workers.forEach(
        batches.lanes(),
        (worker, from, to) -> {
          for (int lane = from; lane < to; lane++) {
            DitRun network = networks.lanes().get(lane);
            course.follow(() -> drawAll(network, batches, next, course, samples));
          }
        });
    course.end();
    idle.give(networks);
    double seconds = (System.nanoTime() - start) * 1e-9;
    noteWhatIsNoNumber(samples);
    return new SampleResult(
        request,
        samples,
        model.channels(),
        (int) model.side(),
        (int) model.side(),
        guidance,
        gates.map(this::used),
        lazy,
        MultiplyAdds.savedShare(config, lazy),
        seconds,
        List.copyOf(notes));
  }

  /** They would be black without a word. */
  private void noteWhatIsNoNumber(float[] samples) {
    for (float value : samples) {
      if (Float.isNaN(value)) {
        notes.add(
            "Some values drawn are no numbers (NaN): weights of the model are none, or much too"
                + " large.");
        return;
      }
    }
  }

  /**
   * All together where decoding, which threads share, takes longer than drawing, and where a batch
   * repeats the noise of all others.
   */
  private Batches batches(int pictures) {
    boolean together = model.decoder().isPresent() || request.noise() == NoiseSource.TORCH;
    return together
        ? Batches.together(pictures, maxBatch())
        : Batches.of(pictures, maxBatch(), config, rowsPerSample(), workers.threads());
  }

  /** Draws batch after batch that nobody else has begun. */
  private void drawAll(
      DitRun network, Batches batches, AtomicInteger next, Course course, float[] samples) {
    for (int i = next.getAndIncrement(); i < batches.count(); i = next.getAndIncrement()) {
      int first = batches.first(i);
      float[] drawn = draw(network, first, batches.first(i + 1) - first, course);
      synchronized (lazy) {
        lazy.add(network.statistics());
        keep(drawn, first, samples);
      }
    }
  }

  /** Puts a batch in its place among all samples, decoded picture by picture if there is a VAE. */
  private void keep(float[] drawn, int first, float[] samples) {
    if (model.decoder().isEmpty()) {
      System.arraycopy(drawn, 0, samples, first * sampleSize, drawn.length);
      return;
    }
    for (int i = 0; i < drawn.length / sampleSize; i++) {
      if (request.cancelled().getAsBoolean()) {
        throw new CancellationException("Cancelled before a picture was decoded.");
      }
      float[] picture = model.decoder().get().decode(decoding, drawn, i, config.inputSize());
      System.arraycopy(picture, 0, samples, (first + i) * picture.length, picture.length);
    }
  }

  /** As many as asked for; else 16, or as few as a quarter of the heap has room for. */
  private int maxBatch() {
    long arrays = WORKSPACE + (policy == CachePolicy.none() ? 0 : 2L * config.depth());
    long rowBytes = arrays * config.tokens() * config.hiddenSize() * Float.BYTES;
    long room = Runtime.getRuntime().maxMemory() / 4 / (rowBytes * rowsPerSample());
    return request.batchSize().orElse(Math.clamp(room, 1, MAX_BATCH));
  }

  private int rowsPerSample() {
    return guidance.isOn() ? 2 : 1;
  }

  private float[] draw(DitRun network, int first, int count, Course course) {
    network.reset(count * rowsPerSample());
    network.condition(sampler.timesteps(), labels(first, count));
    return new DiffusionLoop(sampler, count)
        .run(
            guidance.isOn() ? guided(network, count) : network::forward,
            noise(first),
            course::cancelled,
            (index, x) -> course.advance(count));
  }

  /** A network for each lane, with room for so many rows: left by another run, or new ones. */
  private IdleNetworks.Idle networks(int lanes, int rows) {
    Object reuse = gates.isPresent() ? gates.get() : policy;
    IdleNetworks.Use use =
        new IdleNetworks.Use(lanes, request.steps(), gates.map(this::used), reuse);
    IdleNetworks.Idle left = idle.take(use, rows);
    if (left != null) {
      return left;
    }
    return new IdleNetworks.Idle(
        use,
        Stream.generate(() -> model.dit().newRun(rows, request.steps(), policy, workers))
            .limit(lanes)
            .toList());
  }

  /**
   * Rows of the network: the pictures with their labels, then again with the null label. In pairs
   * each thread would keep its pictures when gates compute one kind only; it is not faster.
   */
  private int[] labels(int first, int count) {
    int[] labels = new int[count * rowsPerSample()];
    Arrays.fill(labels, config.nullClass());
    for (int i = 0; i < count; i++) {
      labels[i] = request.labels().get(first + i);
    }
    return labels;
  }

  private DiffusionLoop.Denoiser guided(DitRun network, int count) {
    int pixels = config.inputSize() * config.inputSize();
    float[] both = new float[2 * count * sampleSize];
    float[] outputs = new float[2 * count * config.outputLength()];
    return (x, index, modelOutput) -> {
      System.arraycopy(x, 0, both, 0, x.length);
      System.arraycopy(x, 0, both, x.length, x.length);
      network.forward(both, index, outputs);
      guidance.apply(outputs, count, config.inChannels(), config.outChannels(), pixels);
      System.arraycopy(outputs, 0, modelOutput, 0, modelOutput.length);
    };
  }

  private Noise noise(int first) {
    return switch (request.noise()) {
      case PHILOX -> Noise.philox(request.seed(), request.firstPicture() + first, sampleSize);
      case TORCH ->
          new TorchNoise(
              request.seed(), request.labels().size(), first, sampleSize, guidance.isOn());
    };
  }
}
