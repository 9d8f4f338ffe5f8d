package lazydit.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/** One number for each bar that the project sets itself, taken from the rows. */
final class Summary {
  /**
   * A bar and where this run stands.
   *
   * @param name its name in JSON
   * @param bar what is asked
   * @param value what was measured, or null
   * @param reason why nothing was, or null
   */
  record Entry(String name, String bar, Double value, String reason) {}

  private record Bar(
      String name, String bar, String benchmark, Function<List<Row>, OptionalDouble> value) {}

  private static final String OPENBLAS = "openblas";
  private static final String PYTORCH = "pytorch";

  private static final List<Bar> BARS =
      List.of(
          new Bar("gemm_share_1t", ">= 0.92", "gemm", rows -> gemmShare(rows, 1)),
          new Bar("gemm_share_2t", ">= 0.90", "gemm", rows -> gemmShare(rows, 2)),
          new Bar("gemm_vs_openblas", ">= 1.05", "gemm", rows -> gemmRatio(rows, OPENBLAS)),
          new Bar("gemm_vs_pytorch", ">= 1.15", "gemm", rows -> gemmRatio(rows, PYTORCH)),
          new Bar("attention_vs_pytorch", ">= 1.3", "attention", rows -> worst(rows, PYTORCH)),
          new Bar("elementwise_share", ">= 0.85", "norm|gelu|residual", Summary::worstShare),
          new Bar("forward_share", ">= 0.87", "step", Summary::worstShare),
          new Bar("forward_vs_pytorch", ">= 1.3", "forward", Summary::worstOfPytorch),
          new Bar("vae_share", ">= 0.75", "vae", Summary::worstShare),
          new Bar("vae_vs_pytorch", ">= 1.2", "vae", rows -> worst(rows, PYTORCH)),
          new Bar("lazy50_speedup", ">= 1.92", "lazy50", Summary::value),
          new Bar("lazy90_speedup", ">= 7.5", "lazy90", Summary::value),
          new Bar("gates_cost", "< 0.01", "gates", Summary::value),
          new Bar("bf16_vs_f32", ">= 0.97", "bf16", Summary::value),
          new Bar("alloc_bytes_per_step", "< 1e6", "allocation", Summary::value),
          new Bar("memory_above_weights_mb", "< 350", "memory", Summary::value),
          new Bar("scaling_2t", ">= 1.9", "scaling", Summary::value),
          new Bar("start_to_png_s", "< 3", "start", Summary::value));

  private Summary() {}

  /**
   * Sums up.
   *
   * @param rows what was measured
   * @return an entry for every bar
   */
  static List<Entry> of(List<Row> rows) {
    List<Entry> entries = new ArrayList<>();
    for (Bar bar : BARS) {
      List<Row> own = rows.stream().filter(row -> row.benchmark().matches(bar.benchmark)).toList();
      OptionalDouble value = bar.value.apply(own);
      entries.add(
          value.isPresent()
              ? new Entry(bar.name, bar.bar, value.getAsDouble(), null)
              : new Entry(bar.name, bar.bar, null, reason(bar, own)));
    }
    return entries;
  }

  private static String reason(Bar bar, List<Row> rows) {
    if (rows.isEmpty()) {
      return "not part of this run";
    }
    if (bar.name.contains("_vs_")) {
      return bar.benchmark.equals("forward") ? "needs --peers or --torch-peer" : "needs --peers";
    }
    return "not measured with this number of threads";
  }

  /** Operations of the census over what the ceiling could have done in its time. */
  private static OptionalDouble gemmShare(List<Row> rows, int threads) {
    return weighted(
        rows, row -> row.threads() == threads, row -> row.work() / row.share(), Row::work);
  }

  /** The peer's time for the census over ours. */
  private static OptionalDouble gemmRatio(List<Row> rows, String peer) {
    return weighted(
        mostThreads(rows),
        row -> row.ratios().containsKey(peer),
        Row::seconds,
        row -> row.seconds() * row.ratios().get(peer));
  }

  private static OptionalDouble weighted(
      List<Row> rows, Predicate<Row> which, ToDoubleFunction<Row> below, ToDoubleFunction<Row> up) {
    List<Row> chosen = rows.stream().filter(which).toList();
    return chosen.isEmpty()
        ? OptionalDouble.empty()
        : OptionalDouble.of(
            chosen.stream().mapToDouble(up).sum() / chosen.stream().mapToDouble(below).sum());
  }

  /** The smallest ratio to a peer. */
  private static OptionalDouble worst(List<Row> rows, String peer) {
    return stream(mostThreads(rows), row -> row.ratios().get(peer)).min();
  }

  /** The smallest ratio to the faster of both PyTorches. */
  private static OptionalDouble worstOfPytorch(List<Row> rows) {
    return DoubleStream.concat(
            stream(mostThreads(rows), row -> row.ratios().get(PYTORCH)),
            stream(mostThreads(rows), row -> row.ratios().get(PytorchProgram.NAME)))
        .min();
  }

  private static OptionalDouble worstShare(List<Row> rows) {
    return stream(mostThreads(rows), Row::share).min();
  }

  private static OptionalDouble value(List<Row> rows) {
    return stream(mostThreads(rows), Row::value).findFirst();
  }

  private static DoubleStream stream(List<Row> rows, Function<Row, Double> value) {
    return rows.stream().map(value).filter(v -> v != null).mapToDouble(v -> v);
  }

  private static List<Row> mostThreads(List<Row> rows) {
    int most = rows.stream().mapToInt(Row::threads).max().orElse(0);
    return rows.stream().filter(row -> row.threads() == most).toList();
  }
}
