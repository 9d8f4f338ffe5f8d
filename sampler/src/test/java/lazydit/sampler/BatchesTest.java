package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import lazydit.dit.DitConfig;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class BatchesTest {
  private static DitConfig network(int tokensAside, int hidden) {
    return new DitConfig(tokensAside, 1, 1, hidden, 2, 1, 4 * hidden, 10, false);
  }

  private static final DitConfig BUILTIN = network(7, 128);
  private static final DitConfig XL = network(16, 1152);

  @Property
  void everyPictureIsInOneBatchThatIsNotTooLarge(
      @ForAll @IntRange(min = 1, max = 10_000) int pictures,
      @ForAll @IntRange(min = 1, max = 1024) int most,
      @ForAll @IntRange(min = 1, max = 2) int rows,
      @ForAll @IntRange(min = 1, max = 64) int threads,
      @ForAll @IntRange(min = 1, max = 20) int tokensAside) {
    Batches batches = Batches.of(pictures, most, network(tokensAside, 64), rows, threads);
    assertEquals(0, batches.first(0));
    assertEquals(pictures, batches.first(batches.count()));
    for (int i = 0; i < batches.count(); i++) {
      int size = batches.first(i + 1) - batches.first(i);
      assertTrue(size >= 1 && size <= most && size <= batches.largest(), batches::toString);
    }
    assertTrue(batches.lanes() == 1 || batches.lanes() == Math.min(threads, pictures));
    assertTrue(batches.lanes() <= batches.count());
  }

  @Example
  void threadsDrawPicturesOfTheirOwnWhereTheyFitIntoTheCache() {
    assertEquals(new Batches(16, 4, 2), Batches.of(16, 16, BUILTIN, 2, 2));
    assertEquals(new Batches(16, 4, 1), Batches.of(16, 16, BUILTIN, 2, 1));
    assertEquals(new Batches(16, 2, 1), Batches.of(16, 8, XL, 2, 2));
  }

  @Example
  void threadsShareWhatTheyCouldNotShareOutEvenly() {
    assertEquals(1, Batches.of(1, 16, BUILTIN, 2, 2).lanes());
    assertEquals(1, Batches.of(5, 16, BUILTIN, 2, 2).lanes());
    assertEquals(2, Batches.of(15, 16, BUILTIN, 2, 2).lanes());
    assertEquals(1, Batches.of(16, 16, BUILTIN, 2, 64).lanes());
  }
}
