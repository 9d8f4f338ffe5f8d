package lazydit.weights;

import java.util.Map;

/**
 * Computes what a kind of golden file expects: kernels, a network, a sampling loop. Suites live
 * with the code that they run; this module only compares.
 */
public interface ParitySuite {
  /**
   * {@return whether this suite computes something of it}
   *
   * @param golden an open golden file
   */
  boolean handles(GoldenFile golden);

  /**
   * Runs a golden file's inputs.
   *
   * @param golden an open golden file that this suite handles
   * @return computed tensors by the name of the expected ones; those left out are reported as not
   *     computed
   * @throws lazydit.engine.LazyDitException when the file's configuration, weights or inputs are
   *     not usable
   */
  Map<String, Computed> run(GoldenFile golden);
}
