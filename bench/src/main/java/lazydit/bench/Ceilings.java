package lazydit.bench;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.DoubleStream;
import lazydit.engine.Workers;

/**
 * The machine's limits at this moment. They move with the clock and the neighbours, so each run of
 * a work is followed by a measurement of the limit that it is held against.
 */
final class Ceilings {
  private static final int SAMPLES = 3;

  private record Alone(Limit limit, Workers workers) {}

  private final FmaCeiling fma = new FmaCeiling();
  private final Map<Alone, Double> alone = new HashMap<>();

  /** Half a gigabyte, so only where it is needed. */
  private CopyBandwidth copy;

  /** The limit right behind a work, in its unit: one sample, of which medians are to be taken. */
  double behind(Limit limit, Workers workers) {
    return switch (limit) {
      case COMPUTE -> fma.measure(workers);
      case BANDWIDTH -> copy().measure(workers);
    };
  }

  /** Runs what measures the limit until it is compiled. */
  void warm(Limit limit, Workers workers) {
    switch (limit) {
      case COMPUTE -> fma.sustained(workers);
      case BANDWIDTH -> copy().measure(workers);
    }
  }

  /** The limit of a machine that does nothing else: a median, taken once. */
  double alone(Limit limit, Workers workers) {
    return alone.computeIfAbsent(new Alone(limit, workers), key -> median(limit, workers));
  }

  private double median(Limit limit, Workers workers) {
    warm(limit, workers);
    return Median.of(
        DoubleStream.generate(
                limit == Limit.COMPUTE
                    ? () -> fma.sustained(workers)
                    : () -> copy().measure(workers))
            .limit(SAMPLES)
            .toArray());
  }

  /** How fast copies are that no kernel can keep up with: they store past the caches. A median. */
  double pastCaches(Workers workers) {
    return Median.of(
        DoubleStream.generate(() -> copy().measurePastCaches(workers)).limit(SAMPLES).toArray());
  }

  private CopyBandwidth copy() {
    if (copy == null) {
      copy = new CopyBandwidth();
    }
    return copy;
  }

  /** Lets go of the arrays that copies need. */
  void release() {
    copy = null;
  }
}
