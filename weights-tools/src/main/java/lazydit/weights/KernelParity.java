package lazydit.weights;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import lazydit.dit.LatentDistribution;
import lazydit.engine.Activations;
import lazydit.engine.Attention;
import lazydit.engine.Epilogue;
import lazydit.engine.LayerNorm;
import lazydit.engine.Linear;
import lazydit.engine.Patches;
import lazydit.engine.PerGroup;
import lazydit.engine.RmsNorm;
import lazydit.engine.Rotary;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
import lazydit.engine.Softmax;
import lazydit.engine.Tensor;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;

/**
 * Single operations of the engine: golden files of kind {@code kernels}. An expected tensor's name
 * says which operation it is and which inputs it takes; what no rule knows is not computed.
 */
public final class KernelParity implements ParitySuite {
  private static final List<Rule> RULES =
      List.of(
          new Rule("(?<case>\\d+x\\d+x\\d+)\\.c", KernelParity::product),
          new Rule("(?<case>\\d+x\\d+x\\d+)\\.linear", KernelParity::linear),
          new Rule("(?<case>\\d+x\\d+x\\d+)\\.at_b", KernelParity::transposedProduct),
          new Rule("(?<case>s\\d+_d\\d+)(?<sharp>\\.sharp)?", KernelParity::attention),
          new Rule("layernorm_(?<eps>[\\d.]+e-\\d{1,2})\\.row(?<row>\\d{1,6})", KernelParity::norm),
          new Rule("layernorm_affine_1e-5", KernelParity::affineNorm),
          new Rule(
              "rmsnorm_(?<eps>[\\d.]+e-\\d{1,2})\\.row(?<row>\\d{1,6})", KernelParity::rmsNorm),
          new Rule("modulated_layernorm", KernelParity::modulatedNorm),
          new Rule("softmax", KernelParity::softmax),
          new Rule(
              "(?<function>gelu_tanh|gelu_erf|silu|sigmoid)(?<ext>_ext)?",
              KernelParity::activation),
          new Rule("swiglu", KernelParity::swiglu),
          new Rule("gaussian\\.(?<which>logvar|std)", KernelParity::gaussian),
          new Rule("rope\\.(?<which>[qk])", KernelParity::rotary),
          new Rule("patch\\.embed", KernelParity::patchEmbedding));

  /** DiT's epsilon of every layer norm. */
  private static final float EPSILON = 1e-6f;

  /** The rows of {@code in.x} that {@code layernorm_affine_1e-5} is about. */
  private static final int[] AFFINE_ROWS = {0, 3, 5, 7};

  /** How much sharper the queries of the {@code sharp} cases are. */
  private static final float SHARP = 30;

  /** Which expected tensors, by name without {@code out.}, an operation computes. */
  private record Rule(Pattern name, Kernel kernel) {
    Rule(String name, Kernel kernel) {
      this(Pattern.compile("out\\." + name), kernel);
    }
  }

  private interface Kernel {
    Computed run(GoldenFile golden, MatchResult name, Workers workers);
  }

  /** A suite; it holds nothing. */
  public KernelParity() {}

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("kernels");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      for (String name : golden.expectedNames()) {
        for (Rule rule : RULES) {
          Matcher matcher = rule.name.matcher(name);
          if (matcher.matches()) {
            computed.put(name, rule.kernel.run(golden, matcher, workers));
          }
        }
      }
    }
    return computed;
  }

  // ---- matrix products

  private static Computed product(GoldenFile golden, MatchResult name, Workers workers) {
    Matrix a = matrix(golden, name.group("case") + ".a");
    Matrix b = matrix(golden, name.group("case") + ".b", a.columns);
    return multiply(a, b, null, workers);
  }

  private static Computed linear(GoldenFile golden, MatchResult name, Workers workers) {
    Matrix a = matrix(golden, name.group("case") + ".a");
    Matrix b = matrix(golden, name.group("case") + ".b", a.columns);
    float[] bias = golden.input(name.group("case") + ".bias", b.columns).toFloats();
    return multiply(a, b, bias, workers);
  }

  private static Computed transposedProduct(GoldenFile golden, MatchResult name, Workers workers) {
    Matrix a = matrix(golden, name.group("case") + ".a");
    Matrix d = matrix(golden, name.group("case") + ".d", a.rows);
    return multiply(a.transposed(), d, null, workers);
  }

  private record Matrix(int rows, int columns, float[] values) {
    Matrix transposed() {
      float[] turned = new float[values.length];
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
          turned[j * rows + i] = values[i * columns + j];
        }
      }
      return new Matrix(columns, rows, turned);
    }
  }

  private static Matrix matrix(GoldenFile golden, String name) {
    return matrix(golden, name, -1);
  }

  private static Matrix matrix(GoldenFile golden, String name, long rows) {
    StoredTensor tensor = golden.input(name, rows, -1);
    long[] shape = tensor.shape();
    return new Matrix((int) shape[0], (int) shape[1], tensor.toFloats());
  }

  /** a @ b + bias; a linear layer's weight is the transpose of b. */
  private static Computed multiply(Matrix a, Matrix b, float[] bias, Workers workers) {
    return Computed.of(layer(a, b.transposed(), bias, workers), a.rows, b.columns);
  }

  private static float[] layer(Matrix x, Matrix weight, float[] bias, Workers workers) {
    Linear linear =
        Linear.pack(
            weight.rows,
            weight.columns,
            (row, into, at) ->
                System.arraycopy(weight.values, row * weight.columns, into, at, weight.columns),
            bias);
    float[] y = new float[Math.multiplyExact(x.rows, weight.rows)];
    Epilogue store = new Epilogue.Store(y);
    linear.apply(workers, new Scratch(workers), x.values, Rows.all(x.rows), store);
    return y;
  }

  // ---- attention

  private static Computed attention(GoldenFile golden, MatchResult name, Workers workers) {
    String prefix = name.group("case");
    StoredTensor q = golden.input(prefix + ".q", -1, -1, -1, -1);
    long[] shape = q.shape();
    float[] queries = q.toFloats();
    if (name.group("sharp") != null) {
      for (int i = 0; i < queries.length; i++) {
        queries[i] *= SHARP;
      }
    }
    float[] keys = golden.input(prefix + ".k", shape).toFloats();
    float[] values = golden.input(prefix + ".v", shape).toFloats();
    Heads heads = new Heads((int) shape[0], (int) shape[1], (int) shape[2], (int) shape[3]);
    float[] out = heads.attend(queries, keys, values, workers);
    return Computed.of(out, shape);
  }

  /** Golden files hold {@code [B, H, T, d]}, the engine a row {@code [q | k | v]} a token. */
  private record Heads(int batch, int heads, int tokens, int headDim) {
    float[] attend(float[] q, float[] k, float[] v, Workers workers) {
      int width = heads * headDim;
      float[] qkv = new float[Math.multiplyExact(3, q.length)];
      float[] rows = new float[q.length];
      float[] out = new float[q.length];
      forEach(
          (at, token, feature) -> {
            int row = 3 * token * width + feature;
            System.arraycopy(q, at, qkv, row, headDim);
            System.arraycopy(k, at, qkv, row + width, headDim);
            System.arraycopy(v, at, qkv, row + 2 * width, headDim);
          });
      int[] samples = IntStream.range(0, batch).toArray();
      new Attention(tokens, heads, headDim)
          .apply(workers, new Scratch(workers), qkv, new Rows(samples, batch, tokens), rows);
      forEach(
          (at, token, feature) ->
              System.arraycopy(rows, token * width + feature, out, at, headDim));
      return out;
    }

    private interface Piece {
      void accept(int at, int token, int feature);
    }

    /** Visits every head of every token: where it lies in the file, and its place in a row. */
    private void forEach(Piece piece) {
      int at = 0;
      for (int sample = 0; sample < batch; sample++) {
        for (int head = 0; head < heads; head++) {
          for (int token = 0; token < tokens; token++, at += headDim) {
            piece.accept(at, sample * tokens + token, head * headDim);
          }
        }
      }
    }
  }

  // ---- norms and element-wise functions

  private static Computed norm(GoldenFile golden, MatchResult name, Workers workers) {
    float[] x = row(golden, Integer.parseInt(name.group("row")));
    float[] y = new float[x.length];
    LayerNorm.apply(x, 1, x.length, Float.parseFloat(name.group("eps")), y);
    return Computed.of(y, 1, x.length);
  }

  private static float[] row(GoldenFile golden, int row) {
    Matrix x = matrix(golden, "x");
    if (row >= x.rows) {
      throw golden.fault(
          "expects the norm of row %d, but its tensor 'in.x' has %d rows".formatted(row, x.rows));
    }
    return Arrays.copyOfRange(x.values, row * x.columns, (row + 1) * x.columns);
  }

  private static Computed affineNorm(GoldenFile golden, MatchResult name, Workers workers) {
    int width = row(golden, 0).length;
    float[] weight = golden.input("weight", width).toFloats();
    float[] bias = golden.input("bias", width).toFloats();
    float[] rows = new float[AFFINE_ROWS.length * width];
    for (int i = 0; i < AFFINE_ROWS.length; i++) {
      System.arraycopy(row(golden, AFFINE_ROWS[i]), 0, rows, i * width, width);
    }
    LayerNorm.affine(rows, AFFINE_ROWS.length, weight, bias, 1e-5f, rows);
    return Computed.of(rows, AFFINE_ROWS.length, width);
  }

  private static Computed rmsNorm(GoldenFile golden, MatchResult name, Workers workers) {
    float[] x = row(golden, Integer.parseInt(name.group("row")));
    float[] weight = golden.input("weight", x.length).toFloats();
    RmsNorm.apply(x, 1, Float.parseFloat(name.group("eps")), weight, x);
    return Computed.of(x, 1, x.length);
  }

  private static Computed modulatedNorm(GoldenFile golden, MatchResult name, Workers workers) {
    Matrix x = matrix(golden, "mod.x");
    float[] shift = golden.input("mod.shift", x.columns).toFloats();
    float[] scale = golden.input("mod.scale", x.columns).toFloats();
    float[] y = new float[x.values.length];
    LayerNorm.modulate(
        workers, x.values, x.rows, x.columns, EPSILON, every(shift), every(scale), y);
    return Computed.of(y, x.rows, x.columns);
  }

  /** One vector for all rows. */
  private static PerGroup every(float[] vector) {
    return new PerGroup(vector, new int[1], 0, Integer.MAX_VALUE);
  }

  private static Computed softmax(GoldenFile golden, MatchResult name, Workers workers) {
    Matrix x = matrix(golden, "x");
    float[] y = new float[x.values.length];
    Softmax.rows(x.values, x.rows, x.columns, y);
    return Computed.of(y, x.rows, x.columns);
  }

  private static Computed activation(GoldenFile golden, MatchResult name, Workers workers) {
    float[] x = golden.input(name.group("ext") == null ? "x" : "x_ext", -1).toFloats();
    float[] y = new float[x.length];
    switch (name.group("function")) {
      case "gelu_tanh" -> Activations.gelu(x, y);
      case "gelu_erf" -> Activations.geluExact(x, y);
      case "silu" -> Activations.silu(x, y);
      default -> Activations.sigmoid(x, y);
    }
    return Computed.of(y, x.length);
  }

  private static Computed gaussian(GoldenFile golden, MatchResult name, Workers workers) {
    StoredTensor moments = golden.input("gaussian.moments", -1, -1, -1, -1);
    int[] shape = Arrays.stream(moments.shape()).mapToInt(Math::toIntExact).toArray();
    LatentDistribution gaussian = LatentDistribution.of(Tensor.of(moments.toFloats(), shape));
    Tensor found = name.group("which").equals("std") ? gaussian.std() : gaussian.logVariance();
    return Computed.of(found.data(), Arrays.stream(found.shape()).asLongStream().toArray());
  }

  /** The epilogue of a layer that hands each of its two inputs through. */
  private static Computed swiglu(GoldenFile golden, MatchResult name, Workers workers) {
    Matrix gate = matrix(golden, "swiglu.x1");
    int width = gate.columns;
    float[] value = golden.input("swiglu.x3", gate.rows, width).toFloats();
    float[] both = new float[2 * value.length];
    for (int row = 0; row < gate.rows; row++) {
      System.arraycopy(gate.values, row * width, both, 2 * row * width, width);
      System.arraycopy(value, row * width, both, (2 * row + 1) * width, width);
    }
    Linear pairs =
        Linear.packPairs(
            WeightType.FLOAT32,
            width,
            2 * width,
            identity(2 * width, 0),
            identity(2 * width, width));
    float[] y = new float[value.length];
    Epilogue.SwiGlu output = new Epilogue.SwiGlu(y);
    pairs.apply(workers, new Scratch(workers), both, Rows.all(gate.rows), output);
    return Computed.of(y, gate.rows, width);
  }

  /** Output i is input {@code first + i}. */
  private static Linear.RowReader identity(int in, int first) {
    return (row, into, at) -> {
      Arrays.fill(into, at, at + in, 0);
      into[at + first + row] = 1;
    };
  }

  private static Computed rotary(GoldenFile golden, MatchResult name, Workers workers) {
    StoredTensor input = golden.input("rope." + name.group("which"), -1, -1, -1, -1);
    long[] shape = input.shape();
    int tokens = (int) shape[1];
    int heads = (int) shape[2];
    int headDim = (int) shape[3];
    float[] x = input.toFloats();
    int[] samples = IntStream.range(0, (int) shape[0]).toArray();
    new Rotary(tokens, headDim, 10000)
        .apply(
            workers,
            x,
            heads * headDim,
            new Rows(samples, samples.length, tokens),
            new Rotary.Part(0, heads, null));
    return Computed.of(x, shape);
  }

  private static Computed patchEmbedding(GoldenFile golden, MatchResult name, Workers workers) {
    StoredTensor kernel = golden.input("patch.weight", -1, -1, -1, -1);
    int features = (int) kernel.shape()[0];
    int channels = (int) kernel.shape()[1];
    int patch = (int) kernel.shape()[3];
    golden.input("patch.weight", features, channels, patch, patch);
    StoredTensor images = golden.input("patch.x", -1, channels, -1, -1);
    int batch = (int) images.shape()[0];
    int size = (int) images.shape()[3];
    golden.input("patch.x", batch, channels, size, size);
    int grid = size / patch;
    if (grid * patch != size) {
      throw golden.fault(
          "its images of %d pixels cannot be cut into patches of %d".formatted(size, patch));
    }
    Matrix weight = new Matrix(features, channels * patch * patch, kernel.toFloats());
    Matrix patches =
        new Matrix(batch * grid * grid, weight.columns, new float[(int) images.size()]);
    Patches.gather(workers, images.toFloats(), batch, channels, size, patch, patches.values);
    float[] tokens = layer(patches, weight, null, workers);
    return Computed.of(tokens, batch, grid * grid, features);
  }
}
