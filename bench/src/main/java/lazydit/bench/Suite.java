package lazydit.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lazydit.engine.LazyDitException;

/** Everything that can be measured, in the order of the report. */
final class Suite {
  /** Linear layers of a DiT-XL/2 block, input x output features. */
  private static final int[][] LAYERS = {{1152, 3456}, {1152, 1152}, {1152, 4608}, {4608, 1152}};

  private static final int[] ROWS = {256, 512, 1024};
  private static final int[] QUICK_ROWS = {512};
  private static final int[] TOKENS = {256, 1024};

  // A quarter of a gigabyte for each array: far more than a cache.
  private static final Work NORM = new NormWork(227, 256, 1152);
  private static final Work GELU = new GeluWork(64, 1 << 20);
  private static final Work RESIDUAL = new ResidualWork(227, 256, 1152);

  private Suite() {}

  /**
   * All tasks.
   *
   * @param bench what they share
   * @param root the project's folder
   * @return the tasks
   */
  static List<Task> all(Bench bench, Path root) {
    boolean quick = bench.effort() == Effort.QUICK;
    List<Task> tasks = new ArrayList<>();
    for (Work work : kernels(quick)) {
      boolean once = quick && !work.benchmark().equals("gemm");
      for (int threads : threadCounts(once ? bench.threads() : 1, bench.threads())) {
        tasks.add(new KernelTask(bench, work, threads));
      }
    }
    tasks.addAll(new NetworkTasks(bench).all());
    tasks.add(new ResidentMemory(bench));
    tasks.add(new StartToPng(bench, root));
    return tasks;
  }

  private static List<Work> kernels(boolean quick) {
    List<Work> kernels = new ArrayList<>();
    for (int m : quick ? QUICK_ROWS : ROWS) {
      for (int[] layer : LAYERS) {
        kernels.add(new GemmWork(m, layer[0], layer[1]));
      }
    }
    for (int tokens : TOKENS) {
      kernels.add(new AttentionWork(ForwardWork.BATCH, 16, tokens, 72));
    }
    kernels.addAll(List.of(NORM, GELU, RESIDUAL));
    return kernels;
  }

  /** Both numbers, once each. */
  static int[] threadCounts(int fewest, int most) {
    return Arrays.stream(new int[] {fewest, most}).distinct().toArray();
  }

  /**
   * The tasks that a filter finds.
   *
   * @param tasks all
   * @param filter looked for in their names, or null for all
   * @return at least one
   * @throws LazyDitException when there is none
   */
  static List<Task> filtered(List<Task> tasks, Pattern filter) {
    if (filter == null) {
      return tasks;
    }
    List<Task> found = tasks.stream().filter(task -> filter.matcher(task.name()).find()).toList();
    if (found.isEmpty()) {
      String names =
          tasks.stream()
              .map(task -> task.name().replaceFirst("/.*", ""))
              .distinct()
              .collect(Collectors.joining(", "));
      throw new LazyDitException(
          "No benchmark matches \"%s\"; there are %s.".formatted(filter, names));
    }
    return found;
  }
}
