package lazydit.sampler;

import java.util.Arrays;
import java.util.stream.IntStream;
import lazydit.engine.LazyDitException;

/**
 * Chooses which steps of a long diffusion process a short one visits.
 *
 * <ul>
 *   <li>{@code "N"}: N steps evenly spread from the first to the last;
 *   <li>{@code "a,b,c"}: the process is cut into as many equal sections as there are numbers, and
 *       each section gets that many evenly spread steps;
 *   <li>{@code "ddimN"}: the smallest whole stride that gives exactly N steps, from step 0 on;
 *   <li>{@code "leadingN"}: N steps in the largest whole stride that fits, from step 0 on, as
 *       diffusers chooses them.
 * </ul>
 *
 * <p>Positions are accumulated in double and rounded half to even, as the reference does in Python:
 * a step that is off by one would pick another gate and feed the network another time.
 */
final class Respacing {
  private static final String DDIM = "ddim";
  private static final String LEADING = "leading";

  private Respacing() {}

  /**
   * {@return the kept steps, ascending}
   *
   * @param steps the length of the long process
   * @param spacing which steps to keep, as described above
   * @throws LazyDitException when the spacing is malformed or cannot be met
   */
  static int[] select(int steps, String spacing) {
    String text = spacing.strip();
    if (text.startsWith(DDIM)) {
      return strided(steps, parse(text.substring(DDIM.length()), spacing));
    }
    if (text.startsWith(LEADING)) {
      return leading(steps, parse(text.substring(LEADING.length()), spacing));
    }
    int[] counts =
        Arrays.stream(text.split(",", -1)).mapToInt(part -> parse(part, spacing)).toArray();
    int[] kept = sections(steps, counts);
    if (kept.length == 0) {
      throw new LazyDitException("Spacing \"" + spacing + "\" keeps no step; it must keep one.");
    }
    return kept;
  }

  private static int parse(String number, String spacing) {
    try {
      int value = Integer.parseInt(number.strip());
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Reported below, like a negative number.
    }
    throw new LazyDitException(
        "Spacing \"%s\" must be like \"20\", \"10,15\" or \"ddim25\", but has \"%s\" as a number."
            .formatted(spacing, number));
  }

  private static int[] strided(int steps, int count) {
    for (int stride = 1; stride < steps; stride++) {
      if (Math.ceilDiv(steps, stride) == count) {
        int step = stride;
        return IntStream.range(0, count).map(i -> i * step).toArray();
      }
    }
    throw new LazyDitException(
        "No whole stride through %d steps gives exactly the %d of spacing \"ddim%d\"."
            .formatted(steps, count, count));
  }

  private static int[] leading(int steps, int count) {
    if (count < 1 || count > steps) {
      throw new LazyDitException(
          "A stride through %d steps cannot give the %d of spacing \"leading%d\"."
              .formatted(steps, count, count));
    }
    int stride = steps / count;
    return IntStream.range(0, count).map(i -> i * stride).toArray();
  }

  private static int[] sections(int steps, int[] counts) {
    int size = steps / counts.length;
    int extra = steps % counts.length;
    IntStream.Builder kept = IntStream.builder();
    int start = 0;
    for (int i = 0; i < counts.length; i++) {
      int sectionSize = i < extra ? size + 1 : size;
      spread(start, sectionSize, counts[i], kept);
      start += sectionSize;
    }
    return kept.build().toArray();
  }

  private static void spread(int start, int size, int count, IntStream.Builder kept) {
    if (count > size) {
      throw new LazyDitException(
          "A section of %d diffusion steps cannot be respaced to %d steps; at most %d fit."
              .formatted(size, count, size));
    }
    double stride = count <= 1 ? 1 : (double) (size - 1) / (count - 1);
    double position = 0;
    for (int i = 0; i < count; i++) {
      kept.add(start + (int) Math.rint(position));
      position += stride;
    }
  }
}
