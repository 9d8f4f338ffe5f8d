package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import lazydit.dit.Branch;
import lazydit.dit.CachePolicy;
import lazydit.dit.DitRun;
import lazydit.dit.LazyGates;
import lazydit.dit.LazyStatistics;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Workers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A trained model from noise to pictures, step by step, against the authors' code. */
class ReferenceTest {
  /** Five times what float32 makes of it; guidance and 20 steps amplify each last bit. */
  private static final double CLOSE = 1e-4;

  /** Where the reference's own score is so near to the threshold, either decision is right. */
  private static final double UNDECIDED = 1e-4;

  private static final ReferenceModel MODEL = new ReferenceModel();
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  private static double difference(float[] expected, int at, float[] actual) {
    double most = 0;
    for (int i = 0; i < actual.length; i++) {
      double difference = Math.abs(actual[i] - (double) expected[at + i]);
      most = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(most, difference);
    }
    return most;
  }

  private static CachePolicy policy(String run) {
    return run.startsWith("ddim") ? CachePolicy.none() : MODEL.gates(run);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ddim20", "lazy20", "rnd20"})
  void everyStepIsTheReferences(String run) {
    float[] expected = MODEL.recorded(run + ".x_steps");
    double[] most = new double[ReferenceModel.STEPS];
    LazyStatistics statistics =
        MODEL.sample(
            policy(run),
            ReferenceModel.STEPS,
            WORKERS,
            (index, x) -> {
              int step = ReferenceModel.STEPS - index;
              most[step - 1] = difference(expected, step * x.length, x);
            });
    double largest = Arrays.stream(most).max().orElseThrow();
    assertTrue(largest <= CLOSE, () -> run + ": " + Arrays.toString(most));
    if (!run.startsWith("ddim")) {
      assertDecisions(run, statistics);
    } else {
      assertEquals(0, statistics.ratio());
    }
  }

  private static void assertDecisions(String run, LazyStatistics statistics) {
    long reused = 0;
    for (Branch branch : List.of(Branch.ATTN, Branch.MLP)) {
      String module = branch == Branch.ATTN ? "attn" : "mlp";
      float[] skips = MODEL.recorded(run + ".skip_" + module);
      float[] logits = MODEL.recorded(run + ".logit_" + module);
      int at = 0;
      for (int step = statistics.steps() - 1; step >= 0; step--) {
        boolean first = step == statistics.steps() - 1;
        for (int block = 0; block < statistics.depth(); block++) {
          assertEquals(!first, statistics.gated(step, block, branch));
          for (int sample = 0; sample < statistics.batch(); sample++, at++) {
            boolean reuse = statistics.reused(step, block, branch, sample);
            double score = 1 / (1 + Math.exp(-logits[at]));
            if (first || Math.abs(score - 0.5) > UNDECIDED) {
              String place = run + " step " + step + " block " + block + " " + branch;
              assertEquals(skips[at] == 1, reuse, place + " sample " + sample);
            }
            assertEquals(logits[at], statistics.logit(step, block, branch, sample), 1e-3);
            reused += reuse ? 1 : 0;
          }
        }
      }
      assertEquals(skips.length, at);
    }
    assertEquals(reused, statistics.reused(Branch.ATTN) + statistics.reused(Branch.MLP));
    assertTrue(reused > 1000, "the run must reuse, or it shows nothing");
  }

  @ParameterizedTest
  @CsvSource({"10", "50"})
  void otherStepCountsEndAsTheReferences(int steps) {
    float[] last = new float[MODEL.recorded("z").length];
    MODEL.sample(
        CachePolicy.none(),
        steps,
        WORKERS,
        (index, x) -> System.arraycopy(x, 0, last, 0, last.length));
    assertTrue(difference(MODEL.recorded("ddim" + steps + ".final"), 0, last) <= CLOSE);
  }

  @Test
  void oneForwardPassIsTheReferences() {
    TransformerConfig config = MODEL.dit.config();
    int[] labels = MODEL.labels("fwdt.y");
    float[] out = new float[labels.length * config.outputLength()];
    DitRun run = MODEL.dit.newRun(labels.length, 1, CachePolicy.none(), WORKERS);
    run.forward(MODEL.recorded("fwdt.x"), MODEL.recorded("fwdt.t"), labels, 0, out);
    assertTrue(difference(MODEL.recorded("fwdt.model_out"), 0, out) <= 1e-5);
  }

  /** Every state of a run, to be compared to the bit. */
  private static float[] states(CachePolicy policy, int threads) {
    float[] states = new float[MODEL.recorded("ddim20.x_steps").length];
    try (Workers workers = new Workers(threads)) {
      MODEL.sample(
          policy,
          ReferenceModel.STEPS,
          workers,
          (index, x) -> System.arraycopy(x, 0, states, index * x.length, x.length));
    }
    return states;
  }

  @ParameterizedTest
  @ValueSource(strings = {"ddim20", "rnd20"})
  void theNumberOfThreadsChangesNoBit(String run) {
    float[] alone = states(policy(run), 1);
    assertArrayEquals(alone, states(policy(run), 2));
    assertArrayEquals(alone, states(policy(run), 3));
  }

  @Test
  void gatesThatNeverReuseChangeNoBit() {
    TransformerConfig config = MODEL.dit.config();
    int size = ReferenceModel.STEPS * config.depth() * config.hiddenSize();
    LazyGates never =
        new LazyGates(
            ReferenceModel.STEPS,
            config.depth(),
            config.hiddenSize(),
            new float[size],
            new float[size],
            0.5f,
            0.5f);
    assertArrayEquals(states(CachePolicy.none(), 2), states(never, 2));
  }
}
