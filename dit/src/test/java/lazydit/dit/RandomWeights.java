package lazydit.dit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import lazydit.engine.LazyDitException;

/** A checkpoint of random weights, no layer of it zero, that tests may bend. */
final class RandomWeights implements WeightSource {
  private record Tensor(long[] shape, float[] values) {}

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final SplittableRandom random;

  RandomWeights(DitConfig config, long seed) {
    random = new SplittableRandom(seed);
    int d = config.hiddenSize();
    int m = config.mlpHidden();
    int p = config.patchSize();
    int c = config.inChannels();
    add("pos_embed", 1, 1, config.tokens(), d);
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

  RandomWeights(LargeDitConfig config, long seed) {
    random = new SplittableRandom(seed);
    int d = config.hiddenSize();
    int m = config.mlpHidden();
    int kv = config.numKvHeads() * config.headDim();
    int cond = config.conditioningSize();
    int area = config.patchSize() * config.patchSize();
    linear("x_embedder", d, config.inChannels() * area);
    linear("t_embedder.mlp.0", cond, 256);
    linear("t_embedder.mlp.2", cond, cond);
    add("y_embedder.embedding_table.weight", 0.5, config.numClasses() + 1, cond);
    for (int i = 0; i < config.depth(); i++) {
      String name = "layers." + i + ".";
      linear(name + "adaLN_modulation.1", 6 * d, cond);
      add(name + "attention_norm.weight", 1, d);
      add(name + "ffn_norm.weight", 1, d);
      matrix(name + "attention.wq", d, d);
      matrix(name + "attention.wk", kv, d);
      matrix(name + "attention.wv", kv, d);
      matrix(name + "attention.wo", d, d);
      if (config.qkNorm()) {
        add(name + "attention.q_norm.weight", 1, d);
        add(name + "attention.q_norm.bias", 0.5, d);
        add(name + "attention.k_norm.weight", 1, kv);
        add(name + "attention.k_norm.bias", 0.5, kv);
      }
      matrix(name + "feed_forward.w1", m, d);
      matrix(name + "feed_forward.w2", d, m);
      matrix(name + "feed_forward.w3", m, d);
    }
    linear("final_layer.adaLN_modulation.1", 2 * d, cond);
    linear("final_layer.linear", area * config.outChannels(), d);
  }

  private void matrix(String name, int out, int in) {
    add(name + ".weight", 1.5 / Math.sqrt(in), out, in);
  }

  private void linear(String name, int out, int in) {
    add(name + ".weight", 1.5 / Math.sqrt(in), out, in);
    add(name + ".bias", 0.1, out);
  }

  private void add(String name, double deviation, long... shape) {
    int size = 1;
    for (long n : shape) {
      size = Math.toIntExact(size * n);
    }
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    tensors.put(name, new Tensor(shape, values));
  }

  /** Replaces a tensor by one of another shape. */
  RandomWeights with(String name, long... shape) {
    add(name, 1, shape);
    return this;
  }

  /** Removes a tensor. */
  RandomWeights without(String name) {
    tensors.remove(name);
    return this;
  }

  /** A whole tensor. */
  float[] values(String name) {
    return tensor(name).values;
  }

  /** How many values there are in all tensors together. */
  long size() {
    return tensors.values().stream().mapToLong(t -> t.values.length).sum();
  }

  private Tensor tensor(String name) {
    if (!contains(name)) {
      throw new LazyDitException("random weights have no tensor " + name);
    }
    return tensors.get(name);
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
    System.arraycopy(tensor(name).values, Math.toIntExact(offset), into, at, count);
  }

  @Override
  public List<String> names() {
    return new ArrayList<>(tensors.keySet());
  }

  @Override
  public String describe() {
    return "random weights";
  }
}
