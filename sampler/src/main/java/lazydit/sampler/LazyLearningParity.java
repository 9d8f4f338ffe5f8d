package lazydit.sampler;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.Branch;
import lazydit.dit.TrainableDit;
import lazydit.dit.TrainableGates;
import lazydit.dit.TransformerConfig;
import lazydit.engine.AdamW;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;
import lazydit.weights.Computed;
import lazydit.weights.GoldenFile;
import lazydit.weights.NetworkParity;
import lazydit.weights.ParitySuite;

/**
 * The training of gates: golden files of kinds {@code lazy_dit} and {@code largedit_lazy}. {@code
 * out.tN.*} is the loss from step N with {@code in.loss.gates} {@code [S, L, 2, D]}, {@code
 * x_start}, {@code noise}, {@code y} and {@code drop}: its parts, what the passes gave, and the
 * gradients of the gates. {@code out.adam.*} is a training that begins with gates of zeros: batches
 * {@code in.adam.x_start} and {@code noise}, steps {@code adam.t} of the configuration.
 */
final class LazyLearningParity implements ParitySuite {
  private static final Set<String> KINDS = Set.of("lazy_dit", "largedit_lazy");
  private static final Pattern OUTPUT =
      Pattern.compile("out\\.t(?<index>\\d{1,4})\\.(?<what>\\w+)");

  @Override
  public boolean handles(GoldenFile golden) {
    return KINDS.contains(golden.kind()) && golden.hasInput("loss.x_start");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      Learning learning = new Learning(golden, workers);
      for (String name : golden.expectedNames()) {
        Matcher matcher = OUTPUT.matcher(name);
        if (matcher.matches()) {
          Computed output =
              learning.output(Integer.parseInt(matcher.group("index")), matcher.group("what"));
          if (output != null) {
            computed.put(name, output);
          }
        }
      }
      if (golden.expects("out.adam.loss")) {
        learning.train(computed);
      }
    }
    return computed;
  }

  /** The file's network and the passes through it. */
  private static final class Learning {
    private final GoldenFile golden;
    private final Workers workers;
    private final TransformerConfig config;
    private final TrainableDit model;
    private final GaussianDiffusion diffusion;
    private final int steps;
    private final int batch;
    private final double attn;
    private final double mlp;
    private final int[] labels;
    private final Map<Integer, Pass> passes = new HashMap<>();

    Learning(GoldenFile golden, Workers workers) {
      this.golden = golden;
      this.workers = workers;
      config = NetworkParity.config(golden, "model");
      model = TrainableDit.frozen(config, golden.weights());
      steps = golden.configInt("num_sampling_steps");
      diffusion =
          GaussianDiffusion.dit(
              GoldenSampling.training().respace(Integer.toString(steps)),
              config.learnSigma(),
              config.inputLength());
      attn = golden.configDouble("attn_lazy_loss_ratio");
      mlp = golden.configDouble("mlp_lazy_loss_ratio");
      batch = (int) golden.input("loss.y", -1).shape()[0];
      labels = golden.inputInts("loss.y", batch);
      int[] drop = golden.inputInts("loss.drop", batch);
      for (int i = 0; i < batch; i++) {
        labels[i] = drop[i] == 1 ? config.nullClass() : labels[i];
      }
    }

    private TrainableGates gates() {
      return new TrainableGates(steps, config.depth(), config.hiddenSize());
    }

    private float[] images(String name) {
      int size = config.inputSize();
      return golden.input(name, batch, config.inChannels(), size, size).toFloats();
    }

    /** A loss, and its gradients with and without what it says of the scores. */
    private record Pass(LazyLearning learning, float[] total, float[] main) {}

    private Pass pass(int index) {
      String own = golden.hasInput("loss.gates") ? "loss.gates" : "gates";
      float[] values = golden.input(own, steps, config.depth(), 2, config.hiddenSize()).toFloats();
      float[][] gradients = new float[2][];
      LazyLearning learning = null;
      for (int i = 0; i < 2; i++) {
        TrainableGates gates = gates();
        System.arraycopy(values, 0, gates.parameters().values(), 0, values.length);
        learning = new LazyLearning(model, gates, diffusion, batch, workers);
        learning.forward(images("loss.x_start"), images("loss.noise"), labels, index);
        learning.backward(i * attn, i * mlp);
        gradients[i] = gates.parameters().gradients();
      }
      return new Pass(learning, gradients[1], gradients[0]);
    }

    Computed output(int index, String what) {
      if (index < 1 || index >= steps) {
        throw golden.fault("it expects a loss from step %d of %d".formatted(index, steps));
      }
      Pass pass = passes.computeIfAbsent(index, this::pass);
      LazyLearning learning = pass.learning;
      return switch (what) {
        case "main_mse_loss" -> Computed.of(learning.difference(), batch);
        case "attn_lazy_loss" -> scalar(learning.computed(Branch.ATTN));
        case "mlp_lazy_loss" -> scalar(learning.computed(Branch.MLP));
        case "attn_lazy" -> scalar(1 - learning.computed(Branch.ATTN) / config.depth());
        case "mlp_lazy" -> scalar(1 - learning.computed(Branch.MLP) / config.depth());
        case "loss" -> scalar(learning.loss(attn, mlp));
        case "score_attn" -> Computed.of(learning.scores(Branch.ATTN), config.depth(), batch);
        case "score_mlp" -> Computed.of(learning.scores(Branch.MLP), config.depth(), batch);
        case "x_t" -> samples(learning.noisy(), config.inChannels());
        case "x_next" -> samples(learning.next(), config.inChannels());
        case "ori_output" -> samples(learning.fullOutput(), config.outChannels());
        case "pred_output" -> samples(learning.lazyOutput(), config.outChannels());
        case "grad_total" -> gates(pass.total);
        case "grad_main" -> gates(pass.main);
        case "t_model" -> timesteps(index);
        case "t_next_model" -> timesteps(index - 1);
        default -> null;
      };
    }

    private static Computed scalar(double value) {
      return Computed.of(new float[] {(float) value});
    }

    private Computed samples(float[] values, int channels) {
      return Computed.of(values, batch, channels, config.inputSize(), config.inputSize());
    }

    private Computed gates(float[] values) {
      return Computed.of(values.clone(), steps, config.depth(), 2, config.hiddenSize());
    }

    private Computed timesteps(int index) {
      long[] timesteps = new long[batch];
      Arrays.fill(timesteps, diffusion.schedule().timestep(index));
      return Computed.of(timesteps, batch);
    }

    void train(Map<String, Computed> computed) {
      int[] indices = indices();
      int size = config.inputSize();
      long[] shape = {indices.length, batch, config.inChannels(), size, size};
      float[] xStart = golden.input("adam.x_start", shape).toFloats();
      float[] noise = golden.input("adam.noise", shape).toFloats();
      TrainableGates gates = gates();
      Parameters parameters = gates.parameters();
      AdamW optimiser =
          new AdamW(
              parameters,
              beta(0),
              beta(1),
              golden.configDouble("adam", "eps"),
              golden.configDouble("adam", "weight_decay"));
      LazyLearning learning = new LazyLearning(model, gates, diffusion, batch, workers);
      float[] losses = new float[indices.length];
      for (int i = 0; i < indices.length; i++) {
        parameters.clearGradients();
        learning.forward(part(xStart, i, shape), part(noise, i, shape), labels, indices[i]);
        learning.backward(attn, mlp);
        losses[i] = (float) learning.loss(attn, mlp);
        optimiser.step(workers, golden.configDouble("adam", "lr"));
        if (i == 0) {
          computed.put("out.adam.gates_first", gates(parameters.values()));
        }
      }
      computed.put("out.adam.gates_last", gates(parameters.values()));
      computed.put("out.adam.loss", Computed.of(losses, losses.length));
    }

    private static float[] part(float[] values, int index, long[] shape) {
      int length = values.length / (int) shape[0];
      return Arrays.copyOfRange(values, index * length, (index + 1) * length);
    }

    private double beta(int which) {
      if (golden.config("adam", "betas") instanceof List<?> betas
          && betas.size() == 2
          && betas.get(which) instanceof Number beta) {
        return beta.doubleValue();
      }
      throw golden.fault("'adam.betas' of its sidecar must be two numbers");
    }

    private int[] indices() {
      if (golden.config("adam", "t") instanceof List<?> list
          && list.stream().allMatch(t -> t instanceof Long n && n > 0 && n < steps)) {
        return list.stream().mapToInt(t -> ((Long) t).intValue()).toArray();
      }
      throw golden.fault("'adam.t' of its sidecar must be steps from 1 to " + (steps - 1));
    }
  }
}
