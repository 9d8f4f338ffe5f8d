package lazydit.weights.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The long run, in the Maven profile {@code fuzz} alone; docs/fuzzing.md tells the system
 * properties that are read here.
 */
class FuzzRun {
  @Test
  void readersLoadOrRefuseWhateverTheyAreGiven() throws Exception {
    long inputs = Long.getLong("fuzz.inputs", 2_000_000);
    int minutes = Integer.getInteger("fuzz.minutes", 60);
    int threads = Integer.getInteger("fuzz.threads", 2);
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    System.out.printf(
        "%d inputs, at most %d minutes, threads: %d, seed: %d%n", inputs, minutes, threads, seed);

    Fuzzer fuzzer = new Fuzzer(Corpus.seeds(), seed, true, Path.of("target", "fuzz"));
    Tally tally = fuzzer.run(threads, inputs, Duration.ofMinutes(minutes));

    System.out.print(tally);
    assertEquals(List.of(), fuzzer.failures());
  }
}
