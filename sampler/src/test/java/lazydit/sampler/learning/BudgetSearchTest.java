package lazydit.sampler.learning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import lazydit.dit.Branch;
import org.junit.jupiter.api.Test;

/** Decisions that are found where it is known what is best. */
class BudgetSearchTest {
  private static final int STEPS = 4;
  private static final int DEPTH = 2;
  private static final int OLDEST = 2;
  private final Decisions none = new Decisions(STEPS, DEPTH, 1);
  private final int free = none.places() - none.perStep();

  /** An effect of its own, in an observation of its own, that grows with the age. */
  private Effects independent(double[] costs) {
    Effects effects = new Effects(none.places(), OLDEST, none.places());
    for (int place = 0; place < costs.length; place++) {
      for (int age = 1; age <= OLDEST; age++) {
        effects.effect(place, age, place, age * Math.sqrt(costs[place]));
      }
    }
    return effects;
  }

  @Test
  void theCheapestReusesOfEachBranchAreFound() {
    // One decision in a step of each place's chain: ages stay 1.
    double[] costs = new double[none.places()];
    Arrays.fill(costs, 100);
    int attn = none.place(1, 0, Branch.ATTN, 0);
    int mlp = none.place(0, 1, Branch.MLP, 0);
    int otherMlp = none.place(2, 0, Branch.MLP, 0);
    costs[attn] = 3;
    costs[mlp] = 1;
    costs[otherMlp] = 2;
    BudgetSearch.Found found = new BudgetSearch(independent(costs)).run(none, 1, 2, 0);
    for (int place = 0; place < none.places(); place++) {
      boolean cheap = place == attn || place == mlp || place == otherMlp;
      assertEquals(cheap, found.decisions().reused(place), "place " + place);
    }
    assertEquals(6.0 / none.places(), found.error(), 1e-6);
  }

  @Test
  void budgetsAreMetAndNothingGetsTooOld() {
    double[] costs = new Random(1).doubles(none.places(), 0.1, 1).toArray();
    for (int count = 0; count <= 4; count++) {
      Decisions found =
          new BudgetSearch(independent(costs)).run(none, count, 4 - count, 8).decisions();
      assertEquals(count, found.count(Branch.ATTN));
      assertEquals(4 - count, found.count(Branch.MLP));
      assertTrue(Arrays.stream(found.ages()).allMatch(age -> age <= OLDEST));
      assertTrue(
          IntStream.range(free, none.places()).noneMatch(found::reused), "the first step computes");
      Decisions fewer = new BudgetSearch(independent(costs)).run(found, 0, 0, 8).decisions();
      assertEquals(none, fewer);
    }
  }

  @Test
  void aBudgetThatOnlyOldOutputsCouldMeetIsNotMet() {
    // Of 3 steps that may reuse, 2 can.
    double[] costs = new Random(2).doubles(none.places(), 0.1, 1).toArray();
    Decisions found = new BudgetSearch(independent(costs)).run(none, 6, 6, 8).decisions();
    assertEquals(2 * DEPTH, found.count(Branch.ATTN));
    assertEquals(2 * DEPTH, found.count(Branch.MLP));
    assertEquals(OLDEST, Arrays.stream(found.ages()).max().orElseThrow());
  }

  @Test
  void whatIsExpectedIsWhatTheEffectsSay() {
    double[] costs = new Random(3).doubles(none.places(), 0.1, 1).toArray();
    Effects effects = independent(costs);
    BudgetSearch.Found found = new BudgetSearch(effects).run(none, 4, 3, 8);
    assertEquals(Effects.meanSquare(effects.error(found.decisions())), found.error(), 1e-9);
  }

  @Test
  void errorsThatCancelAreExchangedIn() {
    // Each alone is worse than any other, together they are nothing.
    Effects effects = new Effects(none.places(), OLDEST, none.places());
    for (int place = 0; place < free; place++) {
      effects.effect(place, 1, place, 1 + 0.01 * place);
      effects.effect(place, 2, place, 100);
    }
    int one = none.place(0, 0, Branch.ATTN, 0);
    int other = none.place(2, 1, Branch.ATTN, 0);
    effects.effect(one, 1, one, 3);
    effects.effect(other, 1, other, 0);
    effects.effect(other, 1, one, -3);
    Decisions from = none.copy();
    from.flip(one);
    Decisions found = new BudgetSearch(effects).run(from, 2, 0, 4).decisions();
    assertTrue(found.reused(one) && found.reused(other));
  }

  @Test
  void noMoreIsExchangedThanAllowed() {
    double[] costs = new double[none.places()];
    Arrays.fill(costs, 1);
    Decisions from = none.copy();
    for (int place : new int[] {0, 2, 4}) {
      costs[place] = 50;
      from.flip(place);
    }
    BudgetSearch search = new BudgetSearch(independent(costs));
    assertEquals(0, search.run(from, 3, 0, 0).decisions().differences(from));
    assertEquals(2, search.run(from, 3, 0, 3).decisions().differences(from));
    Decisions found = search.run(from, 3, 0, 100).decisions();
    assertFalse(found.reused(0) || found.reused(2) || found.reused(4));
  }
}
