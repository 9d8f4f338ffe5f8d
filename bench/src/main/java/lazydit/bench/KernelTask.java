package lazydit.bench;

import java.util.List;
import java.util.Map;

/** A kernel: by JMH in JVMs of its own for its share of the limit, then against the peers. */
final class KernelTask implements Task {
  private static final double TOLERANCE = 1e-5;

  private final Bench bench;
  private final Work work;
  private final int threads;

  KernelTask(Bench bench, Work work, int threads) {
    this.bench = bench;
    this.work = work;
    this.threads = threads;
  }

  @Override
  public String name() {
    return work.name() + "/" + threads + "t";
  }

  @Override
  public double seconds() {
    Effort effort = bench.effort();
    double duel = bench.peers().isEmpty() ? 0 : effort.turnsSeconds(bench.peers().size() + 1, 0);
    double copies = work.limit() == Limit.BANDWIDTH ? 1.5 : 1;
    return copies * (effort.jmhSeconds() + duel);
  }

  @Override
  public List<Row> run() {
    List<JmhRun.Sample> samples = JmhRun.measure(work, threads, bench.effort());
    double seconds = JmhRun.seconds(samples);
    double share = JmhRun.share(work, samples);
    double ceiling = JmhRun.ceiling(samples);
    return List.of(Row.of(work, threads, seconds, share, ceiling, ratios()));
  }

  private Map<String, Double> ratios() {
    if (bench.peers().isEmpty()) {
      return Map.of();
    }
    Side ours = work.ours(bench.workers(threads));
    return bench.duel(ours, work, threads, null, TOLERANCE).ratios();
  }
}
