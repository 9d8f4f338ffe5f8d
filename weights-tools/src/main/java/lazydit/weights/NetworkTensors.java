package lazydit.weights;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.DitConfig;
import lazydit.dit.Embeddings;
import lazydit.dit.LargeDitConfig;
import lazydit.dit.TransformerConfig;

/**
 * Names and shapes of all tensors of a network, in the order of the authors' state dicts: a DiT
 * under facebook's names, a Large-DiT under its own, a VAE under diffusers'.
 */
final class NetworkTensors {
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  private NetworkTensors() {}

  static Map<String, long[]> of(TransformerConfig config) {
    NetworkTensors all = new NetworkTensors();
    switch (config) {
      case DitConfig dit -> all.dit(dit);
      case LargeDitConfig large -> all.large(large);
    }
    return all.shapes;
  }

  static Map<String, long[]> of(AutoencoderKlConfig config) {
    NetworkTensors all = new NetworkTensors();
    all.encoder(config);
    all.decoder(config);
    if (config.quantConv()) {
      int moments = 2 * config.latentChannels();
      all.layer("quant_conv", moments, moments, 1, 1);
      all.layer("post_quant_conv", config.latentChannels(), config.latentChannels(), 1, 1);
    }
    return all.shapes;
  }

  private void tensor(String name, long... shape) {
    shapes.put(name, shape);
  }

  /** A weight of that shape, and a bias. */
  private void layer(String name, long... shape) {
    tensor(name + ".weight", shape);
    tensor(name + ".bias", shape[0]);
  }

  // ---- transformers

  private void dit(DitConfig config) {
    long d = config.hiddenSize();
    long p = config.patchSize();
    tensor("pos_embed", 1, config.tokens(), d);
    layer("x_embedder.proj", d, config.inChannels(), p, p);
    embedders(config);
    for (int i = 0; i < config.depth(); i++) {
      String block = "blocks." + i;
      layer(block + ".attn.qkv", 3 * d, d);
      layer(block + ".attn.proj", d, d);
      layer(block + ".mlp.fc1", config.mlpHidden(), d);
      layer(block + ".mlp.fc2", d, config.mlpHidden());
      layer(block + ".adaLN_modulation.1", 6 * d, d);
    }
    last(config);
  }

  private void large(LargeDitConfig config) {
    long d = config.hiddenSize();
    long m = config.mlpHidden();
    long kv = (long) config.numKvHeads() * config.headDim();
    long p = config.patchSize();
    layer("x_embedder", d, config.inChannels() * p * p);
    embedders(config);
    for (int i = 0; i < config.depth(); i++) {
      String attention = "layers." + i + ".attention.";
      tensor(attention + "wq.weight", d, d);
      tensor(attention + "wk.weight", kv, d);
      tensor(attention + "wv.weight", kv, d);
      tensor(attention + "wo.weight", d, d);
      if (config.qkNorm()) {
        layer(attention + "q_norm", d);
        layer(attention + "k_norm", kv);
      }
      String block = "layers." + i;
      tensor(block + ".feed_forward.w1.weight", m, d);
      tensor(block + ".feed_forward.w2.weight", d, m);
      tensor(block + ".feed_forward.w3.weight", m, d);
      tensor(block + ".attention_norm.weight", d);
      tensor(block + ".ffn_norm.weight", d);
      layer(block + ".adaLN_modulation.1", 6 * d, config.conditioningSize());
    }
    last(config);
  }

  private void embedders(TransformerConfig config) {
    long width = config.conditioningSize();
    layer("t_embedder.mlp.0", width, Embeddings.TIMESTEP_FEATURES);
    layer("t_embedder.mlp.2", width, width);
    tensor("y_embedder.embedding_table.weight", config.numClasses() + 1L, width);
  }

  private void last(TransformerConfig config) {
    long d = config.hiddenSize();
    long p = config.patchSize();
    layer("final_layer.linear", p * p * config.outChannels(), d);
    layer("final_layer.adaLN_modulation.1", 2 * d, config.conditioningSize());
  }

  // ---- VAE

  private void encoder(AutoencoderKlConfig config) {
    List<Integer> levels = config.blockOutChannels();
    int channels = levels.getFirst();
    convolution("encoder.conv_in", channels, config.inChannels());
    for (int i = 0; i < levels.size(); i++) {
      String block = "encoder.down_blocks." + i;
      for (int j = 0; j < config.layersPerBlock(); j++) {
        resnet(block + ".resnets." + j, levels.get(i), channels);
        channels = levels.get(i);
      }
      if (i < levels.size() - 1) {
        convolution(block + ".downsamplers.0.conv", channels, channels);
      }
    }
    middle("encoder.mid_block", channels);
    layer("encoder.conv_norm_out", channels);
    convolution("encoder.conv_out", 2 * config.latentChannels(), channels);
  }

  private void decoder(AutoencoderKlConfig config) {
    List<Integer> levels = config.blockOutChannels().reversed();
    int channels = levels.getFirst();
    convolution("decoder.conv_in", channels, config.latentChannels());
    for (int i = 0; i < levels.size(); i++) {
      String block = "decoder.up_blocks." + i;
      for (int j = 0; j <= config.layersPerBlock(); j++) {
        resnet(block + ".resnets." + j, levels.get(i), channels);
        channels = levels.get(i);
      }
      if (i < levels.size() - 1) {
        convolution(block + ".upsamplers.0.conv", channels, channels);
      }
    }
    middle("decoder.mid_block", levels.getFirst());
    layer("decoder.conv_norm_out", channels);
    convolution("decoder.conv_out", config.outChannels(), channels);
  }

  private void convolution(String name, long out, long in) {
    layer(name, out, in, 3, 3);
  }

  private void resnet(String name, long out, long in) {
    layer(name + ".norm1", in);
    convolution(name + ".conv1", out, in);
    layer(name + ".norm2", out);
    convolution(name + ".conv2", out, out);
    if (in != out) {
      layer(name + ".conv_shortcut", out, in, 1, 1);
    }
  }

  private void middle(String name, long channels) {
    String attention = name + ".attentions.0.";
    layer(attention + "group_norm", channels);
    for (String projection : List.of("to_q", "to_k", "to_v", "to_out.0")) {
      layer(attention + projection, channels, channels);
    }
    resnet(name + ".resnets.0", channels, channels);
    resnet(name + ".resnets.1", channels, channels);
  }
}
