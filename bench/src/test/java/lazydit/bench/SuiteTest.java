package lazydit.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.Branch;
import lazydit.dit.DitConfig;
import lazydit.dit.WeightSource;
import lazydit.engine.Workers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the suite holds and how it counts; nothing here is timed. */
class SuiteTest {
  private static List<Task> tasks(Effort effort, int threads) {
    Bench bench = new Bench(effort, threads, List.of(), null, System.err);
    return Suite.all(bench, Path.of("."));
  }

  @Test
  void namesAreDifferentAndFound() {
    List<Task> tasks = tasks(Effort.FULL, 2);
    HashSet<String> names = new HashSet<>();
    tasks.forEach(task -> assertTrue(names.add(task.name()), task.name()));
    assertEquals(8, Suite.filtered(tasks, Pattern.compile("gemm/512")).size());
    assertEquals(tasks.size(), Suite.filtered(tasks, null).size());
    assertEquals(1, Suite.filtered(tasks, Pattern.compile("^lazy90$")).size());
  }

  @Test
  void withOneThreadNothingIsMeasuredTwice() {
    List<Task> tasks = tasks(Effort.FULL, 1);
    assertEquals(12, Suite.filtered(tasks, Pattern.compile("gemm")).size());
    assertTrue(tasks.stream().noneMatch(task -> task.name().equals("scaling")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gemm/3x5x7", "attention/2x3x5x4", "norm/2x3x8", "gelu/2x16"})
  void aWorkIsFoundByItsName(String name) {
    assertEquals(name, Work.named(name).name());
  }

  @Test
  void anUnknownWorkIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Work.named("conv/1x2"));
  }

  @Test
  void aForwardPassHas474GigaflopOnTwoRows() {
    assertEquals(474e9, ForwardWork.flops(ForwardWork.config(28)), 1e9);
  }

  @Test
  void aDecodeHas622Gigaflop() {
    // Convolutions, shortcuts, attention: added up by hand.
    assertEquals(622_187_282_432.0, VaeWork.DECODE.amount());
    assertEquals(
        2, Suite.filtered(tasks(Effort.FULL, 2), Pattern.compile("vae/decode 32x32")).size());
    assertEquals(1, Suite.filtered(tasks(Effort.QUICK, 2), Pattern.compile("vae")).size());
  }

  @Test
  void aSmallLatentIsDecoded() {
    AutoencoderKlConfig config = new AutoencoderKlConfig(3, 3, 4, List.of(8, 16), 1, 4, true, 1);
    VaeWork work = new VaeWork(config, 4);
    try (Workers workers = new Workers(1)) {
      Side ours = work.ours(workers);
      ours.run();
      float[] image = ours.result();
      assertEquals(3 * 8 * 8, image.length);
      assertTrue(Float.isFinite(image[0]) && image[0] != image[1]);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.5, 0.9})
  void reuseIsSpreadOverBranchesAndSamples(double ratio) {
    DitConfig config = ForwardWork.config(28);
    ReusePattern pattern = new ReusePattern(config, ratio);
    int all = 0;
    for (Branch branch : Branch.values()) {
      for (int sample = 0; sample < ForwardWork.BATCH; sample++) {
        int reused = 0;
        for (int block = 0; block < config.depth(); block++) {
          reused += pattern.reuse(0, block, branch, sample, 0.5f) ? 1 : 0;
        }
        assertEquals(ratio * config.depth(), reused, 1, branch + " of " + sample);
        all += reused;
      }
    }
    assertEquals(pattern.share(), all / 112.0, 1e-12);
    assertEquals(ratio, pattern.share(), 0.005);
  }

  @Test
  void randomWeightsAreTheSameInPieces() {
    WeightSource weights = RandomNetwork.of(ForwardWork.config(1));
    float[] whole = new float[100];
    float[] piece = new float[30];
    weights.read("blocks.0.mlp.fc1.weight", 0, whole, 0, 100);
    weights.read("blocks.0.mlp.fc1.weight", 50, piece, 10, 20);
    float[] expected = new float[30];
    System.arraycopy(whole, 50, expected, 10, 20);
    assertArrayEquals(expected, piece);
    assertTrue(whole[0] != whole[1]);
  }

  @Test
  void mediansAndSpreads() {
    assertEquals(2, Median.of(3, 1, 2));
    assertEquals(2.5, Median.of(4, 1, 2, 3));
    assertEquals(0.5, Median.spread(1, 2, 3, 1.5, 2.5));
  }

  @Test
  void sidesTakeTurns() {
    StringBuilder order = new StringBuilder();
    AtomicInteger ceilings = new AtomicInteger();
    Effort effort = new Effort(1, 1, 1, 1, 0, 0, 2, 2, 1);
    Turns turns =
        Turns.take(List.of(side(order, 'a'), side(order, 'b')), ceilings::incrementAndGet, effort);
    // Two warm-ups each, then two rounds.
    assertEquals("aabbabab", order.toString());
    // Behind each turn of the first.
    assertEquals(2, ceilings.get());
    assertEquals(1.5, turns.ceiling());
  }

  private static Side side(StringBuilder order, char name) {
    return new Side() {
      @Override
      public void run() {
        order.append(name);
      }

      @Override
      public float[] result() {
        return new float[0];
      }
    };
  }

  @Test
  void networksAreForeseenAtTheSpeedOfThisMachine() {
    PytorchProgram program = new PytorchProgram("true", Path.of("."));
    try (Bench bench = new Bench(Effort.QUICK, 1, List.of(), program, System.err)) {
      double ceiling = bench.ceilings().alone(Limit.COMPUTE, bench.workers(1)) * 1e9;
      double pass = ForwardWork.flops(ForwardWork.config(Effort.QUICK.blocks())) / ceiling;
      double alone = Effort.QUICK.turnsSeconds(1, pass);
      assertEquals(alone, foreseen(bench, "step"));
      assertEquals(alone + 3 * (30 + alone), foreseen(bench, "forward"));
    }
  }

  private static double foreseen(Bench bench, String name) {
    return Suite.filtered(Suite.all(bench, Path.of(".")), Pattern.compile("^" + name))
        .getFirst()
        .seconds();
  }

  @Test
  void timeLeftIsStretchedByTheTimeSpent() {
    assertEquals("1 min 30 s", Progress.time(90, 0, 0));
    assertEquals("20 s", Progress.time(10, 5, 10));
    // One task of many may have been an exception.
    assertEquals("1 min 30 s", Progress.time(90, 9, 90));
    assertEquals("3 min 0 s", Progress.time(90, 10, 20));
  }
}
