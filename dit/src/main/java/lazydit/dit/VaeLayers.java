package lazydit.dit;

import java.util.ArrayList;
import java.util.List;
import lazydit.engine.Convolution.Window;
import lazydit.engine.Linear;

/** Reads the layers of an encoder or decoder in the order in which an image passes them. */
final class VaeLayers {
  private static final float EPS = 1e-6f;

  private final Weights weights;
  private final AutoencoderKlConfig config;
  private final List<VaeLayer> layers = new ArrayList<>();

  private VaeLayers(Weights weights, AutoencoderKlConfig config) {
    this.weights = weights;
    this.config = config;
  }

  /** From an image to the moments of its latent. */
  static List<VaeLayer> encoder(Weights weights, AutoencoderKlConfig config) {
    VaeLayers all = new VaeLayers(weights, config);
    List<Integer> blocks = config.blockOutChannels();
    int moments = 2 * config.latentChannels();
    int channels = blocks.getFirst();
    all.convolution("encoder.conv_in", channels, config.inChannels(), Window.SAME);
    for (int i = 0; i < blocks.size(); i++) {
      String block = "encoder.down_blocks." + i;
      for (int j = 0; j < config.layersPerBlock(); j++) {
        all.resnet(block + ".resnets." + j, blocks.get(i), channels);
        channels = blocks.get(i);
      }
      if (i < blocks.size() - 1) {
        all.convolution(block + ".downsamplers.0.conv", channels, channels, Window.HALF);
      }
      all.end(block);
    }
    all.middle("encoder.mid_block", channels);
    all.output("encoder", moments, channels);
    if (config.quantConv()) {
      all.pointwise("quant_conv", moments, moments);
    }
    return List.copyOf(all.layers);
  }

  /** From a latent to its image. */
  static List<VaeLayer> decoder(Weights weights, AutoencoderKlConfig config) {
    VaeLayers all = new VaeLayers(weights, config);
    List<Integer> blocks = config.blockOutChannels().reversed();
    int latent = config.latentChannels();
    int channels = blocks.getFirst();
    if (config.quantConv()) {
      all.pointwise("post_quant_conv", latent, latent);
    }
    all.convolution("decoder.conv_in", channels, latent, Window.SAME);
    all.middle("decoder.mid_block", channels);
    for (int i = 0; i < blocks.size(); i++) {
      String block = "decoder.up_blocks." + i;
      for (int j = 0; j <= config.layersPerBlock(); j++) {
        all.resnet(block + ".resnets." + j, blocks.get(i), channels);
        channels = blocks.get(i);
      }
      if (i < blocks.size() - 1) {
        String name = block + ".upsamplers.0.conv";
        all.layers.add(new VaeLayer.Upsample(name, weights.upsampled(name, channels, channels)));
      }
      all.end(block);
    }
    all.output("decoder", config.outChannels(), channels);
    return List.copyOf(all.layers);
  }

  private void convolution(String name, int out, int in, Window window) {
    layers.add(new VaeLayer.Conv(name, weights.convolution(name, out, in, window)));
  }

  private void pointwise(String name, int out, int in) {
    layers.add(new VaeLayer.Pointwise(name, weights.linear(name, out, in, out, in, 1, 1)));
  }

  private void resnet(String name, int out, int in) {
    int groups = config.normGroups();
    Linear shortcut =
        in == out ? null : weights.linear(name + ".conv_shortcut", out, in, out, in, 1, 1);
    layers.add(
        new VaeLayer.Resnet(
            name,
            weights.groupNorm(name + ".norm1", groups, in, EPS),
            weights.convolution(name + ".conv1", out, in, Window.SAME),
            weights.groupNorm(name + ".norm2", groups, out, EPS),
            weights.convolution(name + ".conv2", out, out, Window.SAME),
            shortcut));
  }

  private void middle(String name, int channels) {
    String attention = name + ".attentions.0";
    resnet(name + ".resnets.0", channels, channels);
    layers.add(
        new VaeLayer.MidAttention(
            attention,
            weights.groupNorm(attention + ".group_norm", config.normGroups(), channels, EPS),
            weights.stacked(
                List.of(attention + ".to_q", attention + ".to_k", attention + ".to_v"),
                channels,
                channels),
            weights.linear(attention + ".to_out.0", channels, channels)));
    resnet(name + ".resnets.1", channels, channels);
    end(name);
  }

  private void output(String prefix, int out, int channels) {
    String norm = prefix + ".conv_norm_out";
    // diffusers' name of what comes out: the norm's own output is never there.
    String act = prefix + ".conv_act";
    layers.add(
        new VaeLayer.NormSilu(act, weights.groupNorm(norm, config.normGroups(), channels, EPS)));
    convolution(prefix + ".conv_out", out, channels, Window.SAME);
  }

  private void end(String name) {
    layers.add(new VaeLayer.End(name));
  }
}
