package lazydit.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every unit of work once, whoever calls, whatever fails. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WorkersTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5})
  void everyUnitOnce(int threads) {
    try (Workers workers = new Workers(threads)) {
      for (int count : new int[] {0, 1, 2, 3, 4, 5, 7, 100, 1001}) {
        AtomicIntegerArray seen = new AtomicIntegerArray(count);
        workers.forEach(
            count,
            (worker, from, to) -> {
              assertTrue(0 <= worker && worker < threads && from < to);
              IntStream.range(from, to).forEach(seen::incrementAndGet);
            });
        for (int i = 0; i < count; i++) {
          assertEquals(1, seen.get(i), "unit %d of %d".formatted(i, count));
        }
      }
      workers.forEach(-1, (worker, from, to) -> assertTrue(false, "nothing to do"));
    }
  }

  /** Both bands wait for each other: on one thread they would wait for ever. */
  @Test
  void threadsReallyWorkTogether() {
    try (Workers workers = new Workers(2)) {
      AtomicInteger arrived = new AtomicInteger();
      workers.forEach(
          2,
          (worker, from, to) -> {
            arrived.incrementAndGet();
            while (arrived.get() < 2) {
              Thread.onSpinWait();
            }
          });
      assertEquals(2, arrived.get());
    }
  }

  /** Whoever begins the second band waits until somebody else has ended it. */
  @Test
  void whoIsDoneTakesWhatASlowOneHasNotBegun() {
    try (Workers workers = new Workers(2)) {
      AtomicInteger ended = new AtomicInteger();
      workers.forEach(
          80,
          (worker, from, to) -> {
            if (to == 80) {
              ended.incrementAndGet();
            }
            while (from == 40 && ended.get() == 0) {
              Thread.onSpinWait();
            }
          });
      assertEquals(1, ended.get());
    }
  }

  @Test
  void manySmallOperationsOneAfterTheOther() {
    int[] sums = new int[3];
    try (Workers workers = new Workers(3)) {
      for (int i = 0; i < 3000; i++) {
        workers.forEach(3, (worker, from, to) -> sums[from]++);
      }
    }
    assertArrayEquals(new int[] {3000, 3000, 3000}, sums);
  }

  @Test
  void sleepersWakeUp() throws InterruptedException {
    try (Workers workers = new Workers(3)) {
      AtomicInteger units = new AtomicInteger();
      for (int i = 0; i < 5; i++) {
        Thread.sleep(20);
        workers.forEach(6, (worker, from, to) -> units.addAndGet(to - from));
      }
      assertEquals(30, units.get());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void anExceptionReachesTheCallerAndThePoolSurvives(int failing) {
    try (Workers workers = new Workers(3)) {
      for (int i = 0; i < 100; i++) {
        IllegalStateException thrown = new IllegalStateException("band " + failing);
        AtomicInteger others = new AtomicInteger();
        assertSame(
            thrown,
            assertThrows(
                IllegalStateException.class,
                () ->
                    workers.forEach(
                        3,
                        (worker, from, to) -> {
                          if (from == failing) {
                            throw thrown;
                          }
                          others.incrementAndGet();
                        })));
        assertEquals(2, others.get(), "the other bands are done before the caller goes on");
        AtomicInteger units = new AtomicInteger();
        workers.forEach(10, (worker, from, to) -> units.addAndGet(to - from));
        assertEquals(10, units.get());
      }
    }
  }

  @Test
  void errorsReachTheCallerToo() {
    try (Workers workers = new Workers(2)) {
      assertThrows(
          OutOfMemoryError.class,
          () ->
              workers.forEach(
                  2,
                  (worker, from, to) -> {
                    if (from == 1) {
                      throw new OutOfMemoryError();
                    }
                  }));
    }
  }

  @Test
  void operationsInsideOperations() {
    try (Workers workers = new Workers(3)) {
      AtomicInteger units = new AtomicInteger();
      workers.forEach(
          6,
          (worker, from, to) -> {
            for (int i = from; i < to; i++) {
              workers.forEach(10, (w, f, t) -> units.addAndGet(t - f));
            }
          });
      assertEquals(60, units.get());
    }
  }

  @Test
  void manyCallersAtOnce() throws Exception {
    try (Workers workers = new Workers(3);
        ExecutorService callers = Executors.newFixedThreadPool(4)) {
      List<Future<Integer>> sums = new ArrayList<>();
      Callable<Integer> caller =
          () -> {
            int[] units = new int[97];
            for (int i = 0; i < 200; i++) {
              workers.forEach(
                  units.length,
                  (worker, from, to) -> {
                    for (int u = from; u < to; u++) {
                      units[u]++;
                    }
                  });
            }
            return IntStream.of(units).sum();
          };
      for (int i = 0; i < 4; i++) {
        sums.add(callers.submit(caller));
      }
      for (Future<Integer> sum : sums) {
        assertEquals(200 * 97, sum.get(20, TimeUnit.SECONDS));
      }
    }
  }

  @Test
  void afterClosingCallersWorkAlone() {
    Workers workers = new Workers(3);
    workers.close();
    workers.close();
    Thread caller = Thread.currentThread();
    AtomicInteger units = new AtomicInteger();
    workers.forEach(
        10,
        (worker, from, to) -> {
          assertSame(caller, Thread.currentThread());
          units.addAndGet(to - from);
        });
    assertEquals(10, units.get());
  }

  /** The operation that is under way is finished by all of its threads, whoever closes. */
  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void closingInsideAnOperation(int closer) {
    for (int i = 0; i < 200; i++) {
      Workers workers = new Workers(3);
      AtomicInteger units = new AtomicInteger();
      AtomicBoolean closed = new AtomicBoolean();
      workers.forEach(
          9,
          (worker, from, to) -> {
            if (worker == closer) {
              workers.close();
              closed.set(true);
            }
            // Or else others might have done the closer's share.
            while (!closed.get()) {
              Thread.onSpinWait();
            }
            units.addAndGet(to - from);
          });
      assertEquals(9, units.get());
    }
  }

  /** Callers that were about to share their work when the helpers left do it alone. */
  @Test
  void closingWhileOthersCall() throws Exception {
    for (int i = 0; i < 300; i++) {
      Workers workers = new Workers(2);
      AtomicBoolean over = new AtomicBoolean();
      Callable<Boolean> caller =
          () -> {
            while (!over.get()) {
              AtomicInteger units = new AtomicInteger();
              workers.forEach(2, (worker, from, to) -> units.addAndGet(to - from));
              if (units.get() != 2) {
                return false;
              }
            }
            return true;
          };
      try (ExecutorService callers = Executors.newFixedThreadPool(3)) {
        List<Future<Boolean>> results = new ArrayList<>();
        for (int c = 0; c < 3; c++) {
          results.add(callers.submit(caller));
        }
        workers.close();
        over.set(true);
        for (Future<Boolean> result : results) {
          assertTrue(result.get(20, TimeUnit.SECONDS));
        }
      } finally {
        over.set(true);
      }
    }
  }

  @Test
  void closingEndsTheThreads() throws InterruptedException {
    String name = "lazydit-worker-4";
    Workers workers = new Workers(5);
    assertTrue(alive(name));
    workers.close();
    for (int i = 0; i < 200 && alive(name); i++) {
      Thread.sleep(10);
    }
    assertTrue(!alive(name));
  }

  private static boolean alive(String name) {
    return Thread.getAllStackTraces().keySet().stream().anyMatch(t -> t.getName().equals(name));
  }

  @Test
  void noThreadsAreRefused() {
    assertThrows(LazyDitException.class, () -> new Workers(0));
    assertThrows(LazyDitException.class, () -> new Workers(-3));
    assertTrue(Workers.defaultThreads() >= 1);
  }
}
