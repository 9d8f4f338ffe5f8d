package lazydit.sampler;

import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How far a run has come, for the threads that take part in it. Only the thread that began it asks
 * the request and tells it, as {@link Pipeline#run} promises.
 */
final class Course {
  private final SampleRequest request;
  private final long total;
  private final Thread caller = Thread.currentThread();
  private final AtomicLong done = new AtomicLong();
  private long told;

  /** Whether a thread has failed or was cancelled, so that the others need not go on. */
  private volatile boolean over;

  /**
   * At the start.
   *
   * @param request who is asked and told, by this thread
   * @param total steps to take, counted once for each picture
   */
  Course(SampleRequest request, long total) {
    this.request = request;
    this.total = total;
  }

  /** Does a thread's part. If that fails the others stop, quietly: one reason is enough. */
  void follow(Runnable part) {
    try {
      part.run();
    } catch (CancellationException e) {
      if (!over) {
        over = true;
        throw e;
      }
    } catch (RuntimeException | Error e) {
      over = true;
      throw e;
    }
  }

  /** {@return whether to stop before the next step} */
  boolean cancelled() {
    return over || Thread.currentThread() == caller && request.cancelled().getAsBoolean();
  }

  /** Counts a step taken with so many pictures. */
  void advance(int pictures) {
    long now = done.addAndGet(pictures);
    if (Thread.currentThread() == caller) {
      tell(now);
    }
  }

  /** All is done: tells it, if the last step was another thread's. */
  void end() {
    if (told < total) {
      tell(total);
    }
  }

  private void tell(long now) {
    told = now;
    request.progress().onProgress(now, total);
  }
}
