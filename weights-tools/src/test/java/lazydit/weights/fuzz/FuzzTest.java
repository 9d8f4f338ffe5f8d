package lazydit.weights.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import lazydit.engine.LazyDitException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Readers load or refuse whatever they are given; {@link FuzzRun} gives them more. */
class FuzzTest {
  private static final long SEED = 20;
  private static final long INPUTS = 10_000;
  private static final Duration ENOUGH = Duration.ofHours(1);

  @TempDir Path folder;

  private static List<Sample> seeds() {
    return Corpus.seeds();
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void seedsAreLoadedOrRefused(Sample seed) {
    Verdict verdict = new Judge(new Workplace(folder)).judge(seed);
    assertTrue(!verdict.isFailure(), verdict.detail());
  }

  private static List<Sample> ownSeeds() {
    return Corpus.own();
  }

  /** What once went wrong is refused; all other seeds are sound, or mutants would not get far. */
  @ParameterizedTest
  @MethodSource("ownSeeds")
  void ownSeedsAreWhatTheyAreSaidToBe(Sample seed) {
    Verdict verdict = new Judge(new Workplace(folder)).judge(seed);
    boolean hostile = seed.origin().matches("(bug|bomb)_.*");
    assertEquals(
        hostile ? Verdict.Kind.REFUSED : Verdict.Kind.LOADED, verdict.kind(), verdict.detail());
  }

  @Test
  void mutantsAreLoadedOrRefused() throws Exception {
    Fuzzer fuzzer = fuzzer();
    Tally tally = fuzzer.run(1, INPUTS, ENOUGH);
    assertEquals(List.of(), fuzzer.failures());
    assertEquals(INPUTS, tally.inputs());
    assertTrue(tally.inputs(Verdict.Kind.LOADED) > INPUTS / 20, tally::toString);
    assertTrue(tally.inputs(Verdict.Kind.REFUSED) > INPUTS / 2, tally::toString);
  }

  @Test
  void theSameSeedGivesTheSameMutants() throws Exception {
    assertEquals(fuzzer().run(1, 500, ENOUGH).ways(), fuzzer().run(1, 500, ENOUGH).ways());
  }

  private static Fuzzer fuzzer() {
    return new Fuzzer(Corpus.seeds(), SEED, false, Path.of("target", "fuzz"));
  }

  // ---- the judge itself

  private Verdict.Kind judged(Reader reader) {
    TreeMap<String, byte[]> files = new TreeMap<>();
    files.put("file", new byte[100]);
    Sample sample = new Sample(Subject.JSON, "made", files);
    return new Judge(new Workplace(folder), Duration.ofMillis(50)).judge(sample, reader).kind();
  }

  private static String refuse(String message) {
    throw new LazyDitException(message);
  }

  @Test
  void oneSentenceIsARefusal() {
    assertEquals(Verdict.Kind.REFUSED, judged((sample, place) -> refuse("file: no such thing")));
    assertEquals(Verdict.Kind.FAILED, judged((sample, place) -> refuse("two\nlines")));
    assertEquals(Verdict.Kind.FAILED, judged((sample, place) -> refuse("")));
    assertEquals(Verdict.Kind.FAILED, judged((sample, place) -> refuse("x".repeat(5000))));
  }

  @Test
  void otherExceptionsAndErrorsAreFailures() {
    assertEquals(Verdict.Kind.FAILED, judged((sample, place) -> "" + new int[2][1 - 2].length));
    assertEquals(Verdict.Kind.FAILED, judged(FuzzTest::recurse));
    assertEquals(
        Verdict.Kind.FAILED,
        judged(
            (sample, place) -> {
              throw new OutOfMemoryError();
            }));
  }

  private static String recurse(Sample sample, Workplace place) {
    return recurse(sample, place) + ".";
  }

  @Test
  void tooMuchMemoryOrTimeIsAFailure() {
    assertEquals(
        Verdict.Kind.EXCESSIVE, judged((sample, place) -> "" + new byte[3_000_000].length));
    assertEquals(Verdict.Kind.EXCESSIVE, judged((sample, place) -> "" + computeFor(60)));
    assertEquals(Verdict.Kind.LOADED, judged((sample, place) -> "" + new byte[1_000_000].length));
  }

  private static double computeFor(long millis) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long end = threads.getCurrentThreadCpuTime() + millis * 1_000_000;
    double sum = 0;
    while (threads.getCurrentThreadCpuTime() < end) {
      sum += Math.sin(sum);
    }
    return sum;
  }
}
