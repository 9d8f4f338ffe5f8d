package lazydit.engine.kernels;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import lazydit.engine.RunsHere;
import org.junit.jupiter.api.Test;

@RunsHere
class OperandsTest {
  @Test
  void aPartHasRoomForTwoPanelsAtWholeVectors() {
    GemmTile tile = Kernels.active().tile();
    long part = Operands.take();
    try {
      assertEquals((long) tile.maxDepth() * tile.columns() * Float.BYTES, Operands.PANEL);
      assertTrue(part + 2 * Operands.PANEL <= Operands.MEMORY.byteSize());
      assertEquals(0, (Operands.MEMORY.address() + part) % 64);
      assertEquals(0, Operands.PANEL % 64);
    } finally {
      Operands.putBack(part);
    }
  }

  /** More threads than parts: who finds none waits, and nobody meets another's values. */
  @Test
  void noTwoHaveTheSamePart() throws Exception {
    int threads = 40;
    List<Future<Integer>> strangers = new ArrayList<>();
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      for (long id = 1; id <= threads; id++) {
        long mine = id;
        strangers.add(pool.submit(() -> strangersMet(mine)));
      }
    }
    for (Future<Integer> met : strangers) {
      assertEquals(0, met.get());
    }
  }

  private static int strangersMet(long id) {
    int met = 0;
    for (int i = 0; i < 500; i++) {
      long part = Operands.take();
      long last = part + 2 * Operands.PANEL - Long.BYTES;
      Operands.MEMORY.set(JAVA_LONG, part, id);
      Operands.MEMORY.set(JAVA_LONG, last, id);
      Thread.yield();
      if (Operands.MEMORY.get(JAVA_LONG, part) != id
          || Operands.MEMORY.get(JAVA_LONG, last) != id) {
        met++;
      }
      Operands.putBack(part);
    }
    return met;
  }
}
