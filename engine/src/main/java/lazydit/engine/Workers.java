package lazydit.engine;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One persistent pool of threads that share the work of an operation in contiguous bands.
 *
 * <p>Work is split over outputs only, so results are the same to the bit for any number of threads.
 * Threads spin for a moment between operations, since the next one follows within microseconds, and
 * then park.
 *
 * <p>Safe for concurrent callers: while one holds the pool, the others do their whole work on their
 * own thread.
 */
public final class Workers implements AutoCloseable {
  /** A piece of an operation. */
  @FunctionalInterface
  public interface Band {
    /**
     * Does the work of {@code [from, to)}.
     *
     * @param worker which of the bands this is, below {@link Workers#threads()}; scratch memory may
     *     be kept by this number
     * @param from first unit of work
     * @param to one past the last
     */
    void run(int worker, int from, int to);
  }

  /** About 50 microseconds: longer than any pause inside a step, far shorter than one between. */
  private static final int SPINS = 2000;

  private final int threads;
  private final Thread[] helpers;

  /** 1 for a helper that is parked or about to be: waking one costs a system call. */
  private final AtomicIntegerArray parked;

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
    if (threads == 1 || count == 1 || closed || owner.isHeldByCurrentThread() || !owner.tryLock()) {
      band.run(0, 0, count);
      return;
    }
    try {
      share(count, band);
    } finally {
      owner.unlock();
    }
  }

  private void share(int count, Band band) {
    this.band = band;
    this.count = count;
    failure = null;
    pending.set(helpers.length);
    epoch++;
    for (int i = 0; i < helpers.length; i++) {
      if (parked.get(i) != 0) {
        LockSupport.unpark(helpers[i]);
      }
    }
    try {
      runBand(0);
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

  private void runBand(int worker) {
    int from = (int) ((long) count * worker / threads);
    int to = (int) ((long) count * (worker + 1) / threads);
    if (from < to) {
      band.run(worker, from, to);
    }
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
        runBand(worker);
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

  /** Ends the threads. Operations started afterwards run on their caller's thread alone. */
  @Override
  public void close() {
    owner.lock();
    try {
      closed = true;
      for (Thread helper : helpers) {
        LockSupport.unpark(helper);
      }
    } finally {
      owner.unlock();
    }
  }
}
