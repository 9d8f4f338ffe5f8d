package lazydit.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lazydit.engine.LazyDitException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/** Runs {@link KernelBenchmark} in forks and collects its runs. */
final class JmhRun {
  /**
   * A measured run.
   *
   * @param seconds it took
   * @param ceiling the limit behind it, in its unit
   */
  record Sample(double seconds, double ceiling) {
    String line() {
      return seconds + " " + ceiling;
    }

    static Sample read(String line) {
      String[] numbers = line.split(" ");
      return new Sample(Double.parseDouble(numbers[0]), Double.parseDouble(numbers[1]));
    }
  }

  private JmhRun() {}

  /**
   * Measures a kernel.
   *
   * @return the measured runs of all forks
   * @throws LazyDitException when JMH fails
   */
  static List<Sample> measure(Work work, int threads, Effort effort) {
    try {
      Path samples = Files.createTempFile("lazydit-bench", ".samples");
      Path log = Files.createTempFile("lazydit-bench", ".log");
      samples.toFile().deleteOnExit();
      log.toFile().deleteOnExit();
      try {
        run(work, threads, effort, samples, log);
        List<Sample> found = Files.readAllLines(samples).stream().map(Sample::read).toList();
        if (found.isEmpty()) {
          throw new LazyDitException("JMH measured nothing of " + work.name() + ".");
        }
        return found;
      } catch (RunnerException e) {
        throw new LazyDitException(
            "JMH failed at %s: %s".formatted(work.name(), Files.readString(log).strip()), e);
      } finally {
        Files.deleteIfExists(samples);
        Files.deleteIfExists(log);
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

  /** The median time of a run. */
  static double seconds(List<Sample> samples) {
    return Median.of(samples.stream().mapToDouble(Sample::seconds).toArray());
  }

  /** The median limit. */
  static double ceiling(List<Sample> samples) {
    return Median.of(samples.stream().mapToDouble(Sample::ceiling).toArray());
  }

  /** The median share of the limit behind a run that the run reached. */
  static double share(Work work, List<Sample> samples) {
    return Median.of(
        samples.stream()
            .mapToDouble(s -> work.amount() / s.seconds() * 1e-9 / s.ceiling())
            .toArray());
  }
}
