package lazydit.sampler.evaluate;

import java.util.Arrays;
import java.util.Optional;

/** What pictures are compared with: the training set's features. */
public final class Reference {
  private final Gaussian gaussian;
  private final Neighbours some;
  private final Judge judge;

  /**
   * A reference.
   *
   * @param judge who looked at the data set, and will look at the pictures
   * @param data the data set's features
   * @param count how many of its pictures, evenly spread, precision and recall compare with: as
   *     many as will be judged; fewer if there are fewer
   */
  public Reference(Judge judge, Features data, int count) {
    this.judge = judge;
    gaussian = data.gaussian();
    int used = Math.min(count, data.count());
    some = new Neighbours(spread(data, used), used, data.width(), judge.workers());
  }

  private static float[] spread(Features data, int count) {
    float[] values = new float[count * data.width()];
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) i * data.count() / count) * data.width();
      System.arraycopy(data.features(), from, values, i * data.width(), data.width());
    }
    return values;
  }

  /** {@return who judges} */
  public Judge judge() {
    return judge;
  }

  /**
   * Judges pictures.
   *
   * @param seen what the judge saw in them
   * @param labels the classes asked for, {@code [N]}
   * @param own the features of the model's own many-step samples, if there are any
   * @return how good they are
   */
  public Quality judge(Features seen, int[] labels, Optional<Gaussian> own) {
    Gaussian theirs = seen.gaussian();
    Neighbours drawn = new Neighbours(seen.features(), seen.count(), seen.width(), judge.workers());
    return new Quality(
        seen.count(),
        gaussian.distance(theirs),
        own.stream().mapToDouble(theirs::distance).findFirst(),
        some.coverage(drawn, judge.workers()),
        drawn.coverage(some, judge.workers()),
        seen.inceptionScore(),
        seen.accuracy(Arrays.copyOf(labels, seen.count())));
  }
}
