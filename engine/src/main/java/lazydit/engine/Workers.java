package lazydit.engine;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One persistent pool of threads that share the work of an operation in contiguous bands.
 *
 * <p>Who is done with its band goes on with what others have not begun of theirs: threads do not
 * run equally fast, and without that a network of a few microseconds an operation waits for 7 to 9
 * % of its time. Work is split over outputs only, so results are the same to the bit for any number
 * of threads. Threads spin for a moment between operations, since the next one follows within
 * microseconds, and then park.
 *
 * <p>Safe for concurrent callers: while one holds the pool, the others do their whole work on their
 * own thread.
 */
public final class Workers implements AutoCloseable {
  /** A piece of an operation. */
  @FunctionalInterface
  public interface Band {
    /**
     * Does the work of {@code [from, to)}. A worker may be asked several times in an operation.
     *
     * @param worker who does it, below {@link Workers#threads()}; scratch memory may be kept by
     *     this number
     * @param from first unit of work
     * @param to one past the last
     */
    void run(int worker, int from, int to);
  }

  /**
   * About 200 microseconds: longer than any pause inside a step, and than what a sampler does
   * between two steps of a small network, where waking a helper took 70 microseconds a step.
   */
  private static final int SPINS = 8000;

  private final int threads;
  private final Thread[] helpers;

  /** 1 for a helper that is parked or about to be: waking one costs a system call. */
  private final AtomicIntegerArray parked;

  /** How many units of each worker's band somebody has begun. */
  private final AtomicIntegerArray taken;

  private final ReentrantLock owner = new ReentrantLock();
  private final AtomicInteger pending = new AtomicInteger();

  // Published by the volatile write to epoch.
  private Band band;
  private int count;
  private volatile int epoch;
  private volatile boolean closed;
  private volatile Throwable failure;

  /**
   * A pool of daemon threads.
   *
   * @param threads how many threads work on an operation, the caller's included; at least 1
   * @throws LazyDitException when there would be no thread
   */
  public Workers(int threads) {
    if (threads < 1) {
      throw new LazyDitException("The number of threads must be at least 1, not " + threads + ".");
    }
    this.threads = threads;
    helpers = new Thread[threads - 1];
    parked = new AtomicIntegerArray(threads - 1);
    taken = new AtomicIntegerArray(threads);
    for (int i = 0; i < helpers.length; i++) {
      int worker = i + 1;
      helpers[i] =
          Thread.ofPlatform().daemon().name("lazydit-worker-" + worker).start(() -> help(worker));
    }
  }

  /** {@return how many threads suit this machine: one for each processor} */
  public static int defaultThreads() {
    return Runtime.getRuntime().availableProcessors();
  }

  /** {@return how many threads share an operation} */
  public int threads() {
    return threads;
  }

  /**
   * Runs an operation of {@code count} units and returns when all are done.
   *
   * @param count how many units of work there are
   * @param band does a contiguous range of them; called from several threads at once
   * @throws RuntimeException what a band threw, when one did
   */
  public void forEach(int count, Band band) {
    if (count <= 0) {
      return;
    }
    if (threads == 1 || count == 1 || owner.isHeldByCurrentThread() || !owner.tryLock()) {
      band.run(0, 0, count);
      return;
    }
    try {
      if (begin(count, band)) {
        share();
      } else {
        band.run(0, 0, count);
      }
    } finally {
      owner.unlock();
    }
  }

  /** Calls the helpers; {@return whether they still live} */
  private synchronized boolean begin(int count, Band band) {
    if (closed) {
      return false;
    }
    this.band = band;
    this.count = count;
    failure = null;
    for (int i = 0; i < threads; i++) {
      taken.set(i, 0);
    }
    pending.set(helpers.length);
    epoch++;
    return true;
  }

  private void share() {
    for (int i = 0; i < helpers.length; i++) {
      if (parked.get(i) != 0) {
        LockSupport.unpark(helpers[i]);
      }
    }
    try {
      runBands(0);
    } finally {
      for (int spins = 0; pending.get() > 0; spins++) {
        pause(spins);
      }
      this.band = null;
    }
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IllegalStateException(e);
    }
  }

  /**
   * Works through the worker's own band, then through what others have not begun: three quarters of
   * a band in one piece, since pieces pack and fill caches for themselves, the rest in eighths.
   */
  private void runBands(int worker) {
    for (int i = 0; i < threads; i++) {
      int whose = (worker + i) % threads;
      int from = first(whose);
      int size = first(whose + 1) - from;
      for (int at = taken.get(whose); at < size; at = taken.get(whose)) {
        int piece = at == 0 ? size - size / 4 : Math.max(1, size / 8);
        int end = Math.min(size, at + piece);
        if (taken.compareAndSet(whose, at, end)) {
          band.run(worker, from + at, from + end);
        }
      }
    }
  }

  private int first(int worker) {
    return (int) ((long) count * worker / threads);
  }

  private void help(int worker) {
    int seen = 0;
    while (true) {
      for (int spins = 0; epoch == seen && !closed; spins++) {
        if (spins < SPINS) {
          Thread.onSpinWait();
        } else {
          parkUnless(worker - 1, seen);
        }
      }
      // Closed from inside an operation: that one is still finished.
      if (epoch == seen) {
        return;
      }
      seen = epoch;
      try {
        runBands(worker);
      } catch (Throwable e) {
        failure = e;
      } finally {
        pending.decrementAndGet();
      }
    }
  }

  /** Parks, having said so first: whoever then changes the epoch sees it, and unparks. */
  private void parkUnless(int helper, int seen) {
    parked.set(helper, 1);
    if (epoch == seen && !closed) {
      LockSupport.park(this);
    }
    parked.set(helper, 0);
  }

  private static void pause(int spins) {
    if (spins < SPINS) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }

  /**
   * Ends the threads, those of an operation that is under way when it is done; does not wait for
   * it, and may be called by one of its bands. Operations started afterwards run on their caller's
   * thread alone.
   */
  @Override
  public void close() {
    // Either an operation begins before this, and its helpers see that before they see this; or it
    // sees this, and begins without them.
    synchronized (this) {
      closed = true;
    }
    for (Thread helper : helpers) {
      LockSupport.unpark(helper);
    }
  }
}
