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

  private static double[] convolvedAndPooled(
      double[] x, int in, int side, float[] weight, float[] bias) {
    int out = bias.length;
    int half = side / 2;
    double[] pooled = new double[out * half * half];
    for (int o = 0; o < out; o++) {
      for (int row = 0; row < side; row++) {
        for (int column = 0; column < side; column++) {
          double sum = bias[o];
          for (int i = 0; i < in * 9; i++) {
            int r = row + i / 3 % 3 - 1;
            int c = column + i % 3 - 1;
            if (r >= 0 && r < side && c >= 0 && c < side) {
              sum += x[(i / 9 * side + r) * side + c] * weight[o * in * 9 + i];
            }
          }
          int at = (o * half + row / 2) * half + column / 2;
          pooled[at] = Math.max(pooled[at], sum);
        }
      }
    }
    return pooled;
  }

  private static double[] linear(double[] x, float[] weight, float[] bias, boolean relu) {
    double[] y = new double[bias.length];
    for (int o = 0; o < y.length; o++) {
      y[o] = bias[o];
      for (int i = 0; i < x.length; i++) {
        y[o] += x[i] * weight[o * x.length + i];
      }
      y[o] = relu ? Math.max(0, y[o]) : y[o];
    }
    return y;
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
        double[] x = new double[CONFIG.inputLength()];
        for (int i = 0; i < x.length; i++) {
          x[i] = images[4 + n * x.length + i];
        }
        Map<String, float[]> w = source.values;
        x = convolvedAndPooled(x, 2, 8, w.get("conv1.weight"), w.get("conv1.bias"));
        x = convolvedAndPooled(x, 5, 4, w.get("conv2.weight"), w.get("conv2.bias"));
        x = linear(x, w.get("fc1.weight"), w.get("fc1.bias"), true);
        assertArrayEquals(x, doubles(features, n * 6, 6), 1e-6);
        x = linear(x, w.get("fc2.weight"), w.get("fc2.bias"), false);
        assertArrayEquals(x, doubles(logits, n * 3, 3), 1e-6);
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
