package lazydit.sampler.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import lazydit.engine.LazyDitException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchesTest {
  @TempDir private Path folder;

  private DataSet data() throws IOException {
    return DataSets.open(Idx.write(folder, "train", 23), Split.TRAIN);
  }

  @Test
  void anEpochHasNoPictureTwice() throws IOException {
    Batches batches = new Batches(data(), 5, 1);
    assertEquals(4, batches.perEpoch());
    for (long epoch = 0; epoch < 3; epoch++) {
      Set<Integer> seen = new HashSet<>();
      for (int i = 0; i < 4; i++) {
        for (int index : batches.indices(epoch * 4 + i)) {
          seen.add(index);
        }
      }
      assertEquals(20, seen.size());
    }
  }

  @Test
  void aBatchDependsOnTheSeedAndItsNumberAlone() throws IOException {
    DataSet data = data();
    Batches one = new Batches(data, 5, 1);
    int[][] all = new int[12][];
    for (int k = 0; k < all.length; k++) {
      all[k] = one.indices(k);
    }
    // As after an interruption, and backwards.
    Batches resumed = new Batches(data, 5, 1);
    for (int k = all.length - 1; k >= 0; k--) {
      assertArrayEquals(all[k], resumed.indices(k));
    }
    assertFalse(Arrays.equals(all[0], all[4]), "epochs differ");
    assertFalse(Arrays.equals(all[0], new Batches(data, 5, 2).indices(0)), "seeds differ");
    assertFalse(Arrays.equals(all[4], new Batches(data, 5, 2).indices(0)), "seeds do not overlap");
    // The order is part of what a resumed training relies on: it must not change.
    // Computed from the definitions of SplitMix64 and java.util.Random alone.
    assertArrayEquals(new int[] {5, 14, 19, 12, 11}, all[0]);
  }

  @Test
  void aBatchHasPicturesAndLabels() throws IOException {
    DataSet data = data();
    Batches batches = new Batches(data, 5, 1);
    float[] images = new float[5 * 16];
    int[] labels = new int[5];
    batches.read(7, images, labels);
    int[] indices = batches.indices(7);
    for (int i = 0; i < 5; i++) {
      assertEquals(indices[i] % 3, labels[i]);
      assertEquals((7 * indices[i] & 255) / 127.5f - 1, images[i * 16]);
    }
    assertThrows(LazyDitException.class, () -> new Batches(data, 24, 1));
    assertThrows(LazyDitException.class, () -> new Batches(data, 0, 1));
  }
}
