package lazydit.sampler.evaluate;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import lazydit.sampler.LazySummary;
import lazydit.sampler.PixelImage;

/**
 * What a row came to.
 *
 * @param row the way to sample
 * @param qualities its pictures as each classifier judges them
 * @param pairedError the mean squared difference of pixels, of a range of 2, to the many-step
 *     picture from the same noise; empty without them
 * @param work what it took; empty for the many-step samples, which may have been drawn earlier
 * @param shown its first pictures
 */
public record RowResult(
    EvaluationRow row,
    List<Quality> qualities,
    OptionalDouble pairedError,
    Optional<Work> work,
    List<PixelImage> shown) {

  /**
   * What a row took.
   *
   * @param lazy how much was reused
   * @param saved the share of the network's multiply-adds that was not done, 0 to 1
   * @param milliseconds the time of one picture: the median over pieces of the evaluation, the
   *     first left out if there are others
   */
  public record Work(LazySummary lazy, double saved, double milliseconds) {}
}
