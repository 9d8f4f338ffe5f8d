package lazydit.sampler.learning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import lazydit.dit.Branch;
import lazydit.dit.CachePolicy;
import lazydit.dit.TrainableDit;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.sampler.Guidance;
import lazydit.sampler.TinyDit;
import lazydit.sampler.data.DataSet;
import lazydit.sampler.data.DataSets;
import lazydit.sampler.data.Idx;
import lazydit.sampler.data.Split;
import lazydit.weights.CheckpointException;
import lazydit.weights.DitFile;
import lazydit.weights.LazyGateFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gates learned for a tiny model with random weights. */
class LearningTest {
  private static final int STEPS = 6;
  private static final int BATCH = 3;
  private static final Guidance GUIDANCE = new Guidance(2, Guidance.Channels.ALL);
  private static final String MODEL = "fingerprint";

  @TempDir private Path folder;
  private final Workers workers = new Workers(2);
  private TrainableDit model;

  @BeforeEach
  void load() {
    load(0.1f);
  }

  /** The larger its weights, the more each branch depends on those before. */
  private void load(float most) {
    Path file = TinyDit.write(folder.resolve("tiny.safetensors"), TinyDit.shapes(1), most);
    try (DitFile dit = DitFile.open(file)) {
      model = TrainableDit.frozen(dit.config(OptionalInt.of(TinyDit.HEADS)), dit.weights());
    }
  }

  @AfterEach
  void close() {
    workers.close();
  }

  private Rollout rollout(Guidance guidance) {
    return new Rollout(model, STEPS, guidance, 1, BATCH, workers, () -> false);
  }

  private static RolloutLearning.Settings settings(double... ratios) {
    List<RolloutLearning.Target> targets = new ArrayList<>();
    for (double ratio : ratios) {
      targets.add(new RolloutLearning.Target(ratio, ratio / 2));
    }
    return new RolloutLearning.Settings(STEPS, targets, GUIDANCE, 12, 6, 2, 2, BATCH, 7);
  }

  private RolloutLearning learning(RolloutLearning.Settings settings) {
    return new RolloutLearning(model, settings, workers, () -> false);
  }

  // ---- effects

  /**
   * The difference between pictures that are really drawn with another decision, seen in the same
   * direction, is what the way back has foretold: from everything computed, and from a way that
   * already reuses, whose caches pass on what changes before.
   */
  @Test
  void effectsForetellWhatADecisionDoes() {
    load(0.2f);
    for (Guidance guidance : List.of(GUIDANCE, Guidance.OFF)) {
      Rollout rollout = rollout(guidance);
      Decisions none = rollout.nothingReused();
      Decisions some = none.copy();
      for (int place = 1; place < none.places() - none.perStep(); place += 3) {
        some.flip(place);
      }
      float[] truth = rollout.draw(0, BATCH, pictures -> CachePolicy.none()).pictures();
      for (Decisions from : List.of(none, some)) {
        Effects effects = rollout.effects(from, STEPS, truth, 1, 1);
        float[] base = rollout.draw(0, BATCH, from::policy).pictures();
        double products = 0;
        double foretold = 0;
        double found = 0;
        for (int place = 0; place < none.places() - none.perStep(); place++) {
          Decisions other = from.copy();
          other.flip(place);
          float[] pictures = rollout.draw(0, BATCH, other::policy).pictures();
          double[] expected = effects.error(other);
          double[] before = effects.error(from);
          double[] real = rollout.seen(pictures, base, 1);
          for (int i = 0; i < BATCH; i++) {
            double e = expected[i] - before[i];
            products += e * real[i];
            foretold += e * e;
            found += real[i] * real[i];
          }
        }
        assertTrue(found > 0);
        assertEquals(1, products / Math.sqrt(foretold * found), 1e-4, "they point the same way");
        assertEquals(1, Math.sqrt(foretold / found), 0.01, "and are as large");
      }
    }
  }

  @Test
  void theBaseIsTheErrorSeenInTheDirections() {
    Rollout rollout = rollout(GUIDANCE);
    Decisions some = rollout.nothingReused();
    some.flip(0);
    some.flip(some.perStep() + 5);
    float[] truth = rollout.draw(0, BATCH, pictures -> CachePolicy.none()).pictures();
    float[] pictures = rollout.draw(0, BATCH, some::policy).pictures();
    double[] error = rollout.effects(some, 2, truth, 1, 5).error(some);
    assertArrayEquals(rollout.seen(pictures, truth, 5), error, 1e-5);
  }

  // ---- rollout

  @Test
  void targetsAreMetByTheGatesThemselves() {
    RolloutLearning.Settings settings = settings(0.5, 0.25);
    RolloutLearning learning = learning(settings);
    int rounds = 0;
    while (!learning.done()) {
      RolloutLearning.Round round = learning.next();
      assertEquals(++rounds, round.round());
      assertTrue(round.error() >= 0);
    }
    assertEquals(learning.allRounds(), rounds);
    List<LazyGateFile> gates = learning.gates(MODEL);
    List<GateCheck.Result> results =
        new GateCheck(model, GUIDANCE, 12, BATCH, 7, workers, () -> false).run(gates, 0, 6);
    for (int i = 0; i < 2; i++) {
      assertEquals(learning.targets().get(i).attn(), results.get(i).ratio().attn(), 0.02);
      assertEquals(learning.targets().get(i).mlp(), results.get(i).ratio().mlp(), 0.02);
      assertEquals(MODEL, gates.get(i).fingerprint().orElseThrow());
    }
    assertEquals(0.25, learning.targets().getFirst().attn(), "least lazy first");
    assertTrue(results.get(0).error() < 4 * results.get(0).fullError());
  }

  @Test
  void aLearningThatWasSavedGoesOnToTheBit() {
    RolloutLearning.Settings settings = settings(0.4);
    RolloutLearning whole = learning(settings);
    Path file = folder.resolve("state");
    while (!whole.done()) {
      whole.next();
      if (whole.rounds() == 2) {
        whole.save(file, MODEL);
      }
    }
    RolloutLearning resumed = learning(settings);
    resumed.restore(file, MODEL);
    assertEquals(2, resumed.rounds());
    while (!resumed.done()) {
      resumed.next();
    }
    assertArrayEquals(whole.gates(MODEL).getFirst().attn(), resumed.gates(MODEL).getFirst().attn());
    assertArrayEquals(whole.gates(MODEL).getFirst().mlp(), resumed.gates(MODEL).getFirst().mlp());
    RolloutLearning other = learning(settings(0.3));
    assertTrue(
        assertThrows(CheckpointException.class, () -> other.restore(file, MODEL))
            .getMessage()
            .contains("was begun with other settings"));
    assertTrue(
        assertThrows(CheckpointException.class, () -> learning(settings).restore(file, "x"))
            .getMessage()
            .contains("of gates for another model"));
  }

  @Test
  void aCancelledLearningIsAsItWas() {
    boolean[] cancelled = new boolean[1];
    RolloutLearning learning =
        new RolloutLearning(model, settings(0.4), workers, () -> cancelled[0]);
    cancelled[0] = true;
    assertThrows(CancellationException.class, learning::next);
    assertEquals(0, learning.rounds());
    cancelled[0] = false;
    RolloutLearning other = learning(settings(0.4));
    assertEquals(other.next(), learning.next());
  }

  @Test
  void whatCannotBeLearnedIsRefused() {
    assertThrows(LazyDitException.class, () -> settings(0.9));
    assertThrows(LazyDitException.class, () -> settings());
    assertThrows(LazyDitException.class, () -> settings(Double.NaN));
  }

  // ---- official

  private DataSet data() throws IOException {
    return DataSets.open(Idx.write(folder.resolve("data"), "train", 40), Split.TRAIN);
  }

  @Test
  void onlyEvenGatesLearnTheAuthorsWay() throws IOException {
    OfficialLearning.Settings settings =
        new OfficialLearning.Settings(STEPS, 20, 4, 1e-3, 1e-2, 1e-2, 3);
    try (DataSet data = data()) {
      OfficialLearning learning = new OfficialLearning(model, settings, data, workers);
      Path file = folder.resolve("state");
      while (!learning.done()) {
        assertEquals(0, learning.next().step() % 2);
        if (learning.rounds() == 11) {
          learning.save(file, MODEL);
        }
      }
      LazyGateFile gates = learning.gates(MODEL).getFirst();
      int length = gates.depth() * gates.hiddenSize();
      for (int i = 0; i < gates.attn().length; i++) {
        boolean even = i / length % 2 == 0;
        assertEquals(even, gates.attn()[i] != 0, "attention gate " + i);
        assertEquals(even, gates.mlp()[i] != 0, "MLP gate " + i);
      }
      OfficialLearning resumed = new OfficialLearning(model, settings, data, workers);
      resumed.restore(file, MODEL);
      assertFalse(resumed.done());
      while (!resumed.done()) {
        resumed.next();
      }
      assertArrayEquals(gates.attn(), resumed.gates(MODEL).getFirst().attn());
      assertArrayEquals(gates.mlp(), resumed.gates(MODEL).getFirst().mlp());
      GateCheck check = new GateCheck(model, GUIDANCE, 12, 4, 7, workers, () -> false);
      double ratio = check.run(List.of(gates), 0, 4).getFirst().ratio().mean();
      assertTrue(ratio > 0.2 && ratio <= 0.5, "lazy ratio " + ratio);
    }
  }

  // ---- gate vectors

  @Test
  void vectorsSeparateTheHalvesOfGuidance() {
    Rollout rollout = rollout(GUIDANCE);
    Decisions decisions = rollout.nothingReused();
    decisions.flip(decisions.place(2, 0, Branch.ATTN, 1));
    decisions.flip(decisions.place(3, 1, Branch.MLP, 0));
    decisions.flip(decisions.place(4, 1, Branch.MLP, 0));
    decisions.flip(decisions.place(4, 1, Branch.MLP, 1));
    float[][][] inputs = rollout.inputs(decisions, 2 * BATCH);
    for (Branch branch : Branch.values()) {
      float[] gates = GateFit.fit(workers, rollout, decisions, inputs, branch);
      int hidden = inputs[0][0].length;
      for (int gate = 0; gate < STEPS * decisions.depth(); gate++) {
        float[][] z = inputs[2 * gate + branch.ordinal()];
        for (int row = 0; row < z.length; row++) {
          double logit = 0;
          for (int i = 0; i < hidden; i++) {
            logit += z[row][i] * gates[gate * hidden + i];
          }
          int half = rollout.half(row);
          int place = decisions.place(gate / 2, gate % 2, branch, half);
          assertEquals(decisions.reused(place), logit < 0, "gate %d, row %d".formatted(gate, row));
        }
      }
    }
  }
}
