package lazydit.dit;

import java.util.Arrays;
import java.util.function.UnaryOperator;

/** DiT as its definition reads, in float64, one sample at a time: slow, and plain to see right. */
final class ReferenceDit {
  /** What a branch gives for its modulated input Z {@code [T, D]}; f is the branch itself. */
  @FunctionalInterface
  interface BranchRule {
    BranchRule COMPUTE = (block, branch, z, f) -> f.apply(z);

    double[] output(int block, Branch branch, double[] z, UnaryOperator<double[]> f);
  }

  private final DitConfig config;
  private final RandomWeights weights;
  private final int d;
  private final int tokens;

  ReferenceDit(DitConfig config, RandomWeights weights) {
    this.config = config;
    this.weights = weights;
    d = config.hiddenSize();
    tokens = config.tokens();
  }

  /** From an image {@code [C, H, W]} to the output {@code [Cout, H, W]}. */
  double[] forward(float[] image, double t, int label, BranchRule rule) {
    double[] wide = new double[image.length];
    Arrays.setAll(wide, i -> image[i]);
    return forward(wide, t, label, rule);
  }

  double[] forward(double[] image, double t, int label, BranchRule rule) {
    double[] x = embed(image);
    double[] c = silu(condition(t, label));
    for (int i = 0; i < config.depth(); i++) {
      String name = "blocks." + i + ".";
      double[] vectors = linear(name + "adaLN_modulation.1", c);
      for (Branch branch : Branch.values()) {
        double[] shift = chunk(vectors, 3 * branch.ordinal());
        double[] scale = chunk(vectors, 3 * branch.ordinal() + 1);
        double[] gate = chunk(vectors, 3 * branch.ordinal() + 2);
        double[] z = modulate(x, shift, scale);
        UnaryOperator<double[]> f =
            branch == Branch.ATTN ? in -> attention(name, in) : in -> mlp(name, in);
        double[] y = rule.output(i, branch, z, f);
        for (int k = 0; k < x.length; k++) {
          x[k] += gate[k % d] * y[k];
        }
      }
    }
    double[] vectors = linear("final_layer.adaLN_modulation.1", c);
    double[] z = modulate(x, chunk(vectors, 0), chunk(vectors, 1));
    return unpatchify(linear("final_layer.linear", z));
  }

  private double[] embed(double[] image) {
    int size = config.inputSize();
    int p = config.patchSize();
    double[] patches = new double[tokens * config.inChannels() * p * p];
    int to = 0;
    for (int token = 0; token < tokens; token++) {
      int top = token / config.grid() * p;
      int left = token % config.grid() * p;
      for (int c = 0; c < config.inChannels(); c++) {
        for (int i = 0; i < p; i++) {
          for (int j = 0; j < p; j++) {
            patches[to++] = image[(c * size + top + i) * size + left + j];
          }
        }
      }
    }
    double[] x = linear("x_embedder.proj", patches);
    for (int token = 0; token < tokens; token++) {
      for (int f = 0; f < d; f++) {
        x[token * d + f] += position(token, f);
      }
    }
    return x;
  }

  private double position(int token, int feature) {
    if (weights.contains("pos_embed")) {
      return weights.values("pos_embed")[token * d + feature];
    }
    int place = feature < d / 2 ? token % config.grid() : token / config.grid();
    int inHalf = feature % (d / 2);
    int i = inHalf % (d / 4);
    double angle = place * Math.pow(10000, -i / (d / 4.0));
    return inHalf < d / 4 ? Math.sin(angle) : Math.cos(angle);
  }

  private double[] condition(double t, int label) {
    double[] waves = new double[256];
    for (int i = 0; i < 128; i++) {
      double angle = t * Math.exp(-Math.log(10000) * i / 128);
      waves[i] = Math.cos(angle);
      waves[128 + i] = Math.sin(angle);
    }
    double[] c = linear("t_embedder.mlp.2", silu(linear("t_embedder.mlp.0", waves)));
    float[] table = weights.values("y_embedder.embedding_table.weight");
    for (int f = 0; f < d; f++) {
      c[f] += table[label * d + f];
    }
    return c;
  }

  private double[] attention(String name, double[] z) {
    double[] qkv = linear(name + "attn.qkv", z);
    int headDim = config.headDim();
    double[] mixed = new double[tokens * d];
    double[] weight = new double[tokens];
    for (int head = 0; head < config.numHeads(); head++) {
      for (int q = 0; q < tokens; q++) {
        double sum = 0;
        for (int k = 0; k < tokens; k++) {
          double dot = 0;
          for (int f = head * headDim; f < (head + 1) * headDim; f++) {
            dot += qkv[q * 3 * d + f] * qkv[k * 3 * d + d + f];
          }
          weight[k] = Math.exp(dot / Math.sqrt(headDim));
          sum += weight[k];
        }
        for (int k = 0; k < tokens; k++) {
          for (int f = head * headDim; f < (head + 1) * headDim; f++) {
            mixed[q * d + f] += weight[k] / sum * qkv[k * 3 * d + 2 * d + f];
          }
        }
      }
    }
    return linear(name + "attn.proj", mixed);
  }

  private double[] mlp(String name, double[] z) {
    double[] hidden = linear(name + "mlp.fc1", z);
    Arrays.setAll(
        hidden,
        i -> {
          double v = hidden[i];
          double u = Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v);
          return 0.5 * v * (1 + Math.tanh(u));
        });
    return linear(name + "mlp.fc2", hidden);
  }

  private double[] modulate(double[] x, double[] shift, double[] scale) {
    double[] z = new double[x.length];
    for (int at = 0; at < x.length; at += d) {
      double mean = Arrays.stream(x, at, at + d).average().orElseThrow();
      double variance =
          Arrays.stream(x, at, at + d).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
      for (int f = 0; f < d; f++) {
        z[at + f] = (x[at + f] - mean) / Math.sqrt(variance + 1e-6) * (1 + scale[f]) + shift[f];
      }
    }
    return z;
  }

  private double[] linear(String name, double[] x) {
    float[] w = weights.values(name + ".weight");
    float[] bias = weights.values(name + ".bias");
    int in = w.length / bias.length;
    double[] y = new double[x.length / in * bias.length];
    for (int i = 0; i < y.length; i++) {
      int row = i / bias.length * in;
      int out = i % bias.length;
      double sum = bias[out];
      for (int k = 0; k < in; k++) {
        sum += x[row + k] * w[out * in + k];
      }
      y[i] = sum;
    }
    return y;
  }

  private double[] unpatchify(double[] features) {
    int p = config.patchSize();
    int size = config.inputSize();
    int channels = config.outChannels();
    double[] out = new double[features.length];
    for (int i = 0; i < features.length; i++) {
      int c = i % channels;
      int column = i / channels % p;
      int row = i / channels / p % p;
      int token = i / channels / p / p;
      int top = token / config.grid() * p + row;
      int left = token % config.grid() * p + column;
      out[(c * size + top) * size + left] = features[i];
    }
    return out;
  }

  private double[] chunk(double[] vectors, int index) {
    return Arrays.copyOfRange(vectors, index * d, (index + 1) * d);
  }

  private static double[] silu(double[] x) {
    return Arrays.stream(x).map(v -> v / (1 + Math.exp(-v))).toArray();
  }
}
