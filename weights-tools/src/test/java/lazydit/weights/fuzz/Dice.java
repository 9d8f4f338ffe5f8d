package lazydit.weights.fuzz;

import java.util.Collection;
import java.util.List;
import java.util.SplittableRandom;

/** Chance, the same for the same seed. */
final class Dice {
  private final SplittableRandom random;

  Dice(long seed) {
    random = new SplittableRandom(seed);
  }

  /** A number from 0 to {@code bound - 1}. */
  int below(int bound) {
    return random.nextInt(bound);
  }

  boolean oneIn(int n) {
    return below(n) == 0;
  }

  <T> T pick(List<T> items) {
    return items.get(below(items.size()));
  }

  <T> T pick(Collection<T> items) {
    return items.stream().skip(below(items.size())).findFirst().orElseThrow();
  }

  /** A place in something of that length, 0 when it is empty: anywhere, or near either end. */
  int place(int length) {
    if (length < 2) {
      return 0;
    }
    int near = below(Math.min(length, 1 << 1 + below(10)));
    return switch (below(4)) {
      case 0 -> near;
      case 1 -> length - 1 - near;
      default -> below(length);
    };
  }

  /** A count from 1 on; small ones are far more likely. */
  int few(int most) {
    return 1 + below(Math.min(most, 1 << below(5)));
  }

  long any() {
    return random.nextLong();
  }

  byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }
}
