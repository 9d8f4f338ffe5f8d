package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/**
 * Compiled operations allocate nothing: no vector leaves its register for the heap.
 *
 * <p>Those of a block, that is: with a fourth epilogue as hot as these C2 reaches its limit of
 * nodes in the middle of one of them. Silu serves a few rows of conditioning alone.
 */
@RunsHere
class AllocationTest {
  private static final int SAMPLES = 4;
  private static final int TOKENS = 49;
  private static final int WIDTH = 96;
  private static final long LIMIT = 4096;
  private static final long PATIENCE_NANOS = 20_000_000_000L;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private final Rows all = Rows.all(SAMPLES * TOKENS);
  private final float[] x = Matrices.normal(1, all.size() * 3 * WIDTH);
  private final float[] y = new float[x.length];
  private final float[] keep = new float[x.length];
  private final PerGroup vectors =
      new PerGroup(Matrices.normal(2, 3 * WIDTH), new int[1], 0, all.size());

  @Test
  void nothingIsAllocatedOnceCompiled() {
    try (Workers one = new Workers(1)) {
      Scratch scratch = new Scratch(one);
      Linear layer = Linear.pack(3 * WIDTH, WIDTH, (row, into, at) -> {}, null);
      Linear deep = Linear.pack(9, 1300, (row, into, at) -> {}, null);
      Attention attention = new Attention(TOKENS, 4, WIDTH / 4);
      Rows samples = new Rows(new int[] {0, 1, 2, 3}, SAMPLES, TOKENS);
      check("store", () -> layer.apply(one, scratch, x, all, new Epilogue.Store(y)));
      check("gelu", () -> layer.apply(one, scratch, x, all, new Epilogue.Gelu(y)));
      check(
          "gated",
          () -> layer.apply(one, scratch, x, all, new Epilogue.GatedAdd(y, vectors, keep)));
      check("cut", () -> deep.apply(one, scratch, x, Rows.all(40), new Epilogue.Store(y)));
      check("attention", () -> attention.apply(one, scratch, x, samples, y));
      LayerNorm.Probe probe = new LayerNorm.Probe(x, 0, new float[all.size()]);
      LayerNorm.Moments moments = LayerNorm.Moments.of(all.size());
      check(
          "moments",
          () ->
              LayerNorm.moments(
                  one, x, all.size(), WIDTH, 1e-6f, moments, vectors, vectors, probe));
      Prologue norm = new Prologue.ModulatedNorm(x, moments, vectors, vectors);
      check("normed", () -> layer.apply(one, scratch, norm, all, new Epilogue.Store(y)));
      check(
          "norm", () -> LayerNorm.modulate(one, x, all.size(), WIDTH, 1e-6f, vectors, vectors, y));
      check("residual", () -> Residual.gatedAdd(one, y, all, WIDTH, vectors, x));
      check("repeated", () -> Residual.addRepeated(one, y, all.size(), WIDTH, x));
    }
  }

  /** Until C2 has compiled all of it every vector is an object, so this waits for it. */
  private void check(String what, Runnable operation) {
    long self = Thread.currentThread().threadId();
    long start = System.nanoTime();
    long bytes;
    do {
      long before = threads.getThreadAllocatedBytes(self);
      operation.run();
      bytes = threads.getThreadAllocatedBytes(self) - before;
    } while (bytes > LIMIT && System.nanoTime() - start < PATIENCE_NANOS);
    assertTrue(bytes <= LIMIT, "%s allocates %d bytes".formatted(what, bytes));
  }
}
