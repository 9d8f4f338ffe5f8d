package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import lazydit.engine.LazyDitException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NoiseScheduleTest {
  private static final GoldenFile GOLDEN = GoldenFile.load("diffusion_schedules");

  /** Tables are exact up to the last bits of sums, square roots and logarithms. */
  private static void assertTable(
      String tensor, NoiseSchedule schedule, IntToDoubleFunction table) {
    double[] expected = GOLDEN.doubles(tensor);
    assertEquals(expected.length, schedule.steps(), tensor);
    for (int i = 0; i < expected.length; i++) {
      double tolerance = 4 * Math.ulp(expected[i]);
      assertEquals(expected[i], table.applyAsDouble(i), tolerance, tensor + " at " + i);
    }
  }

  @Test
  void linearTablesAreTheReferences() {
    NoiseSchedule s = NoiseSchedule.linear(1000);
    String prefix = "out.linear1000.";
    assertTable(prefix + "betas", s, s::beta);
    assertTable(prefix + "alphas_cumprod", s, s::alphaCumprod);
    assertTable(prefix + "alphas_cumprod_prev", s, s::alphaCumprodPrev);
    assertTable(prefix + "alphas_cumprod_next", s, s::alphaCumprodNext);
    assertTable(prefix + "posterior_variance", s, s::posteriorVariance);
    assertTable(prefix + "posterior_log_variance_clipped", s, s::posteriorLogVarianceClipped);
    assertTable(prefix + "posterior_mean_coef1", s, s::posteriorMeanCoef1);
    assertTable(prefix + "posterior_mean_coef2", s, s::posteriorMeanCoef2);
    assertTable(prefix + "sqrt_recip_alphas_cumprod", s, s::sqrtRecipAlphaCumprod);
    assertTable(prefix + "sqrt_recipm1_alphas_cumprod", s, s::sqrtRecipMinusOneAlphaCumprod);
  }

  @Test
  void cosineBetasAreTheReferences() {
    NoiseSchedule schedule = NoiseSchedule.squaredCosine(1000);
    double[] expected = GOLDEN.doubles("out.cosine1000.betas");
    for (int i = 0; i < expected.length; i++) {
      // 1 - ratio of neighbours: absolute error stays, relative error of small betas grows.
      assertEquals(expected[i], schedule.beta(i), 1e-15, "beta " + i);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"10", "20", "50", "250", "ddim25"})
  void respacedTablesAreTheReferences(String spacing) {
    NoiseSchedule s = NoiseSchedule.linear(1000).respace(spacing);
    String prefix = "out.respace_" + spacing + ".";
    assertArrayEquals(GOLDEN.ints(prefix + "timestep_map"), s.timestepMap());
    assertTable(prefix + "betas", s, s::beta);
    assertTable(prefix + "alphas_cumprod", s, s::alphaCumprod);
    assertTable(prefix + "posterior_log_variance_clipped", s, s::posteriorLogVarianceClipped);
  }

  @Property
  void evenSpacingKeepsBothEnds(@ForAll @IntRange(min = 2, max = 1000) int count) {
    NoiseSchedule long_ = NoiseSchedule.linear(1000);
    NoiseSchedule short_ = long_.respace(Integer.toString(count));
    assertEquals(count, short_.steps());
    assertEquals(0, short_.timestep(0));
    assertEquals(999, short_.timestep(count - 1));
    for (int i = 1; i < count; i++) {
      assertTrue(short_.timestep(i) > short_.timestep(i - 1), "step " + i);
      double kept = long_.alphaCumprod(short_.timestep(i));
      assertEquals(kept, short_.alphaCumprod(i), 1e-12 * kept);
    }
  }

  @Property
  void ddimSpacingHasTheSmallestWholeStride(@ForAll @IntRange(min = 1, max = 999) int stride) {
    int count = Math.ceilDiv(1000, stride);
    int[] map = NoiseSchedule.linear(1000).respace("ddim" + count).timestepMap();
    int smallest =
        IntStream.rangeClosed(1, 999)
            .filter(s -> Math.ceilDiv(1000, s) == count)
            .findFirst()
            .getAsInt();
    assertArrayEquals(IntStream.range(0, count).map(i -> i * smallest).toArray(), map);
  }

  @Property
  void sectionsShareTheProcess(
      @ForAll @IntRange(min = 1, max = 300) int a,
      @ForAll @IntRange(min = 0, max = 300) int b,
      @ForAll @IntRange(min = 2, max = 300) int c) {
    int[] map = NoiseSchedule.linear(1000).respace(a + ", " + b + "," + c).timestepMap();
    assertEquals(a + b + c, map.length);
    assertEquals(a, IntStream.of(map).filter(t -> t < 334).count());
    assertEquals(c, IntStream.of(map).filter(t -> t >= 667).count());
    assertEquals(999, map[map.length - 1]);
    for (int i = 1; i < map.length; i++) {
      assertTrue(map[i] > map[i - 1]);
    }
  }

  @Test
  void positionsRoundHalfToEven() {
    // Six steps in three: 0, 2.5, 5. Half up would keep step 3.
    assertArrayEquals(new int[] {0, 2, 5}, Respacing.select(6, "3"));
    assertArrayEquals(new int[] {0, 4, 7}, Respacing.select(8, "3"));
  }

  @Test
  void oneStepIsASchedule() {
    NoiseSchedule schedule = NoiseSchedule.linear(1000).respace("1");
    assertArrayEquals(new int[] {0}, schedule.timestepMap());
    assertEquals(Math.log(1e-4), schedule.posteriorLogVarianceClipped(0), 1e-9);
  }

  @Test
  void respacingARespacedScheduleKeepsTheOriginalNumbers() {
    NoiseSchedule schedule = NoiseSchedule.linear(1000).respace("ddim25").respace("3");
    assertArrayEquals(new int[] {0, 480, 960}, schedule.timestepMap());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x",
        "0",
        "-5",
        "1001",
        "10,",
        "10,,10",
        "ddim",
        "ddim0",
        "ddim600",
        "ddim1001",
        "leading",
        "leading0",
        "leading1001",
        "99999999999",
        "500,400,400",
        "2.5"
      })
  void badSpacingsAreRefused(String spacing) {
    NoiseSchedule schedule = NoiseSchedule.linear(1000);
    assertThrows(LazyDitException.class, () -> schedule.respace(spacing));
  }

  @Test
  void badBetasAreRefused() {
    assertThrows(LazyDitException.class, () -> NoiseSchedule.ofBetas(new double[0]));
    assertThrows(LazyDitException.class, () -> NoiseSchedule.ofBetas(new double[] {0.1, 0}));
    assertThrows(LazyDitException.class, () -> NoiseSchedule.ofBetas(new double[] {Double.NaN}));
    assertThrows(LazyDitException.class, () -> NoiseSchedule.linear(0));
    assertThrows(LazyDitException.class, () -> NoiseSchedule.linear(20));
    assertThrows(LazyDitException.class, () -> NoiseSchedule.squaredCosine(-1));
  }

  /** As diffusers' "leading" spacing: 0, 20, .. 980 for 50 steps, 0, 33, .. 957 for 30. */
  @ParameterizedTest
  @CsvSource({"1, 1000", "10, 100", "30, 33", "50, 20", "600, 1", "1000, 1"})
  void leadingStepsHaveTheLargestStride(int count, int stride) {
    int[] map = NoiseSchedule.linear(1000).respace("leading" + count).timestepMap();
    assertEquals(count, map.length);
    for (int i = 0; i < count; i++) {
      assertEquals(i * stride, map[i]);
    }
  }
}
