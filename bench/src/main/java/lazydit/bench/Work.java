package lazydit.bench;

import java.util.SplittableRandom;
import lazydit.engine.Workers;

/**
 * Something to measure: its inputs, what it costs, and our way of doing it. Inputs are made anew,
 * and the same, by every call.
 */
public sealed interface Work
    permits GemmWork, AttentionWork, NormWork, GeluWork, ResidualWork, ForwardWork, VaeWork {
  /** {@return what is measured, such as gemm} */
  String benchmark();

  /** {@return the sizes, joined by x} */
  String shape();

  /** {@return the limit that binds it} */
  Limit limit();

  /** {@return floating-point operations or bytes of one run, whichever the limit counts} */
  double amount();

  /** {@return floating-point operations for each byte that must come from or go to memory} */
  double intensity();

  /**
   * Prepares to do it with lazydit.
   *
   * @param workers who works
   * @return our way of doing it
   */
  Side ours(Workers workers);

  /** {@return benchmark and shape, as {@link #named} reads it} */
  default String name() {
    return benchmark() + "/" + shape();
  }

  /**
   * A kernel by its name.
   *
   * @param name a benchmark, a slash and its sizes
   * @return the work
   * @throws IllegalArgumentException when there is none
   */
  static Work named(String name) {
    String[] parts = name.split("[/x]");
    int[] sizes = new int[parts.length - 1];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = Integer.parseInt(parts[i + 1]);
    }
    return switch (parts[0]) {
      case "gemm" -> new GemmWork(sizes[0], sizes[1], sizes[2]);
      case "attention" -> new AttentionWork(sizes[0], sizes[1], sizes[2], sizes[3]);
      case "norm" -> new NormWork(sizes[0], sizes[1], sizes[2]);
      case "gelu" -> new GeluWork(sizes[0], sizes[1]);
      case "residual" -> new ResidualWork(sizes[0], sizes[1], sizes[2]);
      default -> throw new IllegalArgumentException("there is no kernel " + name);
    };
  }

  /**
   * Inputs for a work.
   *
   * @param seed which ones
   * @param size how many
   * @return uniform values between -1/2 and 1/2
   */
  static float[] uniform(long seed, int size) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextDouble() - 0.5f;
    }
    return values;
  }
}
