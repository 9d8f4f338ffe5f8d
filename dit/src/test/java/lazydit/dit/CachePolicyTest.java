package lazydit.dit;

import static lazydit.dit.Samples.SMALL;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import lazydit.engine.Workers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Policies of other kinds fit in where gates do: fixed schedules, forecasters, none at all. */
class CachePolicyTest {
  private static final int STEPS = 7;
  private static final float[] TIMESTEPS = {0, 160, 320, 480, 640, 800, 999};
  private static final int[] LABELS = {1, 4};
  private static final RandomWeights WEIGHTS = new RandomWeights(SMALL, 31);
  private static final Dit DIT = new Dit(SMALL, WEIGHTS);
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  /** Computes every so many steps, each sample at another one, without a gate. */
  private record Schedule(int computeEvery, boolean forecast) implements CachePolicy {
    @Override
    public Gate gate(int step, int block, Branch branch) {
      return null;
    }

    @Override
    public boolean reuse(int step, int block, Branch branch, int sample, float score) {
      assertTrue(Float.isNaN(score), "there is no gate");
      return !computes(step, sample);
    }

    boolean computes(int step, int sample) {
      return (step + sample) % computeEvery == 0;
    }

    @Override
    public OutputCache newCache(TransformerConfig config, int batch) {
      return forecast ? new Forecast(config, batch) : new LastOutputCache(config, batch);
    }
  }

  /** Keeps everything and never uses it. */
  private static final CachePolicy NEVER =
      new CachePolicy() {
        @Override
        public Gate gate(int step, int block, Branch branch) {
          return null;
        }

        @Override
        public boolean reuse(int step, int block, Branch branch, int sample, float score) {
          return false;
        }

        @Override
        public OutputCache newCache(TransformerConfig config, int batch) {
          return new LastOutputCache(config, batch);
        }
      };

  /** A line through the last two computed outputs, at the step asked for. */
  private static final class Forecast implements OutputCache {
    private record Known(int step, float[] y) {}

    private final int batch;
    private final int length;
    private final Map<String, float[]> targets = new HashMap<>();
    private final Map<String, Deque<Known>> known = new HashMap<>();

    Forecast(TransformerConfig config, int batch) {
      this.batch = batch;
      length = config.tokens() * config.hiddenSize();
    }

    @Override
    public float[] target(int block, Branch branch) {
      return targets.computeIfAbsent(block + branch.label(), key -> new float[batch * length]);
    }

    @Override
    public void computed(int step, int block, Branch branch, int sample) {
      float[] y = Samples.part(target(block, branch), sample, batch);
      Deque<Known> history = history(block, branch, sample);
      history.addFirst(new Known(step, y));
      if (history.size() > 2) {
        history.removeLast();
      }
    }

    private Deque<Known> history(int block, Branch branch, int sample) {
      return known.computeIfAbsent(block + branch.label() + sample, key -> new ArrayDeque<>());
    }

    @Override
    public boolean has(int block, Branch branch, int sample) {
      return !history(block, branch, sample).isEmpty();
    }

    @Override
    public float[] substitute(int step, int block, Branch branch) {
      float[] all = new float[batch * length];
      for (int sample = 0; sample < batch; sample++) {
        Deque<Known> history = history(block, branch, sample);
        Known last = history.getFirst();
        Known before = history.getLast();
        float ahead = last == before ? 0 : (float) (last.step - step) / (before.step - last.step);
        for (int i = 0; i < length; i++) {
          all[sample * length + i] = last.y[i] + ahead * (last.y[i] - before.y[i]);
        }
      }
      return all;
    }

    @Override
    public void clear() {
      known.clear();
    }
  }

  /** The same in float64, for one sample. */
  private static final class Reference implements ReferenceDit.BranchRule {
    private record Known(int step, double[] y) {}

    private final Schedule schedule;
    private final Map<String, Deque<Known>> known = new HashMap<>();
    private final int sample;
    private int step;

    Reference(Schedule schedule, int sample) {
      this.schedule = schedule;
      this.sample = sample;
    }

    @Override
    public double[] output(int block, Branch branch, double[] z, UnaryOperator<double[]> f) {
      Deque<Known> history =
          known.computeIfAbsent(block + branch.label(), key -> new ArrayDeque<>());
      if (history.isEmpty() || schedule.computes(step, sample)) {
        history.addFirst(new Known(step, f.apply(z)));
        return history.getFirst().y;
      }
      Known last = history.removeFirst();
      Known before = history.peekFirst();
      history.addFirst(last);
      double[] y = last.y.clone();
      if (schedule.forecast && before != null) {
        double ahead = (double) (last.step - step) / (before.step - last.step);
        for (int i = 0; i < y.length; i++) {
          y[i] += ahead * (last.y[i] - before.y[i]);
        }
      }
      return y;
    }
  }

  private static float[] images(int step) {
    return Samples.images(SMALL, LABELS.length, 300 + step);
  }

  private static DitRun start(CachePolicy policy) {
    DitRun run = DIT.newRun(LABELS.length, STEPS, policy, WORKERS);
    run.condition(TIMESTEPS, LABELS);
    return run;
  }

  private static void check(Schedule schedule) {
    DitRun run = start(schedule);
    ReferenceDit dit = new ReferenceDit(SMALL, WEIGHTS);
    Reference[] rules = {new Reference(schedule, 0), new Reference(schedule, 1)};
    int computed = 0;
    for (int step = STEPS - 1; step >= 0; step--) {
      float[] out = new float[LABELS.length * SMALL.outputLength()];
      run.forward(images(step), step, out);
      for (int b = 0; b < LABELS.length; b++) {
        boolean computes = step == STEPS - 1 || schedule.computes(step, b);
        computed += computes ? 1 : 0;
        assertEquals(!computes, run.statistics().reused(step, 1, Branch.MLP, b));
        rules[b].step = step;
        float[] image = Samples.part(images(step), b, LABELS.length);
        double[] expected = dit.forward(image, TIMESTEPS[step], LABELS[b], rules[b]);
        float[] found = Samples.part(out, b, LABELS.length);
        Samples.assertClose(expected, found, 2e-5, schedule + ", step " + step);
      }
    }
    int all = STEPS * LABELS.length;
    assertEquals((all - computed) / (double) all, run.statistics().ratio(), 1e-12);
    assertTrue(Float.isNaN(run.statistics().score(0, 0, Branch.ATTN, 0)));
  }

  @Test
  void everySecondStep() {
    check(new Schedule(2, false));
  }

  @Test
  void everyThirdStepAndALineBetween() {
    check(new Schedule(3, true));
  }

  @Test
  void neverReusingIsNoCacheToTheBit() {
    DitRun none = start(CachePolicy.none());
    DitRun never = start(NEVER);
    for (int step = STEPS - 1; step >= 0; step--) {
      float[] expected = new float[LABELS.length * SMALL.outputLength()];
      float[] found = expected.clone();
      none.forward(images(step), step, expected);
      never.forward(images(step), step, found);
      Samples.assertBits(expected, found, "step " + step);
    }
    assertEquals(0, never.statistics().ratio());
  }

  /** What is reused is not computed: the branch's output in the cache keeps every bit. */
  @Test
  void aReuseLeavesTheCacheAlone() {
    LastOutputCache[] cache = new LastOutputCache[1];
    Set<Integer> asked = new HashSet<>();
    CachePolicy policy =
        new CachePolicy() {
          @Override
          public Gate gate(int step, int block, Branch branch) {
            return null;
          }

          @Override
          public boolean reuse(int step, int block, Branch branch, int sample, float score) {
            asked.add(step);
            return sample == 0;
          }

          @Override
          public OutputCache newCache(TransformerConfig config, int batch) {
            cache[0] = new LastOutputCache(config, batch);
            return cache[0];
          }
        };
    DitRun run = start(policy);
    float[] out = new float[LABELS.length * SMALL.outputLength()];
    run.forward(images(6), 6, out);
    assertTrue(asked.isEmpty(), "nothing to reuse at the first step");
    float[] before = cache[0].target(1, Branch.ATTN).clone();
    run.forward(images(5), 5, out);
    assertEquals(Set.of(5), asked);
    float[] after = cache[0].target(1, Branch.ATTN);
    Samples.assertBits(Samples.part(before, 0, 2), Samples.part(after, 0, 2), "reused");
    Samples.assertDiffers(Samples.part(before, 1, 2), Samples.part(after, 1, 2), "computed");
  }
}
