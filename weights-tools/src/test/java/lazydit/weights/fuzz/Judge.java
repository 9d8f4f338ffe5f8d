package lazydit.weights.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import lazydit.engine.LazyDitException;

/**
 * Gives inputs to their readers and says what came of them. A load and a {@link LazyDitException}
 * are well; anything else that is thrown, more memory than an input's size explains, and more time
 * than it can need are failures.
 *
 * <p>For one thread, whose memory and time it measures.
 */
final class Judge {
  /** What reading anything may allocate: messages, reports, names of files. */
  private static final long FREE_BYTES = 2L << 20;

  /** And for each byte of the input: the dearest are opcodes that make an empty dict. */
  private static final long BYTES_PER_BYTE = 256;

  private static final long CHEAP_BYTES = 8 << 10;

  /** Of computing. The slowest of millions took less than a tenth of it. */
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private static final int LONGEST_MESSAGE = 2100;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final Workplace place;
  private final long patience;
  private double dearest;
  private long slowest;

  Judge(Workplace place) {
    this(place, PATIENCE);
  }

  /**
   * @param patience how long an input may compute
   */
  Judge(Workplace place, Duration patience) {
    this.place = place;
    this.patience = patience.toNanos();
  }

  /** The most that an input allocated of what it may, from 0 to 1. */
  double dearest() {
    return dearest;
  }

  /** The most time that an input took, in nanoseconds. */
  long slowest() {
    return slowest;
  }

  Verdict judge(Sample sample) {
    return judge(sample, sample.subject());
  }

  Verdict judge(Sample sample, Reader reader) {
    Verdict verdict = measured(sample, reader);
    // The first to take some way pays for loading its classes; only the second time counts.
    return verdict.kind() == Verdict.Kind.EXCESSIVE ? measured(sample, reader) : verdict;
  }

  private Verdict measured(Sample sample, Reader reader) {
    long bytesBefore = THREADS.getCurrentThreadAllocatedBytes();
    long nanosBefore = THREADS.getCurrentThreadCpuTime();
    Verdict verdict = read(sample, reader);
    long nanos = THREADS.getCurrentThreadCpuTime() - nanosBefore;
    long bytes = THREADS.getCurrentThreadAllocatedBytes() - bytesBefore;
    if (verdict.isFailure()) {
      return verdict;
    }
    double share = bytes / (double) (FREE_BYTES + BYTES_PER_BYTE * sample.size());
    if (share > 1) {
      return excessive("allocates %,d bytes".formatted(bytes), sample, verdict);
    }
    if (nanos > patience) {
      return excessive("computes for %,d ms".formatted(nanos / 1_000_000), sample, verdict);
    }
    dearest = Math.max(dearest, share);
    slowest = Math.max(slowest, nanos);
    return verdict.at(Long.SIZE - Long.numberOfLeadingZeros(bytes / (sample.size() + CHEAP_BYTES)));
  }

  private static Verdict excessive(String price, Sample sample, Verdict verdict) {
    return new Verdict(
        Verdict.Kind.EXCESSIVE,
        sample.subject() + " " + price.substring(0, price.indexOf(' ')),
        "%s for an input of %,d bytes, which ended: %s %s"
            .formatted(price, sample.size(), verdict.kind(), verdict.detail()),
        0);
  }

  private Verdict read(Sample sample, Reader reader) {
    try {
      return Verdict.loaded(reader.load(sample, place));
    } catch (LazyDitException e) {
      String message = e.getMessage();
      if (message.length() > LONGEST_MESSAGE) {
        return Verdict.failed("has a message of " + message.length() + " characters", e);
      }
      if (message.isBlank() || message.chars().anyMatch(Character::isISOControl)) {
        return Verdict.failed("has a message that is no line of text", e);
      }
      return Verdict.refused(e);
    } catch (Throwable e) {
      return Verdict.failed("throws what is no LazyDitException", e);
    }
  }
}
