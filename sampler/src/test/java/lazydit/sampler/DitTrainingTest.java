package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import lazydit.dit.DitConfig;
import lazydit.dit.InitialWeights;
import lazydit.dit.TrainableDit;
import lazydit.dit.WeightSource;
import lazydit.engine.LazyDitException;
import lazydit.engine.LearningRate;
import lazydit.engine.Workers;
import lazydit.weights.CheckpointException;
import lazydit.weights.SafetensorsWriter;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DitTrainingTest {
  private static final int BATCH = 8;
  private static final DitConfig CONFIG = new DitConfig(8, 2, 1, 32, 2, 2, 64, 3, true);
  private static final Workers WORKERS = new Workers(2);

  @TempDir Path folder;

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  private static DitTraining training(int microBatch, Workers workers) {
    GaussianDiffusion diffusion =
        GaussianDiffusion.dit(NoiseSchedule.linear(1000), true, CONFIG.inputLength());
    return new DitTraining(
        TrainableDit.learning(CONFIG, new InitialWeights(CONFIG, 1)),
        new DiffusionLoss(diffusion, DiffusionLoss.Kind.MSE),
        new DitTraining.Settings(microBatch, new LearningRate(3e-3, 0, 5, 500), 0, 1, 0.99),
        workers);
  }

  /** Pictures of two halves, whose class says which is bright. */
  private static DitTraining.Step step(DitTraining training) {
    SplittableRandom random = new SplittableRandom(training.steps());
    int length = CONFIG.inputLength();
    float[] images = new float[BATCH * length];
    float[] noise = new float[images.length];
    int[] labels = new int[BATCH];
    int[] indices = new int[BATCH];
    for (int row = 0; row < BATCH; row++) {
      labels[row] = random.nextInt(4);
      indices[row] = random.nextInt(1000);
      for (int i = 0; i < length; i++) {
        images[row * length + i] = i < length / 2 == (labels[row] == 0) ? 0.8f : -0.8f;
        noise[row * length + i] = (float) random.nextGaussian();
      }
    }
    return training.step(images, labels, indices, noise);
  }

  private static float[] values(WeightSource source) {
    float[] all = {};
    for (String name : source.names()) {
      int size = (int) Arrays.stream(source.shape(name)).reduce(1, (a, b) -> a * b);
      all = Arrays.copyOf(all, all.length + size);
      source.read(name, 0, all, all.length - size, size);
    }
    return all;
  }

  @Test
  void aNetworkLearns() {
    DitTraining training = training(4, WORKERS);
    double first = step(training).mse();
    double last = 0;
    for (int i = 1; i < 300; i++) {
      double mse = step(training).mse();
      last += i < 250 ? 0 : mse / 50;
    }
    assertEquals(1, first, 0.1);
    assertTrue(last < 0.35, "mean squared error " + last);
  }

  @Test
  void threadsDoNotShowAndMicroBatchesHardlyDo() {
    try (Workers one = new Workers(1)) {
      DitTraining[] trainings = {training(4, WORKERS), training(4, one), training(8, WORKERS)};
      for (int i = 0; i < 3; i++) {
        DitTraining.Step expected = step(trainings[0]);
        assertEquals(expected, step(trainings[1]));
        assertEquals(expected.loss(), step(trainings[2]).loss(), 1e-5);
      }
      float[] average = values(trainings[0].average());
      assertArrayEquals(average, values(trainings[1].average()));
      assertArrayEquals(average, values(trainings[2].average()), 1e-3f);
    }
  }

  @Test
  void aRestoredTrainingGoesOnWithTheSameBits() {
    Path file = folder.resolve("training.safetensors");
    DitTraining whole = training(4, WORKERS);
    step(whole);
    step(whole);
    whole.save(file, Map.of("seed", "7"));
    DitTraining second = training(4, WORKERS);
    step(second);
    assertEquals(Map.of("seed", "7"), second.restore(file));
    assertEquals(2, second.steps());
    for (int i = 0; i < 2; i++) {
      assertEquals(step(whole), step(second));
    }
    assertArrayEquals(values(whole.weights()), values(second.weights()));
    assertArrayEquals(values(whole.average()), values(second.average()));
  }

  @Test
  void filesOfOtherTrainingsAreRefusedAndChangeNothing() throws IOException {
    Path file = folder.resolve("training.safetensors");
    DitTraining training = training(4, WORKERS);
    step(training);
    float[] before = values(training.weights());
    new SafetensorsWriter().add("x", new float[1], 1).writeTo(file);
    refused(training, file, "no step");
    new SafetensorsWriter().metadata("step", "3").add("x", new float[1], 1).writeTo(file);
    refused(training, file, "has 1 tensors");
    new SafetensorsWriter().metadata("step", "-3").add("x", new float[1], 1).writeTo(file);
    refused(training, file, "no step");
    DitConfig wider = new DitConfig(8, 2, 1, 64, 2, 2, 64, 3, true);
    GaussianDiffusion diffusion =
        GaussianDiffusion.dit(NoiseSchedule.linear(1000), true, wider.inputLength());
    new DitTraining(
            TrainableDit.learning(wider, new InitialWeights(wider, 1)),
            new DiffusionLoss(diffusion, DiffusionLoss.Kind.MSE),
            new DitTraining.Settings(4, new LearningRate(1e-3, 0, 0, 1), 0, 1, 0.99),
            WORKERS)
        .save(file, Map.of());
    refused(training, file, "expected F32");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
    refused(training, file, "");
    assertEquals(1, training.steps());
    assertArrayEquals(before, values(training.weights()));
  }

  private static void refused(DitTraining training, Path file, String reason) {
    CheckpointException e = assertThrows(CheckpointException.class, () -> training.restore(file));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  @Test
  void misuseIsRefused() {
    DitTraining training = training(4, WORKERS);
    int length = CONFIG.inputLength();
    float[] six = new float[6 * length];
    assertThrows(
        LazyDitException.class, () -> training.step(six, new int[6], new int[6], six.clone()));
    float[] four = new float[4 * length];
    assertThrows(
        LazyDitException.class, () -> training.step(four, new int[4], new int[3], four.clone()));
    float[] before = values(training.weights());
    float[] broken = four.clone();
    broken[5] = Float.NaN;
    assertThrows(LazyDitException.class, () -> training.step(broken, new int[4], new int[4], four));
    assertArrayEquals(before, values(training.weights()));
    assertEquals(0, training.steps());
    assertThrows(
        LazyDitException.class,
        () -> new DitTraining.Settings(0, new LearningRate(1, 0, 0, 1), 0, 1, 0.9));
  }
}
