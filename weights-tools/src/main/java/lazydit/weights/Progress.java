package lazydit.weights;

/** Told how far long work on files has come. */
@FunctionalInterface
public interface Progress {
  /** Does nothing. */
  Progress NONE = (done, total) -> {};

  /**
   * Called now and then by the thread that works; what it throws stops the work.
   *
   * @param done bytes or elements done
   * @param total bytes or elements there are to do
   */
  void onProgress(long done, long total);
}
