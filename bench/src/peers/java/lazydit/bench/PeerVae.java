package lazydit.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import lazydit.dit.AutoencoderKlConfig;

/** The decoder of {@link VaeWork} in PyTorch's own operations, layer by layer. */
final class PeerVae {
  private final AutoencoderKlConfig config;
  private final StringBuilder body = new StringBuilder();

  /** Those that have a weight and a bias, in the order in which the script takes them. */
  private final List<String> layers = new ArrayList<>();

  private PeerVae(VaeWork work) {
    config = work.config();
    List<Integer> blocks = config.blockOutChannels().reversed();
    int side = work.side();
    int channels = blocks.getFirst();
    if (config.quantConv()) {
      line("x = " + convolution("x", "post_quant_conv", 1));
    }
    line("x = " + convolution("x", "decoder.conv_in", 3));
    resnet("decoder.mid_block.resnets.0", false);
    attention("decoder.mid_block.attentions.0.", channels, side);
    resnet("decoder.mid_block.resnets.1", false);
    for (int i = 0; i < blocks.size(); i++) {
      String block = "decoder.up_blocks." + i;
      for (int j = 0; j <= config.layersPerBlock(); j++) {
        resnet(block + ".resnets." + j, channels != blocks.get(i));
        channels = blocks.get(i);
      }
      if (i < blocks.size() - 1) {
        side *= 2;
        line("x = torch.upsample_nearest2d(x, [%d, %d])".formatted(side, side));
        line("x = " + convolution("x", block + ".upsamplers.0.conv", 3));
      }
    }
    line("x = torch.silu_(%s)".formatted(norm("x", "decoder.conv_norm_out")));
    line("return " + convolution("x", "decoder.conv_out", 3));
  }

  /** The script: {@code w} holds all weights. */
  static InputStream script(VaeWork work) {
    return TorchScript.module("x: Tensor, w: List[Tensor]", new PeerVae(work).body.toString());
  }

  /** What the script takes. */
  static NDList inputs(VaeWork work, NDManager manager) {
    Shape shape = new Shape(1, work.config().latentChannels(), work.side(), work.side());
    NDList inputs = new NDList(manager.create(work.latent(), shape));
    PeerDit.Reader reader = new PeerDit.Reader(work.weights(), manager);
    for (String layer : new PeerVae(work).layers) {
      for (NDArray weight : reader.layer(layer)) {
        // DJL makes a list of arrays of one name that ends so.
        weight.setName("w[]");
        inputs.add(weight);
      }
    }
    return inputs;
  }

  private void resnet(String name, boolean shortcut) {
    line("y = torch.silu_(%s)".formatted(norm("x", name + ".norm1")));
    line("y = " + convolution("y", name + ".conv1", 3));
    line("y = torch.silu_(%s)".formatted(norm("y", name + ".norm2")));
    line("y = " + convolution("y", name + ".conv2", 3));
    String x = shortcut ? convolution("x", name + ".conv_shortcut", 1) : "x";
    line("x = torch.add_(y, %s)".formatted(x));
  }

  private void attention(String name, int channels, int side) {
    line("y = " + norm("x", name + "group_norm"));
    line("y = torch.unsqueeze(torch.transpose(torch.flatten(y, 2), 1, 2), 1)");
    for (String letter : List.of("q", "k", "v")) {
      line("%s = torch.linear(y, %s)".formatted(letter, weights(name + "to_" + letter)));
    }
    line("y = torch.scaled_dot_product_attention(q, k, v)");
    line("y = torch.transpose(torch.linear(y, %s), 2, 3)".formatted(weights(name + "to_out.0")));
    line("x = torch.add(x, torch.reshape(y, [1, %d, %d, %d]))".formatted(channels, side, side));
  }

  private String convolution(String of, String name, int size) {
    int pad = size / 2;
    return "torch.conv2d(%s, %s, [1, 1], [%d, %d])".formatted(of, weights(name), pad, pad);
  }

  private String norm(String of, String name) {
    return "torch.group_norm(%s, %d, %s, 1e-06)".formatted(of, config.normGroups(), weights(name));
  }

  /** A layer's weight and bias. */
  private String weights(String layer) {
    int at = 2 * layers.size();
    layers.add(layer);
    return "w[%d], w[%d]".formatted(at, at + 1);
  }

  private void line(String code) {
    body.append("    ").append(code).append('\n');
  }
}
