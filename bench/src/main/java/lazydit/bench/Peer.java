package lazydit.bench;

/** A library to compare with. Found as a service, in the build with the peers only. */
public interface Peer extends AutoCloseable {
  /** {@return its name in reports} */
  String name();

  /** {@return its version and what it says about its configuration} */
  String version();

  /**
   * Sets how many threads it uses from now on.
   *
   * @param threads at least 1
   */
  void setThreads(int threads);

  /**
   * Prepares to do a work on the same inputs as ours.
   *
   * @param work what to do
   * @return its way of doing it, or null when it has none
   */
  Side open(Work work);

  @Override
  default void close() {}
}
