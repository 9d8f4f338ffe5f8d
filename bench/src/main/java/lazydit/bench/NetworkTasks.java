package lazydit.bench;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import lazydit.dit.CachePolicy;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;

/** What is measured on whole networks, by sides that take turns in one JVM. */
final class NetworkTasks {
  /** Relative difference of results after so many blocks in another order of sums. */
  private static final double TOLERANCE = 1e-3;

  /** A cost of a hundredth needs more turns than a factor does. */
  private static final int ROUNDS_FOR_SMALL_DIFFERENCES = 3;

  /** What runs once a step, such as adding positions, is compiled after 4 of them. */
  private static final int STEPS_UNTIL_COMPILED = 10;

  private static final int TURNS_OF_A_PROGRAM = 3;
  private static final double SECONDS_OF_A_PROGRAM = 30;

  private final Bench bench;

  NetworkTasks(Bench bench) {
    this.bench = bench;
  }

  private record Named(String name, DoubleSupplier foreseen, Supplier<List<Row>> body)
      implements Task {
    @Override
    public double seconds() {
      return foreseen.getAsDouble();
    }

    @Override
    public List<Row> run() {
      return body.get();
    }
  }

  /** All of them. */
  List<Task> all() {
    int many = bench.threads();
    List<Task> tasks = new ArrayList<>();
    for (int threads : Suite.threadCounts(1, many)) {
      String forward = "forward/" + threads + "t";
      tasks.add(new Named(forward, () -> forwardSeconds(threads), () -> forward(threads)));
      tasks.add(task("step/" + threads + "t", threads, 1, () -> step(threads)));
    }
    if (many > 1) {
      tasks.add(task("scaling", many, 3, this::scaling));
    }
    tasks.add(task("lazy50", many, 2, () -> lazy("lazy50", 0.5)));
    tasks.add(task("lazy90", many, 2, () -> lazy("lazy90", 0.9)));
    tasks.add(task("gates", many, 2 * ROUNDS_FOR_SMALL_DIFFERENCES, this::gates));
    tasks.add(task("bf16", many, 2, () -> weights("bf16", WeightType.BFLOAT16)));
    tasks.add(task("int8", many, 2, () -> weights("int8", WeightType.INT8)));
    tasks.add(task("allocation", many, 2, this::allocation));
    for (int threads : Suite.threadCounts(bench.effort() == Effort.QUICK ? many : 1, many)) {
      tasks.add(vae(VaeWork.DECODE, threads));
    }
    return tasks;
  }

  private Task task(String name, int threads, int sides, Supplier<List<Row>> body) {
    return new Named(name, () -> seconds(threads, sides, pass()), body);
  }

  /** Operations of a forward pass. */
  private double pass() {
    return ForwardWork.flops(ForwardWork.config(bench.effort().blocks()));
  }

  /** How long taking turns takes, about, when all sides reach the ceiling. */
  private double seconds(int threads, int sides, double flops) {
    double ceiling = bench.ceilings().alone(Limit.COMPUTE, bench.workers(threads)) * 1e9;
    return bench.effort().turnsSeconds(sides, flops / ceiling);
  }

  private double forwardSeconds(int threads) {
    double turnOfAProgram = SECONDS_OF_A_PROGRAM + seconds(threads, 1, pass());
    return seconds(threads, 1 + bench.peers().size(), pass())
        + (bench.program() == null ? 0 : TURNS_OF_A_PROGRAM * turnOfAProgram);
  }

  private Task vae(VaeWork work, int threads) {
    String name = work.name() + "/" + threads + "t";
    int sides = 1 + bench.peers().size();
    return new Named(
        name, () -> seconds(threads, sides, work.amount()), () -> decode(work, threads));
  }

  private List<Row> decode(VaeWork work, int threads) {
    Side ours = work.ours(bench.workers(threads));
    Bench.Duel duel = bench.duel(ours, work, threads, bench.computeCeiling(threads), TOLERANCE);
    double millis = duel.turns().seconds(0) * 1e3;
    return List.of(row(work, work.benchmark(), threads, millis, "ms", duel.turns(), duel.ratios()));
  }

  private Workers workers() {
    return bench.workers(bench.threads());
  }

  private List<Row> forward(int threads) {
    ForwardWork work = bench.network();
    Side ours = work.ours(bench.workers(threads));
    Bench.Duel duel = bench.duel(ours, work, threads, bench.computeCeiling(threads), TOLERANCE);
    Map<String, Double> ratios = new LinkedHashMap<>(duel.ratios());
    if (bench.program() != null) {
      ratios.put(PytorchProgram.NAME, againstProgram(ours, threads));
    }
    return List.of(row(work, "forward", threads, duel.turns(), ratios));
  }

  /** Takes turns with a program that measures itself; it needs half a minute for each. */
  private double againstProgram(Side ours, int threads) {
    double[] ratios = new double[TURNS_OF_A_PROGRAM];
    for (int i = 0; i < ratios.length; i++) {
      double theirs = bench.program().seconds(threads);
      ratios[i] = theirs / Turns.take(List.of(ours), null, bench.effort()).seconds(0);
    }
    return Median.of(ratios);
  }

  private List<Row> step(int threads) {
    ForwardWork work = bench.network();
    Workers workers = bench.workers(threads);
    Turns turns =
        Turns.take(
            List.of(work.steps(CachePolicy.none(), workers)),
            bench.computeCeiling(threads),
            bench.effort());
    return List.of(row(work, "step", threads, turns, Map.of()));
  }

  private static Row row(
      Work work, String name, int threads, Turns turns, Map<String, Double> ratios) {
    return row(work, name, threads, turns.seconds(0), "s", turns, ratios);
  }

  private static Row row(
      Work work,
      String name,
      int threads,
      double value,
      String unit,
      Turns turns,
      Map<String, Double> ratios) {
    return new Row(
        name,
        work.shape(),
        threads,
        value,
        unit,
        Limit.COMPUTE,
        turns.share(work.amount()),
        work.amount(),
        work.intensity(),
        turns.ceiling(),
        ratios);
  }

  private List<Row> scaling() {
    ForwardWork work = bench.network();
    Turns turns =
        Turns.take(
            List.of(
                work.steps(CachePolicy.none(), workers()),
                work.steps(CachePolicy.none(), bench.workers(1))),
            null,
            bench.effort());
    return List.of(Row.plain("scaling", work.shape(), bench.threads(), turns.ratio(1), "x"));
  }

  private List<Row> lazy(String name, double ratio) {
    ForwardWork work = bench.network();
    ReusePattern pattern = new ReusePattern(work.config(), ratio);
    String shape =
        String.format(Locale.ROOT, "%s, %.1f %% reused", work.shape(), 100 * pattern.share());
    double faster = againstComputing(work.steps(pattern, workers()), 1);
    return List.of(Row.plain(name, shape, bench.threads(), faster, "x"));
  }

  /** Steps with weights kept in less memory, in turns with float32. */
  private List<Row> weights(String name, WeightType type) {
    // First this one, which has the ceilings let go of their arrays.
    ForwardWork work = bench.network();
    Side steps = bench.network(type).steps(CachePolicy.none(), workers());
    return List.of(Row.plain(name, work.shape(), bench.threads(), againstComputing(steps, 1), "x"));
  }

  private List<Row> gates() {
    ForwardWork work = bench.network();
    Side steps = work.steps(ReusePattern.neverReusing(work.config()), workers());
    double cost = 1 / againstComputing(steps, ROUNDS_FOR_SMALL_DIFFERENCES) - 1;
    return List.of(Row.plain("gates", work.shape(), bench.threads(), cost, "of a step"));
  }

  /** How many times as fast some steps are as those that compute everything in float32. */
  private double againstComputing(Side steps, int moreRounds) {
    Side computing = bench.network().steps(CachePolicy.none(), workers());
    // The first step fills the caches.
    steps.run();
    computing.run();
    return Turns.take(List.of(steps, computing), null, bench.effort().times(moreRounds)).ratio(1);
  }

  private List<Row> allocation() {
    ForwardWork work = bench.network();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Side steps = work.steps(new ReusePattern(work.config(), 0.5), workers());
    for (int i = 0; i < STEPS_UNTIL_COMPILED; i++) {
      steps.run();
    }
    double[] bytes = new double[bench.effort().rounds()];
    for (int i = 0; i < bytes.length; i++) {
      long before = threads.getTotalThreadAllocatedBytes();
      steps.run();
      bytes[i] = threads.getTotalThreadAllocatedBytes() - before;
    }
    return List.of(
        Row.plain("allocation", work.shape(), bench.threads(), Median.of(bytes), "B a step"));
  }
}
