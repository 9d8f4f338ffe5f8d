package lazydit.dit;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lazydit.engine.LazyDitException;

/**
 * What a DiT begins its training with, as its authors have it (Peebles and Xie 2023, section 4):
 * layers uniform after Glorot and Bengio (2010), embeddings of timesteps and labels normal with
 * deviation 0.02, biases zero, and zero too what modulates, gates and puts out, so that every block
 * begins as the identity. And what a {@link Classifier} begins with.
 *
 * <p>A number is a function of the seed, its tensor's name and its place, the same on every
 * machine. Immutable and safe for concurrent use.
 */
public final class InitialWeights implements WeightSource {
  private static final double DEVIATION = 0.02;
  private static final long STEP = 0x9E3779B97F4A7C15L;

  private enum Law {
    ZERO,
    UNIFORM,
    NORMAL
  }

  private record Tensor(long seed, Law law, double spread, long... shape) {}

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final long seed;

  /**
   * The weights of a new network.
   *
   * @param config the architecture
   * @param seed any number
   */
  public InitialWeights(DitConfig config, long seed) {
    this.seed = seed;
    int d = config.hiddenSize();
    int m = config.mlpHidden();
    int p = config.patchSize();
    int c = config.inChannels();
    add("x_embedder.proj.weight", Law.UNIFORM, glorot(d, c * p * p), d, c, p, p);
    add("x_embedder.proj.bias", Law.ZERO, 0, d);
    linear("t_embedder.mlp.0", Law.NORMAL, d, Embeddings.TIMESTEP_FEATURES);
    linear("t_embedder.mlp.2", Law.NORMAL, d, d);
    add(Dit.LABEL_TABLE, Law.NORMAL, DEVIATION, config.numClasses() + 1, d);
    for (int i = 0; i < config.depth(); i++) {
      linear("blocks." + i + ".attn.qkv", Law.UNIFORM, 3 * d, d);
      linear("blocks." + i + ".attn.proj", Law.UNIFORM, d, d);
      linear("blocks." + i + ".mlp.fc1", Law.UNIFORM, m, d);
      linear("blocks." + i + ".mlp.fc2", Law.UNIFORM, d, m);
      linear("blocks." + i + ".adaLN_modulation.1", Law.ZERO, 6 * d, d);
    }
    linear("final_layer.adaLN_modulation.1", Law.ZERO, 2 * d, d);
    linear("final_layer.linear", Law.ZERO, p * p * config.outChannels(), d);
  }

  /**
   * The weights of a new classifier, uniform within one over the root of a layer's inputs, biases
   * too.
   *
   * @param config the sizes
   * @param seed any number
   */
  public InitialWeights(ClassifierConfig config, long seed) {
    this.seed = seed;
    int pooled = config.side() / 4 * (config.side() / 4);
    bounded("conv1", config.width1(), config.channels(), 3, 3);
    bounded("conv2", config.width2(), config.width1(), 3, 3);
    bounded("fc1", config.features(), config.width2() * pooled);
    bounded("fc2", config.classes(), config.features());
  }

  private void bounded(String name, long... shape) {
    long inputs = Arrays.stream(shape).skip(1).reduce(1, (a, b) -> a * b);
    double spread = 1 / Math.sqrt(inputs);
    add(name + ".weight", Law.UNIFORM, spread, shape);
    add(name + ".bias", Law.UNIFORM, spread, shape[0]);
  }

  private static double glorot(int out, int in) {
    return Math.sqrt(6.0 / (out + (double) in));
  }

  private void linear(String name, Law law, int out, int in) {
    add(name + ".weight", law, law == Law.NORMAL ? DEVIATION : glorot(out, in), out, in);
    add(name + ".bias", Law.ZERO, 0, out);
  }

  private void add(String name, Law law, double spread, long... shape) {
    tensors.put(name, new Tensor(mix(seed ^ mix(name.hashCode())), law, spread, shape));
  }

  /** SplitMix64's (Steele et al. 2014). */
  private static long mix(long z) {
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }

  private Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new LazyDitException("A new network has no tensor %s.".formatted(name));
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
      into[at + i] = (float) value(tensor, offset + i);
    }
  }

  private static double value(Tensor tensor, long index) {
    double first = share(mix(tensor.seed + (2 * index + 1) * STEP));
    return switch (tensor.law) {
      case ZERO -> 0;
      case UNIFORM -> tensor.spread * (2 * first - 1);
      case NORMAL -> {
        // Box and Muller (1958); StrictMath: the same bits everywhere.
        double angle = 2 * Math.PI * share(mix(tensor.seed + (2 * index + 2) * STEP));
        yield tensor.spread * Math.sqrt(-2 * StrictMath.log(1 - first)) * StrictMath.cos(angle);
      }
    };
  }

  /** From 0 to below 1. */
  private static double share(long bits) {
    return (bits >>> 11) * 0x1p-53;
  }

  @Override
  public List<String> names() {
    return List.copyOf(tensors.keySet());
  }

  @Override
  public String describe() {
    return "the new network";
  }
}
