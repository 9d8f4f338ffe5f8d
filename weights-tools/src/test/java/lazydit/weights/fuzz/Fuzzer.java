package lazydit.weights.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Gives mutants of sound, damaged and hostile files to the readers, on several threads, until there
 * were enough of them or the time is over.
 *
 * <p>Each thread has its own pool and its own chances. An input that fails is written into a
 * folder, laid out as a seed is.
 */
final class Fuzzer {
  private static final long HANGS_AFTER_NANOS = 30_000_000_000L;
  private static final long LOOK_EVERY_MILLIS = 50;

  /** Little, so that recursion driven by an input shows. */
  private static final long STACK_BYTES = 256 << 10;

  /** What the pickles among the seeds would make, were they executed. */
  private static final Path MARKER =
      Path.of(System.getProperty("java.io.tmpdir"), "golden_pwned_shared");

  private static final List<Subject> SUBJECTS = Subject.byShare();

  private final List<Sample> seeds;
  private final long seed;
  private final boolean keepsDear;
  private final Path failureFolder;
  private final Map<String, String> failures = new LinkedHashMap<>();

  /**
   * @param seeds the inputs to begin with
   * @param seed of all chances
   * @param keepsDear whether to breed inputs that allocate much, see {@link Pool}; without, one
   *     thread does exactly the same for the same seed
   * @param failureFolder where inputs that fail are kept
   */
  Fuzzer(List<Sample> seeds, long seed, boolean keepsDear, Path failureFolder) {
    this.seeds = seeds;
    this.seed = seed;
    this.keepsDear = keepsDear;
    this.failureFolder = failureFolder;
  }

  /** What failed, each thing once: where the input is, and what it does. */
  List<String> failures() {
    synchronized (failures) {
      return List.copyOf(failures.values());
    }
  }

  /**
   * Runs to the end.
   *
   * @param threads how many
   * @param inputs how many at most, over all threads
   * @param time how long at most
   * @return what came of them
   */
  Tally run(int threads, long inputs, Duration time) throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("fuzz");
    long end = System.nanoTime() + time.toNanos();
    List<Worker> workers = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      Worker worker =
          new Worker(folder.resolve(Integer.toString(i)), seed + i, inputs / threads, end);
      workers.add(worker);
      worker.start();
    }
    Tally tally = new Tally();
    for (Worker worker : workers) {
      if (!joined(worker)) {
        return tally;
      }
      if (worker.death != null) {
        throw new IllegalStateException("the fuzzer itself failed", worker.death);
      }
      tally.add(worker.tally);
    }
    removeEmpty(folder);
    if (Files.exists(MARKER)) {
      throw new IllegalStateException("a pickle was executed, for there is a file " + MARKER);
    }
    return tally;
  }

  /** Waits for a worker; false when it hangs. */
  private boolean joined(Worker worker) throws InterruptedException {
    while (worker.isAlive()) {
      worker.join(LOOK_EVERY_MILLIS);
      if (System.nanoTime() - worker.since > HANGS_AFTER_NANOS && worker.isAlive()) {
        Throwable here = new Throwable();
        here.setStackTrace(worker.getStackTrace());
        failed(worker.current, Verdict.failed("does not end", here));
        return false;
      }
    }
    return true;
  }

  private void failed(Sample sample, Verdict verdict) {
    synchronized (failures) {
      failures.computeIfAbsent(verdict.trait(), trait -> saved(sample, verdict));
    }
  }

  private String saved(Sample sample, Verdict verdict) {
    String name = "%s-%d".formatted(verdict.kind(), failures.size()).toLowerCase(Locale.ROOT);
    String subject = sample.subject().name().toLowerCase(Locale.ROOT);
    Path place = failureFolder.resolve(subject).resolve(name);
    try {
      sample.write(place);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "%s, made of %s with seed %d, %s"
        .formatted(place, sample.origin(), seed, verdict.detail());
  }

  /** A file that is still there is none of ours: a reader made it. */
  private static void removeEmpty(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        if (!Files.isDirectory(path)) {
          throw new IllegalStateException("a reader has written " + path);
        }
        Files.delete(path);
      }
    }
  }

  /** One thread. */
  private final class Worker extends Thread {
    private final Dice dice;
    private final Workplace place;
    private final long inputs;
    private final long end;
    private final Pool pool = new Pool(seeds, keepsDear);
    private final Tally tally = new Tally();
    private final Judge judge;
    private volatile Sample current;
    private volatile long since = System.nanoTime();
    private volatile Throwable death;

    Worker(Path folder, long ownSeed, long inputs, long end) {
      super(null, null, "fuzz", STACK_BYTES);
      setDaemon(true);
      this.dice = new Dice(ownSeed);
      this.inputs = inputs;
      this.end = end;
      this.place = new Workplace(folder);
      this.judge = new Judge(place);
    }

    @Override
    public void run() {
      try {
        fuzz();
        place.clear();
      } catch (Throwable e) {
        death = e;
      }
    }

    private void fuzz() {
      Mutator mutator = new Mutator(pool, dice);
      for (long i = 0; i < inputs && System.nanoTime() < end; i++) {
        Sample sample = mutator.mutate(pool.pick(dice.pick(SUBJECTS), dice));
        current = sample;
        since = System.nanoTime();
        Verdict verdict = judge.judge(sample);
        tally.count(sample, verdict);
        if (verdict.isFailure()) {
          failed(sample, verdict);
        } else {
          pool.offer(sample, verdict);
        }
      }
      tally.note(pool.ways(), judge.dearest(), judge.slowest());
    }
  }
}
