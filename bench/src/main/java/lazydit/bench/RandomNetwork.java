package lazydit.bench;

import java.util.List;
import java.util.Map;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.DitConfig;
import lazydit.dit.WeightSource;
import lazydit.engine.LazyDitException;
import lazydit.weights.RandomWeights;
import lazydit.weights.TensorData;

/**
 * A checkpoint of random weights of the true shapes, none of them zero, that is computed as it is
 * read.
 */
record RandomNetwork(Map<String, TensorData> tensors) implements WeightSource {
  private static final int SEED = 17;

  static RandomNetwork of(DitConfig config) {
    return new RandomNetwork(RandomWeights.of(config, SEED));
  }

  static RandomNetwork of(AutoencoderKlConfig config) {
    return new RandomNetwork(RandomWeights.of(config, SEED));
  }

  private TensorData tensor(String name) {
    TensorData tensor = tensors.get(name);
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
    return tensor(name).shape();
  }

  @Override
  public void read(String name, long offset, float[] into, int at, int count) {
    tensor(name).readFloats(offset, into, at, count);
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
