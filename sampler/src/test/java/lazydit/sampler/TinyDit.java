package lazydit.sampler;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import lazydit.weights.SafetensorsWriter;

/** Checkpoints of a tiny DiT with random weights: 2 blocks, hidden size 16, 3 classes, 4 x 4. */
public final class TinyDit {
  public static final int HEADS = 2;
  private static final int HIDDEN = 16;
  private static final int TOKENS = 4;

  private TinyDit() {}

  /** Writes a checkpoint for samples of so many channels. */
  public static Path write(Path file, int channels) {
    return write(file, shapes(channels));
  }

  /** Writes random tensors of these shapes. */
  public static Path write(Path file, Map<String, long[]> shapes) {
    return write(file, shapes, 0.1f);
  }

  /** Writes random tensors of these shapes, of values between -most and most. */
  public static Path write(Path file, Map<String, long[]> shapes, float most) {
    SafetensorsWriter writer = new SafetensorsWriter();
    Random random = new Random(1);
    shapes.forEach((name, shape) -> writer.add(name, values(random, shape, 2 * most), shape));
    writer.writeTo(file);
    return file;
  }

  private static float[] values(Random random, long[] shape, float range) {
    int size = 1;
    for (long dimension : shape) {
      size *= (int) dimension;
    }
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = range * (random.nextFloat() - 0.5f);
    }
    return values;
  }

  public static Map<String, long[]> shapes(int channels) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("pos_embed", new long[] {1, TOKENS, HIDDEN});
    shapes.put("x_embedder.proj.weight", new long[] {HIDDEN, channels, 2, 2});
    shapes.put("x_embedder.proj.bias", new long[] {HIDDEN});
    linear(shapes, "t_embedder.mlp.0", HIDDEN, 256);
    linear(shapes, "t_embedder.mlp.2", HIDDEN, HIDDEN);
    shapes.put("y_embedder.embedding_table.weight", new long[] {4, HIDDEN});
    for (int block = 0; block < 2; block++) {
      String prefix = "blocks." + block + ".";
      linear(shapes, prefix + "attn.qkv", 3 * HIDDEN, HIDDEN);
      linear(shapes, prefix + "attn.proj", HIDDEN, HIDDEN);
      linear(shapes, prefix + "mlp.fc1", 4 * HIDDEN, HIDDEN);
      linear(shapes, prefix + "mlp.fc2", HIDDEN, 4 * HIDDEN);
      linear(shapes, prefix + "adaLN_modulation.1", 6 * HIDDEN, HIDDEN);
    }
    linear(shapes, "final_layer.linear", 8 * channels, HIDDEN);
    linear(shapes, "final_layer.adaLN_modulation.1", 2 * HIDDEN, HIDDEN);
    return shapes;
  }

  private static void linear(Map<String, long[]> shapes, String name, long out, long in) {
    shapes.put(name + ".weight", new long[] {out, in});
    shapes.put(name + ".bias", new long[] {out});
  }
}
