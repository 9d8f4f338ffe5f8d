package lazydit.bench;

import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import lazydit.engine.Workers;

/**
 * The machine's limits at this moment. They move with the clock and the neighbours, so they are
 * taken before and after whatever is held against them.
 */
final class Ceilings {
  private static final int FMA_SAMPLES = 5;
  private static final int COPY_SAMPLES = 3;

  private final FmaCeiling fma = new FmaCeiling();

  /** Half a gigabyte, so only where it is needed. */
  private CopyBandwidth copy;

  /** The rate of the limit, in its unit: a median of a few samples. */
  double measure(Limit limit, Workers workers) {
    return switch (limit) {
      case COMPUTE -> median(FMA_SAMPLES, () -> fma.measure(workers));
      case BANDWIDTH -> {
        if (copy == null) {
          copy = new CopyBandwidth();
        }
        yield median(COPY_SAMPLES, () -> copy.measure(workers));
      }
    };
  }

  /** The same after the JIT has done its work. */
  double warm(Limit limit, Workers workers) {
    for (int i = 0; i < 5; i++) {
      measure(limit, workers);
    }
    return measure(limit, workers);
  }

  /** Lets go of the arrays that copies need. */
  void release() {
    copy = null;
  }

  private static double median(int samples, DoubleSupplier sample) {
    return Median.of(DoubleStream.generate(sample).limit(samples).toArray());
  }
}
