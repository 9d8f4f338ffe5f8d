package lazydit.sampler.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import lazydit.dit.DitConfig;
import lazydit.engine.LazyDitException;
import lazydit.engine.LearningRate;
import lazydit.engine.Workers;
import lazydit.sampler.Pipeline;
import lazydit.weights.Checkpoint;
import lazydit.weights.CheckpointException;
import lazydit.weights.SafetensorsWriter;
import lazydit.weights.TrainingFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DitCourseTest {
  private static final DitConfig NETWORK = new DitConfig(8, 2, 1, 16, 1, 2, 32, 4, true);
  private static final DitPlan PLAN = plan(NETWORK, 6, 3, 12);
  private static final Stripes DATA = new Stripes(20);
  private static final Workers WORKERS = new Workers(2);

  @TempDir private Path folder;

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  private static DitPlan plan(DitConfig network, int batch, int microBatch, long steps) {
    return new DitPlan(
        network,
        5,
        batch,
        microBatch,
        new LearningRate(2e-3, 1e-4, 3, steps),
        0.01,
        1,
        0.9,
        0.1,
        true);
  }

  private static List<LossLog.Point> train(DitCourse course, long until) {
    List<LossLog.Point> points = new ArrayList<>();
    while (course.steps() < until) {
      course.step(4).ifPresent(points::add);
    }
    return points;
  }

  private byte[] model(DitCourse course) throws IOException {
    Path file = folder.resolve("exported.safetensors");
    course.export(file);
    return Files.readAllBytes(file);
  }

  private static List<List<Double>> values(LossLog log) {
    return log.points().stream()
        .map(p -> List.of((double) p.step(), p.loss(), p.mse(), p.vb(), p.gradientNorm(), p.rate()))
        .toList();
  }

  @Test
  void goesOnWithTheSameBits() throws IOException {
    DitCourse whole = new DitCourse(PLAN, DATA, WORKERS);
    assertEquals(3, train(whole, 12).size());
    assertTrue(whole.done());
    Path file = folder.resolve("training.safetensors");
    DitCourse first = new DitCourse(PLAN, DATA, WORKERS);
    train(first, 2);
    first.save(file);
    train(first, 3);
    try (Workers one = new Workers(1)) {
      // Interrupted twice, in the middle of an epoch of 3 steps and of an interval of the log.
      DitCourse second = DitCourse.resume(file, UnaryOperator.identity(), DATA, one);
      assertEquals(2, second.steps());
      assertEquals(PLAN, second.plan());
      train(second, 7);
      second.save(file);
      DitCourse third = DitCourse.resume(file, UnaryOperator.identity(), DATA, one);
      assertEquals(2, train(third, 12).size());
      assertEquals(4.0, third.epochs());
      assertArrayEquals(model(whole), model(third));
      assertEquals(values(whole.log()), values(third.log()));
      assertTrue(third.log().seconds() >= third.log().points().getLast().seconds());
    }
  }

  @Test
  void learnsAndItsModelDraws() throws IOException {
    DitConfig network = new DitConfig(8, 2, 1, 32, 2, 2, 64, 4, true);
    DitCourse course = new DitCourse(plan(network, 16, 16, 200), DATA, WORKERS);
    List<LossLog.Point> points = train(course, 200);
    assertTrue(points.getFirst().mse() > 0.9, "at first " + points.getFirst());
    assertTrue(points.getLast().mse() < 0.4, "at last " + points.getLast());
    Path file = folder.resolve("model.safetensors");
    course.export(file);
    try (Pipeline pipeline = Pipeline.load(file)) {
      assertEquals(network, pipeline.config());
      assertEquals(Stripes.CLASSES, pipeline.classes());
    }
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertEquals("200", checkpoint.metadata().get("trained_steps"));
    }
  }

  @Test
  void aPlanMayChangeOnTheWay() {
    Path file = folder.resolve("training.safetensors");
    DitCourse course = new DitCourse(PLAN, DATA, WORKERS);
    train(course, 12);
    course.save(file);
    DitCourse longer = DitCourse.resume(file, was -> plan(was.network(), 6, 6, 20), DATA, WORKERS);
    assertFalse(longer.done());
    assertEquals(2, train(longer, 20).size());
  }

  @Test
  void whatDoesNotFitIsRefused() {
    Path file = folder.resolve("training.safetensors");
    new DitCourse(PLAN, DATA, WORKERS).save(file);
    refused(file, new Stripes(21), "is a training on other data: it had 20 pictures of 1 x 8 x 8");
    LazyDitException e =
        assertThrows(
            LazyDitException.class, () -> new DitCourse(plan(wider(16), 6, 3, 12), DATA, WORKERS));
    assertTrue(e.getMessage().contains("is for 1 x 16 x 16 and 4 classes, but stripes"));
    assertThrows(LazyDitException.class, () -> plan(NETWORK, 6, 4, 12));
    assertThrows(LazyDitException.class, () -> plan(NETWORK, 0, 1, 12));
  }

  private static DitConfig wider(int side) {
    return new DitConfig(side, 2, 1, 16, 1, 2, 32, 4, true);
  }

  @Test
  void damagedFilesAreRefused() {
    Path good = folder.resolve("good.safetensors");
    new DitCourse(PLAN, DATA, WORKERS).save(good);
    Map<String, String> texts = TrainingFile.texts(good);
    Path file = folder.resolve("damaged.safetensors");
    rewritten(file, texts, "plan", null);
    refused(file, DATA, "is not the file of a training: no plan");
    rewritten(file, texts, "plan", texts.get("plan").replace("\"batch\":6", "\"batch\":\"6\""));
    refused(file, DATA, "has no whole number 'batch' in its plan");
    rewritten(file, texts, "plan", texts.get("plan").replace(":16,", ":16384,"));
    refused(file, DATA, "is too small for the training of DiT");
    rewritten(file, texts, "plan", texts.get("plan").replace(":12,", ":-12,"));
    refused(file, DATA, "learning rate");
    rewritten(file, texts, "log", "{\"points\":[[1]],\"open\":[0,0,0,0,0,0]}");
    refused(file, DATA, "has a damaged log");
    rewritten(file, texts, "log", "{\"points\":[],\"open\":[0,0,0,0,0,null]}");
    refused(file, DATA, "has a damaged log");
  }

  private static void rewritten(Path file, Map<String, String> texts, String key, String text) {
    Map<String, String> all = new HashMap<>(texts);
    all.remove(key);
    if (text != null) {
      all.put(key, text);
    }
    float[] ballast = new float[1 << 16];
    new SafetensorsWriter().metadata(all).add("x", ballast, ballast.length).writeTo(file);
  }

  private static void refused(Path file, Stripes data, String about) {
    LazyDitException e =
        assertThrows(
            LazyDitException.class,
            () -> DitCourse.resume(file, UnaryOperator.identity(), data, WORKERS));
    assertTrue(e.getMessage().contains(about), e.getMessage());
  }

  @Test
  void plansAreKeptAsText() {
    assertEquals(PLAN, DitPlan.parse(PLAN.json(), "plan"));
    assertThrows(CheckpointException.class, () -> DitPlan.parse("{}", "plan"));
  }
}
