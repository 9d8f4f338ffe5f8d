package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.IntStream;
import lazydit.dit.Branch;
import lazydit.dit.DitConfig;
import lazydit.dit.TrainableDit;
import lazydit.dit.TrainableGates;
import lazydit.dit.TrainingRun;
import lazydit.engine.AdamW;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;
import lazydit.weights.Checkpoint;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Losses and gradients of a trained model, of its gates and its own, against the authors' code. */
class ReferenceLossTest {
  private static final int STEPS = 20;
  private static final int BATCH = 8;

  private static final Checkpoint WEIGHTS = ReferenceModel.open("fmnist-dit.safetensors");
  private static final Checkpoint RECORDED = ReferenceModel.open("losses.safetensors");
  private static final DitConfig CONFIG = ReferenceModel.config(WEIGHTS);
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
    RECORDED.close();
    WEIGHTS.close();
  }

  private static float[] recorded(String name) {
    return RECORDED.tensor(name).toFloats();
  }

  private static int[] integers(String name) {
    float[] values = recorded(name);
    return IntStream.range(0, values.length).map(i -> (int) values[i]).toArray();
  }

  /** Compares with a tolerance that is a share of the tensor's largest value. */
  private static void assertClose(String name, float[] actual, double share) {
    float[] expected = recorded(name);
    assertEquals(expected.length, actual.length, name);
    double largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], share * largest, name + " " + i);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "b", "c", "d"})
  void gatesLearnAsTheReferences(String name) {
    int index = integers(name + ".t")[0];
    int gate = integers(name + ".gate_index")[0];
    int[] labels = integers("labels");
    int[] drop = integers(name + ".drop");
    IntStream.range(0, BATCH)
        .filter(i -> drop[i] == 1)
        .forEach(i -> labels[i] = CONFIG.nullClass());
    float[] ratio = recorded(name + ".ratio");

    TrainableGates gates = new TrainableGates(STEPS, CONFIG.depth(), CONFIG.hiddenSize());
    Parameters parameters = gates.parameters();
    eachGate(
        (block, branch) ->
            System.arraycopy(
                recorded("%s.gate_%s.block%d".formatted(name, branch.label(), block)),
                0,
                parameters.values(),
                gates.offset(gate, block, branch),
                CONFIG.hiddenSize()));
    GaussianDiffusion diffusion =
        GaussianDiffusion.dit(
            NoiseSchedule.linear(1000).respace(Integer.toString(STEPS)),
            true,
            CONFIG.inputLength());
    TrainableDit frozen = TrainableDit.frozen(CONFIG, WEIGHTS);
    LazyLearning learning = new LazyLearning(frozen, gates, diffusion, BATCH, WORKERS);
    learning.forward(recorded("x_start"), recorded(name + ".noise"), labels, index);
    learning.backward(ratio[0], ratio[1]);

    assertClose(name + ".score_attn", learning.scores(Branch.ATTN), 1e-5);
    assertClose(name + ".score_mlp", learning.scores(Branch.MLP), 1e-5);
    assertClose(name + ".main_mse_loss", learning.difference(), 1e-4);
    assertClose(name + ".attn_lazy_loss", scalar(learning.computed(Branch.ATTN)), 1e-5);
    assertClose(name + ".mlp_lazy_loss", scalar(learning.computed(Branch.MLP)), 1e-5);
    assertClose(name + ".total_loss", scalar(learning.loss(ratio[0], ratio[1])), 1e-4);
    eachGate(
        (block, branch) ->
            assertClose(
                "%s.grad_%s.block%d".formatted(name, branch.label(), block),
                vector(parameters.gradients(), gates.offset(gate, block, branch)),
                1e-3));
    long touched = IntStream.range(0, parameters.list().size()).filter(parameters::touched).count();
    assertEquals(2L * CONFIG.depth(), touched, "gates of no other step learn");

    new AdamW(parameters, 0.9, 0.999, 1e-8, 0).step(WORKERS, 1e-3);
    for (int block = 0; block < CONFIG.depth(); block++) {
      assertClose(
          "%s.gate_attn_after_adamw.block%d".formatted(name, block),
          vector(parameters.values(), gates.offset(gate, block, Branch.ATTN)),
          1e-3);
    }
  }

  private interface Gate {
    void visit(int block, Branch branch);
  }

  private static void eachGate(Gate gate) {
    for (int block = 0; block < CONFIG.depth(); block++) {
      for (Branch branch : Branch.values()) {
        gate.visit(block, branch);
      }
    }
  }

  private static float[] vector(float[] values, int at) {
    return Arrays.copyOfRange(values, at, at + CONFIG.hiddenSize());
  }

  private static float[] scalar(double value) {
    return new float[] {(float) value};
  }

  @Test
  void theModelLearnsAsTheReferences() {
    TrainableDit model = TrainableDit.learning(CONFIG, WEIGHTS);
    GaussianDiffusion diffusion =
        GaussianDiffusion.dit(NoiseSchedule.linear(1000), true, CONFIG.inputLength());
    int[] indices = integers("base.t");
    float[] xStart = recorded("x_start");
    float[] noise = recorded("base.noise");
    float[] xt = new float[xStart.length];
    for (int i = 0; i < BATCH; i++) {
      diffusion.qSample(indices[i], i, xStart, noise, xt);
    }
    float[] output = new float[BATCH * CONFIG.outputLength()];
    float[] gradient = new float[output.length];
    TrainingRun run = model.newRun(BATCH, WORKERS);
    run.forward(xt, recorded("base.t"), integers("labels"), output);
    DiffusionLoss.Terms terms =
        new DiffusionLoss(diffusion, DiffusionLoss.Kind.MSE)
            .evaluate(WORKERS, xStart, noise, xt, indices, output, 1.0 / BATCH, gradient);
    run.backward(gradient);

    assertClose("base.loss", terms.loss(), 1e-4);
    assertClose("base.mse", terms.mse(), 1e-4);
    assertClose("base.vb", terms.vb(), 1e-3);
    Parameters parameters = model.parameters();
    String prefix = "base.grad.";
    long compared =
        RECORDED.names().stream()
            .filter(name -> name.startsWith(prefix))
            .peek(
                name -> {
                  Parameters.Parameter parameter = parameters.get(name.substring(prefix.length()));
                  int from = parameter.offset();
                  float[] values = parameters.gradients();
                  assertClose(
                      name, Arrays.copyOfRange(values, from, from + parameter.size()), 1e-3);
                })
            .count();
    assertTrue(compared >= 4, "parameters compared: " + compared);
  }
}
