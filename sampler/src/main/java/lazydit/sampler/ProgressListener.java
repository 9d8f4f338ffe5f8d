package lazydit.sampler;

/** Told how far a run has come. */
@FunctionalInterface
public interface ProgressListener {
  /** Does nothing. */
  ProgressListener NONE = (done, total) -> {};

  /**
   * Called after every step, by the thread that runs.
   *
   * @param done steps taken, counted once for each sample
   * @param total steps to take in the whole run, counted so
   */
  void onProgress(long done, long total);
}
