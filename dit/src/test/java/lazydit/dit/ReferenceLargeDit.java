package lazydit.dit;

import java.util.Arrays;

/** Large-DiT as its definition reads, in float64, one sample at a time. */
final class ReferenceLargeDit {
  private final LargeDitConfig config;
  private final RandomWeights weights;
  private final int d;
  private final int tokens;

  ReferenceLargeDit(LargeDitConfig config, RandomWeights weights) {
    this.config = config;
    this.weights = weights;
    d = config.hiddenSize();
    tokens = config.tokens();
  }

  /** From an image {@code [C, H, W]} to the output {@code [Cout, H, W]}. */
  double[] forward(float[] image, double t, int label) {
    double[] x = linear("x_embedder", patches(image));
    double[] c = silu(condition(t, label));
    for (int i = 0; i < config.depth(); i++) {
      String name = "layers." + i + ".";
      double[] v = linear(name + "adaLN_modulation.1", c);
      double[] z = modulate(rms(x, name + "attention_norm.weight"), v, 0);
      add(x, v, 2, attention(name + "attention.", z));
      z = modulate(rms(x, name + "ffn_norm.weight"), v, 3);
      add(x, v, 5, feedForward(name + "feed_forward.", z));
    }
    double[] v = linear("final_layer.adaLN_modulation.1", c);
    double[] z = modulate(norm(x, d, 1e-6), v, 0);
    return unpatchify(linear("final_layer.linear", z));
  }

  private double[] patches(float[] image) {
    int size = config.inputSize();
    int p = config.patchSize();
    double[] patches = new double[tokens * config.inChannels() * p * p];
    for (int i = 0; i < patches.length; i++) {
      int column = i % p;
      int row = i / p % p;
      int c = i / p / p % config.inChannels();
      int token = i / p / p / config.inChannels();
      int top = token / config.grid() * p + row;
      patches[i] = image[(c * size + top) * size + token % config.grid() * p + column];
    }
    return patches;
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
    for (int f = 0; f < c.length; f++) {
      c[f] += table[label * c.length + f];
    }
    return c;
  }

  private double[] attention(String name, double[] z) {
    int headDim = config.headDim();
    int kvWidth = config.numKvHeads() * headDim;
    int group = config.numHeads() / config.numKvHeads();
    double[] q = turned(matrix(name + "wq.weight", d, z), d, name + "q_norm");
    double[] k = turned(matrix(name + "wk.weight", d, z), kvWidth, name + "k_norm");
    double[] v = matrix(name + "wv.weight", d, z);
    double[] mixed = new double[tokens * d];
    for (int head = 0; head < config.numHeads(); head++) {
      int own = head * headDim;
      int shared = head / group * headDim;
      for (int a = 0; a < tokens; a++) {
        double[] weight = new double[tokens];
        for (int b = 0; b < tokens; b++) {
          double dot = 0;
          for (int f = 0; f < headDim; f++) {
            dot += q[a * d + own + f] * k[b * kvWidth + shared + f];
          }
          weight[b] = Math.exp(dot / Math.sqrt(headDim));
        }
        double sum = Arrays.stream(weight).sum();
        for (int b = 0; b < tokens; b++) {
          for (int f = 0; f < headDim; f++) {
            mixed[a * d + own + f] += weight[b] / sum * v[b * kvWidth + shared + f];
          }
        }
      }
    }
    return matrix(name + "wo.weight", d, mixed);
  }

  /** Normalised over all heads, where that is asked for, and turned head by head. */
  private double[] turned(double[] x, int width, String name) {
    double[] y = x;
    if (config.qkNorm()) {
      float[] w = weights.values(name + ".weight");
      float[] b = weights.values(name + ".bias");
      double[] normed = norm(x, width, 1e-5);
      Arrays.setAll(normed, i -> normed[i] * w[i % width] + b[i % width]);
      y = normed;
    }
    double[] z = new double[y.length];
    for (int i = 0; i < y.length; i += 2) {
      double pair = i % config.headDim();
      double angle = i / width * Math.pow(10000, -pair / config.headDim());
      z[i] = y[i] * Math.cos(angle) - y[i + 1] * Math.sin(angle);
      z[i + 1] = y[i] * Math.sin(angle) + y[i + 1] * Math.cos(angle);
    }
    return z;
  }

  private double[] feedForward(String name, double[] z) {
    double[] gate = silu(matrix(name + "w1.weight", d, z));
    double[] value = matrix(name + "w3.weight", d, z);
    Arrays.setAll(gate, i -> gate[i] * value[i]);
    return matrix(name + "w2.weight", config.mlpHidden(), gate);
  }

  private double[] rms(double[] x, String name) {
    float[] w = weights.values(name);
    double[] y = new double[x.length];
    for (int at = 0; at < x.length; at += d) {
      double square = Arrays.stream(x, at, at + d).map(v -> v * v).average().orElseThrow();
      for (int f = 0; f < d; f++) {
        y[at + f] = x[at + f] / Math.sqrt(square + 1e-5) * w[f];
      }
    }
    return y;
  }

  private static double[] norm(double[] x, int width, double eps) {
    double[] y = new double[x.length];
    for (int at = 0; at < x.length; at += width) {
      double mean = Arrays.stream(x, at, at + width).average().orElseThrow();
      double variance =
          Arrays.stream(x, at, at + width)
              .map(v -> (v - mean) * (v - mean))
              .average()
              .orElseThrow();
      for (int f = 0; f < width; f++) {
        y[at + f] = (x[at + f] - mean) / Math.sqrt(variance + eps);
      }
    }
    return y;
  }

  private double[] modulate(double[] normed, double[] vectors, int shift) {
    double[] z = new double[normed.length];
    Arrays.setAll(
        z, i -> normed[i] * (1 + vectors[(shift + 1) * d + i % d]) + vectors[shift * d + i % d]);
    return z;
  }

  private void add(double[] x, double[] vectors, int gate, double[] y) {
    for (int i = 0; i < x.length; i++) {
      x[i] += vectors[gate * d + i % d] * y[i];
    }
  }

  private double[] linear(String name, double[] x) {
    float[] bias = weights.values(name + ".bias");
    int in = weights.values(name + ".weight").length / bias.length;
    double[] y = matrix(name + ".weight", in, x);
    Arrays.setAll(y, i -> y[i] + bias[i % bias.length]);
    return y;
  }

  private double[] matrix(String name, int in, double[] x) {
    float[] w = weights.values(name);
    int out = w.length / in;
    double[] y = new double[x.length / in * out];
    for (int i = 0; i < y.length; i++) {
      for (int k = 0; k < in; k++) {
        y[i] += x[i / out * in + k] * w[i % out * in + k];
      }
    }
    return y;
  }

  private double[] unpatchify(double[] features) {
    int p = config.patchSize();
    int size = config.inputSize();
    int channels = config.outChannels();
    double[] out = new double[features.length];
    for (int i = 0; i < features.length; i++) {
      int column = i / channels % p;
      int row = i / channels / p % p;
      int token = i / channels / p / p;
      int top = token / config.grid() * p + row;
      int left = token % config.grid() * p + column;
      out[(i % channels * size + top) * size + left] = features[i];
    }
    return out;
  }

  private static double[] silu(double[] x) {
    return Arrays.stream(x).map(v -> v / (1 + Math.exp(-v))).toArray();
  }
}
