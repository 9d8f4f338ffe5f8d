package lazydit.bench;

import java.util.Map;

/**
 * One measurement.
 *
 * @param benchmark what was measured
 * @param shape its sizes
 * @param threads threads that shared the work
 * @param value the measured value
 * @param unit its unit
 * @param limit the limit that binds it, or null
 * @param share the share of that limit, or null
 * @param work floating-point operations or bytes of one run, for weighted means; 0 without
 * @param intensity floating-point operations for each byte of memory; 0 when it is no kernel
 * @param ceiling the limit at the clock of the measurement, in its unit; 0 without
 * @param ratios how many times as fast as each peer, or as what the row is compared with
 */
record Row(
    String benchmark,
    String shape,
    int threads,
    double value,
    String unit,
    Limit limit,
    Double share,
    double work,
    double intensity,
    double ceiling,
    Map<String, Double> ratios) {

  /** A value that no limit binds. */
  static Row plain(String benchmark, String shape, int threads, double value, String unit) {
    return new Row(benchmark, shape, threads, value, unit, null, null, 0, 0, 0, Map.of());
  }

  /** A work that takes so many seconds, as a rate. */
  static Row of(
      Work work, int threads, double seconds, double share, double ceiling, Map<String, Double> r) {
    return new Row(
        work.benchmark(),
        work.shape(),
        threads,
        work.amount() / seconds * 1e-9,
        work.limit().unit(),
        work.limit(),
        share,
        work.amount(),
        work.intensity(),
        ceiling,
        r);
  }

  /** Seconds of one run, for a row that a limit binds. */
  double seconds() {
    return switch (unit) {
      case "s" -> value;
      case "ms" -> value * 1e-3;
      default -> work / value * 1e-9;
    };
  }

  /** GFLOP a second, for a row that a limit binds. */
  double gflops() {
    double operations = limit == Limit.COMPUTE ? work : work * intensity;
    return operations / seconds() * 1e-9;
  }
}
