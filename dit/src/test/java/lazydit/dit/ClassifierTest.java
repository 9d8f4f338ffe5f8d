package lazydit.dit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import org.junit.jupiter.api.Test;

/** Against the definition in float64. */
class ClassifierTest {
  private static final ClassifierConfig CONFIG = new ClassifierConfig(2, 8, 5, 7, 6, 3);
  private static final ReferenceClassifier REFERENCE = new ReferenceClassifier(CONFIG);

  /** Random tensors of given shapes. */
  private static final class Source implements WeightSource {
    final Map<String, float[]> values = new LinkedHashMap<>();
    final Map<String, long[]> shapes = new LinkedHashMap<>();
    private final Random random = new Random(5);

    Source() {
      add("conv1", 5, 2, 3, 3);
      add("conv2", 7, 5, 3, 3);
      add("fc1", 6, 28);
      add("fc2", 3, 6);
    }

    private void add(String name, long... shape) {
      long size = 1;
      for (long n : shape) {
        size *= n;
      }
      put(name + ".weight", (int) size, shape);
      put(name + ".bias", (int) shape[0], shape[0]);
    }

    private void put(String name, int size, long... shape) {
      float[] all = new float[size];
      for (int i = 0; i < size; i++) {
        all[i] = random.nextFloat() - 0.5f;
      }
      values.put(name, all);
      shapes.put(name, shape);
    }

    @Override
    public boolean contains(String name) {
      return values.containsKey(name);
    }

    @Override
    public long[] shape(String name) {
      return shapes.get(name).clone();
    }

    @Override
    public void read(String name, long offset, float[] into, int at, int count) {
      System.arraycopy(values.get(name), (int) offset, into, at, count);
    }

    @Override
    public List<String> names() {
      return List.copyOf(values.keySet());
    }

    @Override
    public String describe() {
      return "random";
    }
  }

  @Test
  void computesItsDefinition() {
    Source source = new Source();
    Classifier classifier = new Classifier(source);
    assertEquals(CONFIG, classifier.config());
    int count = 3;
    float[] images = new float[4 + count * CONFIG.inputLength()];
    Random random = new Random(6);
    for (int i = 0; i < images.length; i++) {
      images[i] = 2 * random.nextFloat() - 1;
    }
    float[] features = new float[count * 6];
    float[] logits = new float[count * 3];
    try (Workers workers = new Workers(2)) {
      ClassifierRun run = classifier.newRun(4, workers);
      run.forward(images, 4, count, features, logits);
      for (int n = 0; n < count; n++) {
        ReferenceClassifier.Seen seen =
            REFERENCE.see(
                name -> Samples.widened(source.values.get(name)),
                doubles(images, 4 + n * CONFIG.inputLength(), CONFIG.inputLength()));
        assertArrayEquals(seen.features(), doubles(features, n * 6, 6), 1e-6);
        assertArrayEquals(seen.logits(), doubles(logits, n * 3, 3), 1e-6);
      }
      // A picture alone, by the same run: what was there before does not matter.
      float[] alone = new float[6];
      run.forward(images, 4 + 2 * CONFIG.inputLength(), 1, alone, new float[3]);
      assertArrayEquals(doubles(features, 12, 6), doubles(alone, 0, 6), 1e-7);
      assertThrows(
          LazyDitException.class, () -> run.forward(images, 4, 5, new float[99], new float[99]));
    }
  }

  private static double[] doubles(float[] values, int from, int count) {
    double[] part = new double[count];
    for (int i = 0; i < count; i++) {
      part[i] = values[from + i];
    }
    return part;
  }

  @Test
  void whatIsNoClassifierIsRefused() {
    Source source = new Source();
    source.shapes.put("fc1.weight", new long[] {6, 27});
    refused(source, "no square picture of 7 channels");
    source.values.remove("conv2.weight");
    refused(source, "has no tensor conv2.weight");
    Source flat = new Source();
    flat.shapes.put("conv1.weight", new long[] {5, 18});
    refused(flat, "expected 4 dimensions");
    Source wrong = new Source();
    wrong.shapes.put("fc2.bias", new long[] {4});
    refused(wrong, "tensor fc2.bias has shape [4], expected [3]");
  }

  private static void refused(WeightSource source, String about) {
    LazyDitException e = assertThrows(LazyDitException.class, () -> new Classifier(source));
    assertTrue(e.getMessage().contains(about), e.getMessage());
  }
}
