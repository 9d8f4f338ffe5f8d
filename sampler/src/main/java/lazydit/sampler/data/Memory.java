package lazydit.sampler.data;

import lazydit.weights.CheckpointException;

/** Whether a data set fits into the heap. */
final class Memory {
  private static final double SHARE = 0.75;

  private Memory() {}

  /**
   * Checks before memory is taken.
   *
   * @throws CheckpointException when so many bytes are more than three quarters of the heap
   */
  static void require(String source, double bytes) {
    double most = SHARE * Runtime.getRuntime().maxMemory();
    if (bytes > most) {
      throw new CheckpointException(
          source,
          "takes %.0f MB of memory; Java has %.0f to spare, and more with LAZYDIT_JAVA_OPTS=-Xmx%dg"
              .formatted(bytes / 1e6, most / 1e6, (long) Math.ceil(bytes / SHARE / 1e9) + 1));
    }
  }
}
