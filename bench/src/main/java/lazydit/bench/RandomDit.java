package lazydit.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lazydit.dit.DitConfig;
import lazydit.dit.WeightSource;
import lazydit.engine.LazyDitException;

/**
 * A checkpoint of random weights of the true shapes, none of them zero, that is computed as it is
 * read: an element is a function of its tensor's name and its index.
 */
final class RandomDit implements WeightSource {
  private record Tensor(long seed, float limit, long... shape) {}

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  RandomDit(DitConfig config) {
    int d = config.hiddenSize();
    int m = config.mlpHidden();
    int p = config.patchSize();
    int c = config.inChannels();
    add("x_embedder.proj.weight", 1 / Math.sqrt(c * p * p), d, c, p, p);
    add("x_embedder.proj.bias", 0.1, d);
    linear("t_embedder.mlp.0", d, 256);
    linear("t_embedder.mlp.2", d, d);
    add("y_embedder.embedding_table.weight", 0.5, config.numClasses() + 1, d);
    for (int i = 0; i < config.depth(); i++) {
      linear("blocks." + i + ".adaLN_modulation.1", 6 * d, d);
      linear("blocks." + i + ".attn.qkv", 3 * d, d);
      linear("blocks." + i + ".attn.proj", d, d);
      linear("blocks." + i + ".mlp.fc1", m, d);
      linear("blocks." + i + ".mlp.fc2", d, m);
    }
    linear("final_layer.adaLN_modulation.1", 2 * d, d);
    linear("final_layer.linear", p * p * config.outChannels(), d);
  }

  private void linear(String name, int out, int in) {
    add(name + ".weight", 1.5 / Math.sqrt(in), out, in);
    add(name + ".bias", 0.1, out);
  }

  private void add(String name, double limit, long... shape) {
    tensors.put(name, new Tensor((long) name.hashCode() << 32, (float) limit, shape));
  }

  private Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new LazyDitException("The random weights have no tensor " + name + ".");
    }
    return tensor;
  }

  @Override
  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  @Override
  public long[] shape(String name) {
    return tensor(name).shape.clone();
  }

  @Override
  public void read(String name, long offset, float[] into, int at, int count) {
    Tensor tensor = tensor(name);
    for (int i = 0; i < count; i++) {
      into[at + i] = tensor.limit * uniform(tensor.seed + offset + i);
    }
  }

  /** A value between -1 and 1: the mixing function of SplitMix64 (Steele et al. 2014). */
  private static float uniform(long index) {
    long z = index * 0x9E3779B97F4A7C15L;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return (int) (z >> 32) * 0x1p-31f;
  }

  @Override
  public List<String> names() {
    return List.copyOf(tensors.keySet());
  }

  @Override
  public String describe() {
    return "random weights";
  }
}
