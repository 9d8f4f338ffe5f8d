package lazydit.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lazydit.engine.LazyDitException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/** Runs {@link KernelBenchmark} in forks and collects its iterations. */
final class JmhRun {
  /**
   * A measured iteration.
   *
   * @param seconds of one run of the work
   * @param ceiling the limit at that time, in its unit
   */
  record Sample(double seconds, double ceiling) {}

  private JmhRun() {}

  /**
   * Measures a kernel.
   *
   * @return the iterations of all forks
   * @throws LazyDitException when JMH fails
   */
  static List<Sample> measure(Work work, int threads, Effort effort) {
    try {
      Path samples = Files.createTempFile("lazydit-bench", ".samples");
      Path log = Files.createTempFile("lazydit-bench", ".log");
      try {
        run(work, threads, effort, samples, log);
        List<Sample> found = read(samples);
        if (found.isEmpty()) {
          throw new LazyDitException("JMH measured nothing of " + work.name() + ".");
        }
        return found;
      } catch (RunnerException e) {
        throw new LazyDitException(
            "JMH failed at %s: %s".formatted(work.name(), Files.readString(log).strip()), e);
      } finally {
        Files.delete(samples);
        Files.delete(log);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void run(Work work, int threads, Effort effort, Path samples, Path log)
      throws RunnerException {
    TimeValue time = TimeValue.milliseconds(effort.iterationMillis());
    new Runner(
            new OptionsBuilder()
                .include(KernelBenchmark.class.getName() + ".run")
                .param("work", work.name())
                .param("threads", Integer.toString(threads))
                .forks(effort.forks())
                .warmupIterations(effort.warmUps())
                .warmupTime(time)
                .measurementIterations(effort.iterations())
                .measurementTime(time)
                .jvmArgsAppend("-Xmx3g", "-D" + KernelBenchmark.SAMPLES + "=" + samples)
                .shouldFailOnError(true)
                .output(log.toString())
                .build())
        .run();
  }

  private static List<Sample> read(Path samples) throws IOException {
    List<Sample> found = new ArrayList<>();
    for (String line : Files.readAllLines(samples)) {
      String[] numbers = line.split(" ");
      found.add(new Sample(Double.parseDouble(numbers[0]), Double.parseDouble(numbers[1])));
    }
    return found;
  }
}
