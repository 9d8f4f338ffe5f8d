package lazydit.engine.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Memory for operands of a product that are made on the way: weights of attention, weights of a
 * layer that are unpacked. Off the heap and at 64 bytes, as {@link GemmTile} reads its B.
 *
 * <p>One segment for the whole process, in a constant, because C2 then knows where it lies and how
 * long it is. After a store to any other segment it reads the segment's fields and checks its state
 * again before the next one, 25 instructions and the registers for them: the loop that weighs
 * scores has 58 instructions a row with this memory, and 137 without.
 *
 * <p>Divided into parts of two panels. Whoever needs one takes it for as long as it works on a band
 * and puts it back; there are more than processors, and who finds none waits for one.
 */
public final class Operands {
  /** All parts. What is in one belongs to whoever has taken it. */
  public static final MemorySegment MEMORY;

  /** Bytes of a panel: of the longest sum that a tile takes, in all of its columns. */
  public static final long PANEL;

  private static final int PANELS = 2;
  private static final AtomicIntegerArray TAKEN =
      new AtomicIntegerArray(2 * Math.max(2, Runtime.getRuntime().availableProcessors()));

  static {
    GemmTile tile = Kernels.active().tile();
    PANEL = (long) tile.maxDepth() * tile.columns() * Float.BYTES;
    MEMORY = Arena.global().allocate(TAKEN.length() * PANELS * PANEL, 64);
  }

  private Operands() {}

  /**
   * Takes a part, which has room for two panels.
   *
   * @return byte offset in {@link #MEMORY} of its first panel; to be given to {@link #putBack}
   */
  public static long take() {
    while (true) {
      for (int i = 0; i < TAKEN.length(); i++) {
        if (TAKEN.compareAndSet(i, 0, 1)) {
          return i * PANELS * PANEL;
        }
      }
      Thread.yield();
    }
  }

  /**
   * Puts a part back.
   *
   * @param part what {@link #take} returned
   */
  public static void putBack(long part) {
    TAKEN.set((int) (part / (PANELS * PANEL)), 0);
  }
}
