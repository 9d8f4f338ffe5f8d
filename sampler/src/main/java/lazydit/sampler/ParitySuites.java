package lazydit.sampler;

import java.util.List;
import lazydit.weights.EmbeddingParity;
import lazydit.weights.ImageKernelParity;
import lazydit.weights.KernelParity;
import lazydit.weights.NetworkParity;
import lazydit.weights.ParitySuite;
import lazydit.weights.VaeParity;

/** All that this project can compute of golden files. */
public final class ParitySuites {
  private ParitySuites() {}

  /** {@return the suites of every kind of golden file, for {@link lazydit.weights.Parity#run}} */
  public static List<ParitySuite> all() {
    return List.of(
        new KernelParity(),
        new ImageKernelParity(),
        new EmbeddingParity(),
        new NetworkParity(),
        new VaeParity(),
        new GuidanceParity(),
        new ScheduleParity(),
        new StepParity(),
        new SamplingParity(),
        new DiffusionLossParity(),
        new LazyParity(),
        new LazyLearningParity(),
        new DpmSolverParity(),
        new DiffusersParity());
  }
}
