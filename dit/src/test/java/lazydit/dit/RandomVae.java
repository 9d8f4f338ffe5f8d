package lazydit.dit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import lazydit.engine.LazyDitException;

/** A VAE checkpoint of random weights under diffusers' names, that tests may bend. */
final class RandomVae implements WeightSource {
  private record Entry(long[] shape, float[] values) {}

  private final Map<String, Entry> tensors = new LinkedHashMap<>();
  private final SplittableRandom random;

  RandomVae(AutoencoderKlConfig config, long seed) {
    random = new SplittableRandom(seed);
    int latent = config.latentChannels();
    List<Integer> blocks = config.blockOutChannels();
    int first = blocks.getFirst();
    int last = blocks.getLast();
    convolution("encoder.conv_in", first, config.inChannels(), 3);
    int channels = first;
    for (int i = 0; i < blocks.size(); i++) {
      String block = "encoder.down_blocks." + i;
      for (int j = 0; j < config.layersPerBlock(); j++) {
        resnet(block + ".resnets." + j, blocks.get(i), channels);
        channels = blocks.get(i);
      }
      if (i < blocks.size() - 1) {
        convolution(block + ".downsamplers.0.conv", channels, channels, 3);
      }
    }
    middle("encoder.mid_block", last);
    output("encoder", 2 * latent, last);
    convolution("decoder.conv_in", last, latent, 3);
    middle("decoder.mid_block", last);
    for (int i = 0; i < blocks.size(); i++) {
      String block = "decoder.up_blocks." + i;
      int out = blocks.get(blocks.size() - 1 - i);
      for (int j = 0; j <= config.layersPerBlock(); j++) {
        resnet(block + ".resnets." + j, out, channels);
        channels = out;
      }
      if (i < blocks.size() - 1) {
        convolution(block + ".upsamplers.0.conv", channels, channels, 3);
      }
    }
    output("decoder", config.outChannels(), first);
    if (config.quantConv()) {
      convolution("quant_conv", 2 * latent, 2 * latent, 1);
      convolution("post_quant_conv", latent, latent, 1);
    }
  }

  private void resnet(String name, int out, int in) {
    norm(name + ".norm1", in);
    convolution(name + ".conv1", out, in, 3);
    norm(name + ".norm2", out);
    convolution(name + ".conv2", out, out, 3);
    if (in != out) {
      convolution(name + ".conv_shortcut", out, in, 1);
    }
  }

  private void middle(String name, int channels) {
    resnet(name + ".resnets.0", channels, channels);
    norm(name + ".attentions.0.group_norm", channels);
    for (String layer : List.of("to_q", "to_k", "to_v", "to_out.0")) {
      String full = name + ".attentions.0." + layer;
      add(full + ".weight", 0, 1 / Math.sqrt(channels), channels, channels);
      add(full + ".bias", 0, 0.1, channels);
    }
    resnet(name + ".resnets.1", channels, channels);
  }

  private void output(String prefix, int out, int channels) {
    norm(prefix + ".conv_norm_out", channels);
    convolution(prefix + ".conv_out", out, channels, 3);
  }

  private void norm(String name, int channels) {
    add(name + ".weight", 1, 0.2, channels);
    add(name + ".bias", 0, 0.2, channels);
  }

  private void convolution(String name, int out, int in, int size) {
    add(name + ".weight", 0, 1 / Math.sqrt(in * size * size), out, in, size, size);
    add(name + ".bias", 0, 0.1, out);
  }

  private void add(String name, double mean, double deviation, long... shape) {
    int size = 1;
    for (long n : shape) {
      size = Math.toIntExact(size * n);
    }
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    tensors.put(name, new Entry(shape, values));
  }

  /** Replaces a tensor by one of another shape. */
  RandomVae with(String name, long... shape) {
    add(name, 0, 1, shape);
    return this;
  }

  /** Removes the tensors whose names begin so. */
  RandomVae without(String prefix) {
    tensors.keySet().removeIf(name -> name.startsWith(prefix));
    return this;
  }

  /** A whole tensor. */
  float[] values(String name) {
    return entry(name).values;
  }

  private Entry entry(String name) {
    if (!contains(name)) {
      throw new LazyDitException("the random VAE has no tensor " + name);
    }
    return tensors.get(name);
  }

  @Override
  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  @Override
  public long[] shape(String name) {
    return entry(name).shape.clone();
  }

  @Override
  public void read(String name, long offset, float[] into, int at, int count) {
    System.arraycopy(entry(name).values, Math.toIntExact(offset), into, at, count);
  }

  @Override
  public List<String> names() {
    return new ArrayList<>(tensors.keySet());
  }

  @Override
  public String describe() {
    return "the random VAE";
  }
}
