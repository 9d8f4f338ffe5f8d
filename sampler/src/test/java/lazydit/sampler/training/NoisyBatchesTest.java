package lazydit.sampler.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.stream.IntStream;
import lazydit.dit.DitConfig;
import lazydit.engine.LearningRate;
import lazydit.engine.Workers;
import lazydit.sampler.PhiloxNoise;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class NoisyBatchesTest {
  private static final DitConfig NETWORK = new DitConfig(8, 2, 1, 16, 1, 2, 32, 4, true);
  private static final Stripes DATA = new Stripes(20);
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  private static NoisyBatches batches(long seed, double dropout, boolean flip) {
    LearningRate rate = new LearningRate(1e-3, 0, 0, 100);
    return new NoisyBatches(
        new DitPlan(NETWORK, seed, 10, 10, rate, 0, 1, 0.9, dropout, flip), DATA, 1000);
  }

  @Test
  void areFunctionsOfSeedAndStep() {
    NoisyBatches one = batches(3, 0.5, true);
    NoisyBatches two = batches(3, 0.5, true);
    one.read(WORKERS, 6);
    try (Workers single = new Workers(1)) {
      two.read(single, 7);
      two.read(single, 6);
    }
    assertArrayEquals(one.images, two.images);
    assertArrayEquals(one.noise, two.noise);
    assertArrayEquals(one.labels, two.labels);
    assertArrayEquals(one.indices, two.indices);
    two.read(WORKERS, 7);
    assertFalse(Arrays.equals(one.noise, two.noise), "steps differ");
    assertFalse(Arrays.equals(one.indices, two.indices), "steps differ");
    NoisyBatches other = batches(4, 0.5, true);
    other.read(WORKERS, 6);
    assertFalse(Arrays.equals(one.noise, other.noise), "seeds differ");
    // What a resumed training relies on: picture 3 of step 6 is the 63rd that is shown.
    float[] noise = new float[64];
    PhiloxNoise.fill(3, 63, -1, noise, 0, 64);
    assertArrayEquals(noise, Arrays.copyOfRange(one.noise, 3 * 64, 4 * 64));
    long word = Integer.toUnsignedLong(PhiloxNoise.words(3, 63, -2)[0]);
    assertEquals((int) (word * 1000 >> 32), one.indices[3]);
  }

  @Test
  void stepsAreEvenLabelsAreLeftOutAndPicturesMirroredAsOftenAsAsked() {
    NoisyBatches batches = batches(1, 0.25, true);
    int dropped = 0;
    int mirrored = 0;
    int[] tenths = new int[10];
    for (int step = 0; step < 200; step++) {
      batches.read(WORKERS, step);
      for (int row = 0; row < 10; row++) {
        tenths[batches.indices[row] / 100]++;
        if (batches.labels[row] == NETWORK.nullClass()) {
          dropped++;
        } else {
          mirrored += bright(batches.images, row) == batches.labels[row] ? 0 : 1;
          int place = bright(batches.images, row);
          int label = batches.labels[row];
          assertEquals(label, place == label ? place : 3 - place, "left and right exchanged");
        }
      }
    }
    assertEquals(500, dropped, 60);
    assertEquals(750, mirrored, 80);
    for (int count : tenths) {
      assertEquals(200, count, 50);
    }
    batches = batches(1, 0, false);
    batches.read(WORKERS, 0);
    int[] places = new int[10];
    for (int row = 0; row < 10; row++) {
      places[row] = bright(batches.images, row);
    }
    assertArrayEquals(batches.labels, places);
  }

  /** Which of the four places is bright, in every line. */
  private static int bright(float[] images, int row) {
    int[] places =
        IntStream.range(0, 64)
            .filter(i -> images[row * 64 + i] > 0)
            .map(i -> i % 8 / 2)
            .distinct()
            .toArray();
    assertEquals(1, places.length);
    return places[0];
  }
}
