package lazydit.dit;

import java.util.Arrays;

/** AutoencoderKL as its definition reads, in float64 over planes: slow, and plain to see right. */
final class ReferenceVae {
  private record Image(int channels, int height, int width, double[] values) {
    Image(int channels, int height, int width) {
      this(channels, height, width, new double[channels * height * width]);
    }

    double at(int c, int y, int x) {
      boolean inside = y >= 0 && y < height && x >= 0 && x < width;
      return inside ? values[(c * height + y) * width + x] : 0;
    }
  }

  private final AutoencoderKlConfig config;
  private final RandomVae weights;

  ReferenceVae(AutoencoderKlConfig config, RandomVae weights) {
    this.config = config;
    this.weights = weights;
  }

  /** From a latent {@code [C, h, w]} to an image. */
  double[] decode(float[] latent, int height, int width) {
    Image x = image(latent, config.latentChannels(), height, width);
    if (config.quantConv()) {
      x = convolve("post_quant_conv", x, 1, 0, height, width);
    }
    x = middle("decoder.mid_block", same("decoder.conv_in", x));
    for (int i = 0; i < config.levels(); i++) {
      String block = "decoder.up_blocks." + i;
      for (int j = 0; j <= config.layersPerBlock(); j++) {
        x = resnet(block + ".resnets." + j, x);
      }
      if (i < config.levels() - 1) {
        x = same(block + ".upsamplers.0.conv", doubled(x));
      }
    }
    return same("decoder.conv_out", silu(norm("decoder.conv_norm_out", x))).values;
  }

  /** From an image {@code [C, H, W]} to the moments of its latent. */
  double[] encode(float[] image, int height, int width) {
    Image x = same("encoder.conv_in", image(image, config.inChannels(), height, width));
    for (int i = 0; i < config.levels(); i++) {
      String block = "encoder.down_blocks." + i;
      for (int j = 0; j < config.layersPerBlock(); j++) {
        x = resnet(block + ".resnets." + j, x);
      }
      if (i < config.levels() - 1) {
        x = convolve(block + ".downsamplers.0.conv", x, 2, 0, x.height / 2, x.width / 2);
      }
    }
    x = middle("encoder.mid_block", x);
    x = same("encoder.conv_out", silu(norm("encoder.conv_norm_out", x)));
    return config.quantConv() ? same("quant_conv", x).values : x.values;
  }

  private static Image image(float[] values, int channels, int height, int width) {
    Image image = new Image(channels, height, width);
    Arrays.setAll(image.values, i -> values[i]);
    return image;
  }

  private Image middle(String name, Image x) {
    return resnet(
        name + ".resnets.1", attention(name + ".attentions.0", resnet(name + ".resnets.0", x)));
  }

  private Image resnet(String name, Image x) {
    Image h = same(name + ".conv1", silu(norm(name + ".norm1", x)));
    h = same(name + ".conv2", silu(norm(name + ".norm2", h)));
    boolean shortcut = weights.contains(name + ".conv_shortcut.weight");
    return sum(shortcut ? same(name + ".conv_shortcut", x) : x, h);
  }

  private Image attention(String name, Image x) {
    Image normed = norm(name + ".group_norm", x);
    Image q = pixelwise(name + ".to_q", normed);
    Image k = pixelwise(name + ".to_k", normed);
    Image v = pixelwise(name + ".to_v", normed);
    int pixels = x.height * x.width;
    Image mixed = new Image(x.channels, x.height, x.width);
    double[] share = new double[pixels];
    for (int i = 0; i < pixels; i++) {
      double total = 0;
      for (int j = 0; j < pixels; j++) {
        double dot = 0;
        for (int c = 0; c < x.channels; c++) {
          dot += q.values[c * pixels + i] * k.values[c * pixels + j];
        }
        share[j] = Math.exp(dot / Math.sqrt(x.channels));
        total += share[j];
      }
      for (int j = 0; j < pixels; j++) {
        for (int c = 0; c < x.channels; c++) {
          mixed.values[c * pixels + i] += share[j] / total * v.values[c * pixels + j];
        }
      }
    }
    return sum(x, pixelwise(name + ".to_out.0", mixed));
  }

  private static Image sum(Image a, Image b) {
    Image sum = new Image(a.channels, a.height, a.width);
    Arrays.setAll(sum.values, i -> a.values[i] + b.values[i]);
    return sum;
  }

  private static Image silu(Image x) {
    Image y = new Image(x.channels, x.height, x.width);
    Arrays.setAll(y.values, i -> x.values[i] / (1 + Math.exp(-x.values[i])));
    return y;
  }

  private static Image doubled(Image x) {
    Image y = new Image(x.channels, 2 * x.height, 2 * x.width);
    Arrays.setAll(
        y.values, i -> x.at(i / y.width / y.height, i / y.width % y.height / 2, i % y.width / 2));
    return y;
  }

  private Image norm(String name, Image x) {
    float[] weight = weights.values(name + ".weight");
    float[] bias = weights.values(name + ".bias");
    int pixels = x.height * x.width;
    int length = pixels * x.channels / config.normGroups();
    Image y = new Image(x.channels, x.height, x.width);
    for (int at = 0; at < x.values.length; at += length) {
      double mean = Arrays.stream(x.values, at, at + length).average().orElseThrow();
      double variance =
          Arrays.stream(x.values, at, at + length)
              .map(value -> (value - mean) * (value - mean))
              .average()
              .orElseThrow();
      for (int i = at; i < at + length; i++) {
        double normed = (x.values[i] - mean) / Math.sqrt(variance + 1e-6);
        y.values[i] = normed * weight[i / pixels] + bias[i / pixels];
      }
    }
    return y;
  }

  private Image same(String name, Image x) {
    int padding = weights.shape(name + ".weight")[3] == 3 ? 1 : 0;
    return convolve(name, x, 1, padding, x.height, x.width);
  }

  private Image pixelwise(String name, Image x) {
    return convolve(name, x, 1, 0, x.height, x.width);
  }

  private Image convolve(String name, Image x, int stride, int padding, int height, int width) {
    float[] weight = weights.values(name + ".weight");
    float[] bias = weights.values(name + ".bias");
    int k = (int) Math.round(Math.sqrt((double) weight.length / bias.length / x.channels));
    Image y = new Image(bias.length, height, width);
    Arrays.setAll(
        y.values,
        i -> {
          int o = i / width / height;
          double sum = bias[o];
          for (int c = 0; c < x.channels; c++) {
            for (int ky = 0; ky < k; ky++) {
              for (int kx = 0; kx < k; kx++) {
                int row = i / width % height * stride + ky - padding;
                int column = i % width * stride + kx - padding;
                double w = weight[((o * x.channels + c) * k + ky) * k + kx];
                sum += w * x.at(c, row, column);
              }
            }
          }
          return sum;
        });
    return y;
  }
}
