package lazydit.bench;

/** One way of doing a {@link Work}: ours, or a peer's. */
public interface Side extends AutoCloseable {
  /** Does the work once. */
  void run();

  /**
   * What the work computes.
   *
   * @return the result of the last run, row-major
   */
  float[] result();

  /** Lets go of memory that is not the garbage collector's. */
  @Override
  default void close() {}
}
