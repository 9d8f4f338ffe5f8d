package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import lazydit.dit.AutoencoderKl;
import lazydit.dit.Branch;
import lazydit.dit.CachePolicy;
import lazydit.dit.DitSemantics;
import lazydit.dit.OutputCache;
import lazydit.dit.ReuseSchedule;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;
import lazydit.engine.Tensor;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;
import lazydit.sampler.SampleRequest.Method;
import lazydit.sampler.SampleRequest.NoiseSource;
import lazydit.weights.Convert;
import lazydit.weights.DType;
import lazydit.weights.LazyGateFile;
import lazydit.weights.ModelFile;
import lazydit.weights.Progress;
import lazydit.weights.Quantize;
import lazydit.weights.SafetensorsWriter;
import lazydit.weights.VaeFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PipelineTest {
  private static Pipeline pipeline;

  @BeforeAll
  static void load() {
    pipeline = Pipeline.builtin(2);
  }

  @AfterAll
  static void close() {
    pipeline.close();
  }

  private static SampleRequest.Builder few() {
    return SampleRequest.builder().labels(0, 7, 9).steps(3).seed(5);
  }

  @Test
  void theBuiltinModelDrawsTenClassesAndHasGatesThatFitIt() {
    assertEquals(10, pipeline.config().numClasses());
    assertEquals("ankle boot", pipeline.classes().name(9));
    Model model = Model.builtin(new Workers(1));
    for (int steps : pipeline.gateSteps()) {
      NoiseSchedule schedule = NoiseSchedule.linear(1000).respace(Integer.toString(steps));
      LazyGateFile gates = model.gates().apply(steps).usual();
      assertTrue(gates.fingerprint().isPresent() && gates.attnThreshold().isPresent());
      gates.requireFits(6, 128, steps, schedule.timestepMap(), model.fingerprint());
    }
  }

  @Test
  void gatesReuseWhatTheModelCardSays() {
    SampleResult result = pipeline.run(SampleRequest.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    assertEquals(0.5, result.lazy().ratio(), 0.01);
    assertEquals(20, result.lazy().rows());
    assertEquals(0.492, result.workSaved(), 0.01);
    assertEquals(0, result.lazy().share(19, 0, Branch.ATTN));
    // Of guidance's two rows one reuses the first block's attention.
    assertEquals(0.5, result.lazy().share(18, 0, Branch.ATTN));
    assertEquals(1, result.lazy().share(18, 1, Branch.ATTN));
    assertEquals(List.of(), result.notes());
    SampleResult never = pipeline.run(SampleRequest.builder().labels(0).thresholds(0, 0).build());
    assertEquals(0, never.lazy().ratio());
    for (int steps : pipeline.gateSteps()) {
      for (double ratio : new double[] {0.3, 0.7}) {
        SampleRequest request =
            SampleRequest.builder()
                .labels(2, 7)
                .steps(steps)
                .gates(GateChoice.ofModel(ratio))
                .build();
        assertEquals(ratio, pipeline.run(request).lazy().ratio(), 0.02, steps + " steps");
      }
    }
  }

  @Test
  void aRunCanBeDrawnInPieces() {
    SampleRequest all = few().labels(0, 7, 9, 3).method(Method.DDPM).build();
    float[] whole = pipeline.run(all).samples();
    SampleResult rest = pipeline.run(all.toBuilder().labels(7, 9, 3).firstPicture(1).build());
    assertArrayEquals(Arrays.copyOfRange(whole, 784, 4 * 784), rest.samples());
    assertThrows(LazyDitException.class, () -> few().firstPicture(-1).build());
    assertThrows(
        LazyDitException.class, () -> few().firstPicture(1).noise(NoiseSource.TORCH).build());
  }

  /** For a {@link TinyDit}. */
  private static LoadOptions tiny() {
    return new LoadOptions(
        2,
        OptionalInt.of(TinyDit.HEADS),
        DitSemantics.FACEBOOK,
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /** A checkpoint in bfloat16 stays so, and computes what it would as float32. */
  @Test
  void weightsStayAsSmallAsInTheFile(@TempDir Path folder) {
    Path full = TinyDit.write(folder.resolve("full.safetensors"), TinyDit.shapes(1));
    Path half = folder.resolve("half.safetensors");
    Convert.Options rounded =
        new Convert.Options(
            Convert.Form.SAFETENSORS, Optional.empty(), Optional.of(DType.BF16), Optional.empty());
    try (ModelFile model = ModelFile.open(full)) {
      Convert.run(model, half, rounded, Progress.NONE);
    }
    LoadOptions options = tiny();
    SampleRequest request = few().labels(0, 2).gates(GateChoice.NONE).build();
    float[] exact;
    try (Pipeline pipeline = Pipeline.load(half, options.withWeights(WeightType.FLOAT32))) {
      exact = pipeline.run(request).samples();
    }
    try (Pipeline pipeline = Pipeline.load(half, options)) {
      assertEquals(WeightType.BFLOAT16, pipeline.weightType());
      assertArrayEquals(exact, pipeline.run(request).samples());
    }
    try (Pipeline pipeline = Pipeline.load(full, options)) {
      assertEquals(WeightType.FLOAT32, pipeline.weightType());
      assertFalse(Arrays.equals(exact, pipeline.run(request).samples()));
    }
  }

  @Test
  void picturesOfNoNumbersAreSaidToBe(@TempDir Path folder) {
    Path broken = TinyDit.write(folder.resolve("nan.safetensors"), TinyDit.shapes(1), Float.NaN);
    LoadOptions options = tiny();
    try (Pipeline pipeline = Pipeline.load(broken, options)) {
      SampleRequest request = few().labels(0, 2).gates(GateChoice.NONE).build();
      List<String> notes = pipeline.run(request).notes();
      assertEquals(1, notes.size(), notes::toString);
      assertTrue(notes.getFirst().contains("NaN"), notes::toString);
    }
  }

  /** A quantised checkpoint stays so, and computes what it would as float32. */
  @Test
  void integersStayIntegers(@TempDir Path folder) {
    Path full = TinyDit.write(folder.resolve("full.safetensors"), TinyDit.shapes(1));
    Path small = folder.resolve("small.safetensors");
    OptionalInt heads = OptionalInt.of(TinyDit.HEADS);
    try (ModelFile model = ModelFile.open(full, null, heads)) {
      Quantize.run(model, small, Progress.NONE);
    }
    LoadOptions options = LoadOptions.defaults().withThreads(2);
    SampleRequest request = few().labels(0, 2).gates(GateChoice.NONE).build();
    float[] exact;
    try (Pipeline pipeline = Pipeline.load(small, options.withWeights(WeightType.FLOAT32))) {
      exact = pipeline.run(request).samples();
    }
    try (Pipeline pipeline = Pipeline.load(small, options)) {
      assertEquals(WeightType.INT8, pipeline.weightType());
      assertArrayEquals(exact, pipeline.run(request).samples());
    }
    LoadOptions rounded = tiny().withWeights(WeightType.INT8);
    try (Pipeline pipeline = Pipeline.load(full, rounded)) {
      assertEquals(WeightType.INT8, pipeline.weightType());
      assertArrayEquals(exact, pipeline.run(request).samples());
    }
  }

  @Test
  void otherPoliciesThanGatesDecideWhatIsReused() {
    GateChoice second = GateChoice.policy("second", ReuseSchedule.every(4, 6, 2));
    SampleRequest request = few().steps(4).gates(second).build();
    SampleResult result = pipeline.run(request);
    assertEquals(0.5, result.lazy().ratio());
    assertEquals(Optional.empty(), result.gates());
    LazySummary both = result.lazy().plus(pipeline.run(request).lazy());
    assertEquals(12, both.rows());
    assertEquals(0.5, both.ratio());
    assertEquals(1, both.share(2, 5, Branch.MLP));
    LazyDitException e =
        assertThrows(
            LazyDitException.class, () -> pipeline.run(few().steps(5).gates(second).build()));
    assertEquals("The policy second is for 4 steps, but the run has 5.", e.getMessage());
  }

  @Test
  void gatesForOtherTimestepsAreLeftOut() {
    for (Method method : List.of(Method.DPM_SOLVER, Method.EULER)) {
      SampleRequest request = few().steps(20).labels(3).method(method).build();
      SampleResult result = pipeline.run(request);
      assertTrue(result.notes().getFirst().contains("other timesteps"), result.notes()::toString);
      assertEquals(0, result.lazy().ratio());
    }
  }

  @Test
  void eulerTakesNoGates() {
    GateChoice own = GateChoice.of(Model.builtin(new Workers(1)).gates().apply(20).usual());
    SampleRequest request = few().steps(20).method(Method.EULER).gates(own).build();
    LazyDitException e = assertThrows(LazyDitException.class, () -> pipeline.run(request));
    assertTrue(e.getMessage().contains("Euler"), e.getMessage());
  }

  /** The index of classes, the config and both containers of a pipeline's folder. */
  @Test
  void foldersOfDiffusersAreModels() throws URISyntaxException {
    Path folder = diffusers();
    SampleRequest request = few().labels(3, 7).gates(GateChoice.NONE).build();
    float[] expected;
    try (Pipeline whole = Pipeline.load(folder)) {
      assertEquals("diffusers_dit_a", whole.name());
      assertEquals(7, whole.classes().label("alias 7"));
      assertEquals(7, whole.classes().label("Class 7"));
      expected = whole.run(request).samples();
    }
    Path transformer = folder.resolve("transformer_legacy");
    LoadOptions options = LoadOptions.defaults().withVae(folder.resolve("vae"));
    try (Pipeline legacy = Pipeline.load(transformer, options)) {
      assertArrayEquals(expected, legacy.run(request).samples());
    }
  }

  private static Path diffusers() throws URISyntaxException {
    return Path.of(PipelineTest.class.getResource("/golden/diffusers_dit_a").toURI());
  }

  @Test
  void latentsAreDecodedWhereThereIsAVae() throws URISyntaxException {
    SampleRequest request = few().labels(3, 7, 1).gates(GateChoice.NONE).build();
    SampleResult latents;
    try (Pipeline bare = Pipeline.load(diffusers().resolve("transformer"))) {
      assertEquals(Optional.empty(), bare.vae());
      latents = bare.run(request);
    }
    try (Pipeline whole = Pipeline.load(diffusers(), LoadOptions.defaults().withThreads(2))) {
      assertEquals(Optional.of("vae"), whole.vae());
      whole.requirePixels();
      SampleResult result = whole.run(request);
      assertEquals(List.of(3, 64, 64), List.of(result.channels(), result.height(), result.width()));
      assertEquals(64, result.image(2).getWidth());
      assertArrayEquals(decoded(latents.samples()), result.samples());
      SampleRequest parts = request.toBuilder().batchSize(2).build();
      assertArrayEquals(result.samples(), whole.run(parts).samples());
    }
  }

  private static float[] decoded(float[] latents) throws URISyntaxException {
    float[] scaled = latents.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] /= 0.18215f;
    }
    try (VaeFile file = VaeFile.open(diffusers().resolve("vae"));
        Workers workers = new Workers(1)) {
      Tensor batch = Tensor.of(scaled, scaled.length / (4 * 8 * 8), 4, 8, 8);
      return file.load(AutoencoderKl.Parts.DECODER).newRun(workers).decode(batch).data();
    }
  }

  @Test
  void decodingCanBeCancelled() throws URISyntaxException {
    try (Pipeline whole = Pipeline.load(diffusers())) {
      List<Long> told = new ArrayList<>();
      SampleRequest request =
          few().progress((done, total) -> told.add(done)).cancelled(() -> told.size() == 3).build();
      assertThrows(CancellationException.class, () -> whole.run(request));
      assertEquals(List.of(3L, 6L, 9L), told);
    }
  }

  @Test
  void vaesThatDoNotFitAreRefused(@TempDir Path folder) throws URISyntaxException {
    Path vae = diffusers().resolve("vae");
    Path grey = TinyDit.write(folder.resolve("grey.safetensors"), 1);
    refused(grey, vae, "samples of 1 channels", "latents of 4");
    Path latent = TinyDit.write(folder.resolve("latent.safetensors"), 4);
    refused(latent, latent, "latent.safetensors", "no VAE");
    Path half = folder.resolve("encoder.safetensors");
    try (VaeFile whole = VaeFile.open(vae)) {
      SafetensorsWriter writer = new SafetensorsWriter();
      whole.checkpoint().tensors().values().stream()
          .filter(tensor -> tensor.name().matches("(encoder|quant_conv)\\..*"))
          .forEach(tensor -> writer.add(tensor.name(), tensor));
      writer.writeTo(half);
      Files.copy(vae.resolve("config.json"), folder.resolve("config.json"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    refused(latent, half, "encoder.safetensors", "has no decoder");
  }

  private static void refused(Path model, Path vae, String... about) {
    LoadOptions options = tiny().withThreads(1).withVae(vae);
    LazyDitException e =
        assertThrows(LazyDitException.class, () -> Pipeline.load(model, options).close());
    for (String words : about) {
      assertTrue(e.getMessage().contains(words), e.getMessage());
    }
  }

  @Test
  void diffusersWayIsFollowedOnRequest() throws URISyntaxException {
    Path folder = diffusers();
    SampleRequest request = few().labels(3, 7).gates(GateChoice.NONE).build();
    try (Pipeline ours = Pipeline.load(folder);
        Pipeline theirs = Pipeline.load(folder, 2, OptionalInt.empty(), DitSemantics.DIFFUSERS)) {
      assertEquals(Guidance.Channels.FIRST_3, ours.run(request).guidance().channels());
      SampleResult result = theirs.run(request);
      assertEquals(Guidance.Channels.ALL, result.guidance().channels());
      assertFalse(Arrays.equals(ours.run(request).samples(), result.samples()));
    }
  }

  @Test
  void neverReusingGatesGiveTheBitsOfNone() {
    SampleRequest never = few().steps(20).labels(4).thresholds(0, 0).build();
    SampleRequest none = few().steps(20).labels(4).gates(GateChoice.NONE).build();
    assertArrayEquals(pipeline.run(none).samples(), pipeline.run(never).samples());
  }

  @ParameterizedTest
  @EnumSource(NoiseSource.class)
  void picturesDoNotDependOnBatchesOrThreads(NoiseSource noise) {
    SampleRequest request = few().method(Method.DDPM).noise(noise).build();
    float[] together = pipeline.run(request).samples();
    for (int batch : new int[] {1, 2}) {
      SampleRequest parts = request.toBuilder().batchSize(batch).build();
      assertArrayEquals(together, pipeline.run(parts).samples(), "batch size " + batch);
    }
    try (Pipeline single = Pipeline.builtin(1)) {
      assertArrayEquals(together, single.run(request).samples());
    }
  }

  /** An odd number of pictures, which threads draw together, begins like an even number. */
  @Test
  void picturesDoNotDependOnWhetherThreadsShareThem() {
    SampleRequest request = few().labels(0, 7, 9, 3).steps(20).method(Method.DDPM).build();
    assertEquals(2, Batches.of(4, 16, pipeline.config(), 2, 2).lanes());
    assertEquals(1, Batches.of(3, 16, pipeline.config(), 2, 2).lanes());
    SampleResult apart = pipeline.run(request);
    SampleResult together = pipeline.run(request.toBuilder().labels(0, 7, 9).build());
    float[] first = Arrays.copyOf(apart.samples(), together.samples().length);
    assertArrayEquals(together.samples(), first);
    try (Pipeline single = Pipeline.builtin(1)) {
      SampleResult alone = single.run(request);
      assertArrayEquals(alone.samples(), apart.samples());
      assertEquals(8, apart.lazy().rows());
      assertEquals(alone.lazy().ratio(), apart.lazy().ratio());
    }
  }

  @Test
  void onlyTheCallersThreadIsToldAndAskedHowFarThreadsAre() {
    Thread caller = Thread.currentThread();
    List<Long> told = new ArrayList<>();
    SampleRequest request =
        few()
            .labels(0, 1, 2, 3, 4, 5, 6, 7)
            .batchSize(1)
            .progress(
                (done, total) -> {
                  assertEquals(caller, Thread.currentThread());
                  assertEquals(24, total);
                  told.add(done);
                })
            .cancelled(
                () -> {
                  assertEquals(caller, Thread.currentThread());
                  return false;
                })
            .build();
    pipeline.run(request);
    assertEquals(24, told.getLast());
    assertEquals(told.stream().sorted().distinct().toList(), told);
    told.clear();
    SampleRequest stopped = request.toBuilder().cancelled(() -> told.size() == 2).build();
    assertThrows(CancellationException.class, () -> pipeline.run(stopped));
    assertEquals(2, told.size());
  }

  /** One reason is told: not that the others were cancelled because of it. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatAThreadThrowsEndsTheRunOfAll(boolean callers) {
    Thread caller = Thread.currentThread();
    CachePolicy schedule = ReuseSchedule.every(3, 6, 2);
    CachePolicy failing =
        new CachePolicy() {
          @Override
          public Gate gate(int step, int block, Branch branch) {
            return null;
          }

          @Override
          public boolean reuse(int step, int block, Branch branch, int sample, float score) {
            if (callers == (Thread.currentThread() == caller)) {
              throw new IllegalStateException("the policy's own");
            }
            return false;
          }

          @Override
          public OutputCache newCache(TransformerConfig config, int batch) {
            return schedule.newCache(config, batch);
          }
        };
    List<Long> told = new ArrayList<>();
    SampleRequest request =
        few()
            .labels(new int[400])
            .batchSize(1)
            .gates(GateChoice.policy("failing", failing))
            .progress((done, total) -> told.add(done))
            .build();
    Exception e = assertThrows(IllegalStateException.class, () -> pipeline.run(request));
    assertEquals("the policy's own", e.getMessage());
    assertTrue(told.isEmpty() || told.getLast() < 1200, "the others went on");
  }

  @Test
  void lazyPicturesDoNotDependOnBatchesEither() {
    SampleRequest request = few().steps(20).thresholds(0.5, 0.9).build();
    SampleResult together = pipeline.run(request);
    SampleResult parts = pipeline.run(request.toBuilder().batchSize(2).build());
    assertArrayEquals(together.samples(), parts.samples());
    assertEquals(together.lazy().ratio(), parts.lazy().ratio());
    assertEquals(together.lazy().rows(), parts.lazy().rows());
  }

  @Test
  void runsAtTheSameTimeDrawWhatTheyDrawAlone() throws Exception {
    SampleRequest lazy = few().steps(20).build();
    SampleRequest full = few().steps(4).method(Method.DDPM).seed(6).build();
    float[] lazyAlone = pipeline.run(lazy).samples();
    float[] fullAlone = pipeline.run(full).samples();
    try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
      List<Future<SampleResult>> runs = new ArrayList<>();
      for (SampleRequest request : List.of(lazy, full, lazy, full)) {
        runs.add(threads.submit(() -> pipeline.run(request)));
      }
      for (int i = 0; i < runs.size(); i++) {
        assertArrayEquals(i % 2 == 0 ? lazyAlone : fullAlone, runs.get(i).get().samples());
      }
    }
  }

  @Test
  void aRunLeavesNothingToTheNext() {
    SampleRequest usual = few().steps(20).thresholds(1, 1).build();
    SampleRequest other = usual.toBuilder().labels(1, 2, 3).seed(8).build();
    SampleRequest lazier = usual.toBuilder().thresholds(0.3, 0.3).build();
    SampleRequest full = usual.toBuilder().gates(GateChoice.NONE).build();
    for (SampleRequest second : List.of(other, lazier, full)) {
      float[] alone;
      try (Pipeline fresh = Pipeline.builtin(2)) {
        alone = fresh.run(second).samples();
      }
      pipeline.run(usual);
      assertArrayEquals(alone, pipeline.run(second).samples());
    }
  }

  @Test
  void aSeedIsAPicture() {
    float[] first = pipeline.run(few().build()).samples();
    assertArrayEquals(first, pipeline.run(few().build()).samples());
    float[] other = pipeline.run(few().seed(6).build()).samples();
    assertFalse(Arrays.equals(first, other));
    for (float value : first) {
      assertTrue(Float.isFinite(value));
    }
  }

  @Test
  void withoutGuidanceThereAreNoNullRows() {
    assertEquals(3, pipeline.run(few().guidance(1).build()).lazy().rows());
    assertEquals(6, pipeline.run(few().guidance(1.5).build()).lazy().rows());
  }

  @Test
  void stepCountsWithoutGatesAreSaid() {
    SampleResult result = pipeline.run(few().build());
    assertEquals(
        List.of(
            "Model built-in has gates for 20 and 50 steps, but not for 3, so nothing is reused."),
        result.notes());
    assertEquals(List.of(), pipeline.run(few().gates(GateChoice.NONE).build()).notes());
  }

  @Test
  void progressIsToldAndCancelStops() {
    List<Long> told = new ArrayList<>();
    SampleRequest request =
        few().batchSize(2).progress((done, total) -> told.add(100 * done + total)).build();
    pipeline.run(request);
    assertEquals(List.of(109L, 209L, 309L, 509L, 709L, 909L), told);
    told.clear();
    SampleRequest stopped = request.toBuilder().cancelled(() -> told.size() == 2).build();
    assertThrows(CancellationException.class, () -> pipeline.run(stopped));
    assertEquals(2, told.size());
  }

  @Test
  void gatesThatDoNotFitAreRefused() {
    LazyGateFile builtin = Model.builtin(new Workers(1)).gates().apply(20).usual();
    SampleRequest steps = few().gates(GateChoice.of(builtin)).build();
    LazyDitException e = assertThrows(LazyDitException.class, () -> pipeline.run(steps));
    assertTrue(e.getMessage().contains("20 steps"), e.getMessage());
    LazyGateFile other =
        builtin.described(0.5, 0.5, builtin.timestepMap().orElseThrow(), "another model");
    SampleRequest foreign = few().steps(20).gates(GateChoice.of(other)).build();
    e = assertThrows(LazyDitException.class, () -> pipeline.run(foreign));
    assertTrue(e.getMessage().contains("fingerprint"), e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 10})
  void classesThatThereAreNotAreRefused(int label) {
    LazyDitException e =
        assertThrows(LazyDitException.class, () -> pipeline.run(few().labels(label).build()));
    assertTrue(e.getMessage().contains("0 to 9"), e.getMessage());
  }

  @Test
  void impossibleRequestsAreRefused() {
    for (SampleRequest.Builder impossible :
        List.of(
            few().labels(),
            few().steps(0),
            few().steps(1001),
            few().eta(-0.1),
            few().eta(Double.NaN),
            few().eta(0.5).method(Method.DDPM),
            few().eta(0.5).method(Method.DPM_SOLVER),
            few().guidance(Double.NaN),
            few().guidance(Double.POSITIVE_INFINITY),
            few().thresholds(0.5, 1.1),
            few().thresholds(Double.NaN, 0.5),
            few().batchSize(0),
            few().batchSize(1025))) {
      assertThrows(LazyDitException.class, impossible::build);
    }
    assertThrows(LazyDitException.class, () -> few().cycle(0, 1));
  }

  @Test
  void latentModelsGiveLatentsAndNoPixels(@TempDir Path folder) {
    Path file = TinyDit.write(folder.resolve("latent.safetensors"), 4);
    try (Pipeline latent = Pipeline.load(file, 1, OptionalInt.of(TinyDit.HEADS))) {
      SampleResult result = latent.run(SampleRequest.builder().labels(0, 2).steps(2).build());
      assertEquals(2 * 4 * 4 * 4, result.samples().length);
      assertEquals(Guidance.Channels.FIRST_3, result.guidance().channels());
      assertThrows(LazyDitException.class, () -> result.pixels(0));
      LazyDitException e = assertThrows(LazyDitException.class, latent::requirePixels);
      assertTrue(e.getMessage().contains("4-channel latents"), e.getMessage());
    }
  }

  @Test
  void classesAreFoundByNumberAndName() {
    ClassNames classes = pipeline.classes();
    assertEquals(9, classes.label("9"));
    assertEquals(9, classes.label("Ankle-Boot"));
    assertEquals(0, classes.label("t-shirt/top"));
    assertEquals(0, classes.label("T-Shirt"));
    LazyDitException e = assertThrows(LazyDitException.class, () -> classes.label("hat"));
    assertTrue(e.getMessage().contains("7 sneaker"), e.getMessage());
    assertThrows(LazyDitException.class, () -> classes.label("10"));
    assertThrows(LazyDitException.class, () -> new ClassNames(3, List.of()).label("sneaker"));
    assertThrows(LazyDitException.class, () -> new ClassNames(3, List.of("only one")));
  }
}
