package lazydit.bench;

import java.util.List;
import java.util.Map;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.WeightSource;
import lazydit.engine.LazyDitException;
import lazydit.weights.RandomWeights;
import lazydit.weights.TensorData;

/** A VAE's checkpoint of random weights, computed as they are read. */
final class RandomVae implements WeightSource {
  private static final int SEED = 17;

  private final Map<String, TensorData> tensors;

  RandomVae(AutoencoderKlConfig config) {
    tensors = RandomWeights.of(config, SEED);
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
