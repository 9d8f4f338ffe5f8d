package lazydit.sampler;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import lazydit.dit.CachePolicy;
import lazydit.dit.Dit;
import lazydit.dit.DitConfig;
import lazydit.dit.DitRun;
import lazydit.dit.LazyGates;
import lazydit.dit.LazyStatistics;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Workers;
import lazydit.weights.Checkpoint;

/** A trained DiT of Fashion-MNIST, and what its authors' code did with it. */
final class ReferenceModel {
  static final int STEPS = 20;

  private static final Path FOLDER = folder();

  final Dit dit;
  private final Map<String, float[]> tensors = new TreeMap<>();

  ReferenceModel() {
    try (Checkpoint weights = open("fmnist-dit.safetensors");
        Checkpoint recorded = open("trajectories.safetensors")) {
      dit = new Dit(config(weights), weights);
      recorded.tensors().forEach((name, tensor) -> tensors.put(name, tensor.toFloats()));
    }
  }

  /** Opens one of the reference's files. */
  static Checkpoint open(String name) {
    return Checkpoint.open(FOLDER.resolve(name), "");
  }

  static DitConfig config(Checkpoint weights) {
    return DitConfig.derive(weights, OptionalInt.of(4));
  }

  private static Path folder() {
    try {
      return Path.of(ReferenceModel.class.getResource("/reference").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  float[] recorded(String name) {
    return tensors.get(name);
  }

  int[] labels(String name) {
    float[] values = recorded(name);
    int[] labels = new int[values.length];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = (int) values[i];
    }
    return labels;
  }

  /** The gates of a recorded run, which has a tensor for each block and branch. */
  LazyGates gates(String run) {
    return new LazyGates(
        STEPS,
        dit.config().depth(),
        dit.config().hiddenSize(),
        vectors(run + ".gate_attn.block"),
        vectors(run + ".gate_mlp.block"),
        0.5f,
        0.5f);
  }

  private float[] vectors(String prefix) {
    int depth = dit.config().depth();
    int width = dit.config().hiddenSize();
    float[] gates = new float[STEPS * depth * width];
    for (int block = 0; block < depth; block++) {
      for (int step = 0; step < STEPS; step++) {
        int to = (step * depth + block) * width;
        System.arraycopy(recorded(prefix + block), step * width, gates, to, width);
      }
    }
    return gates;
  }

  /** Samples from the recorded noise, guided; returns what was reused. */
  LazyStatistics sample(
      CachePolicy policy, int steps, Workers workers, DiffusionLoop.StepListener listener) {
    NoiseSchedule schedule = NoiseSchedule.linear(1000).respace(Integer.toString(steps));
    TransformerConfig config = dit.config();
    float[] z = recorded("z");
    int samples = z.length / config.inputLength();
    int[] labels = Arrays.copyOf(labels("labels"), 2 * samples);
    Arrays.fill(labels, samples, 2 * samples, config.nullClass());
    float[] timesteps = new float[steps];
    for (int i = 0; i < steps; i++) {
      timesteps[i] = schedule.timestep(i);
    }
    DitRun run = dit.newRun(2 * samples, steps, policy, workers);
    run.condition(timesteps, labels);
    Guidance guidance = new Guidance(recorded("cfg_scale")[0], Guidance.Channels.ALL);
    float[] both = new float[2 * z.length];
    float[] outputs = new float[2 * samples * config.outputLength()];
    DiffusionLoop.Denoiser guided =
        (x, index, output) -> {
          System.arraycopy(x, 0, both, 0, z.length);
          System.arraycopy(x, 0, both, z.length, z.length);
          run.forward(both, index, outputs);
          int pixels = config.inputSize() * config.inputSize();
          guidance.apply(outputs, samples, config.inChannels(), config.outChannels(), pixels);
          System.arraycopy(outputs, 0, output, 0, output.length);
        };
    GaussianDiffusion diffusion =
        GaussianDiffusion.dit(schedule, config.learnSigma(), config.inputLength());
    new DiffusionLoop(new DdimSampler(diffusion, 0), samples)
        .run(
            guided,
            (draw, values) -> System.arraycopy(z, 0, values, 0, z.length),
            () -> false,
            listener);
    return run.statistics();
  }
}
