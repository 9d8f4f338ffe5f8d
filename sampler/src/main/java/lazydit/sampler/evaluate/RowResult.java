package lazydit.sampler.evaluate;

import java.util.List;
import java.util.OptionalDouble;
import lazydit.sampler.LazySummary;
import lazydit.sampler.PixelImage;

/**
 * What a row came to.
 *
 * @param row the way to sample
 * @param quality its pictures against the data set
 * @param ownFrechet the Frechet distance to the model's own many-step samples; empty without them
 * @param pairedError the mean squared difference of pixels, of a range of 2, to the many-step
 *     picture from the same noise; empty without them
 * @param lazy how much was reused
 * @param workSaved the share of the network's multiply-adds that was not done, 0 to 1
 * @param milliseconds the time of one picture: the median over pieces of the evaluation, the first
 *     left out if there are others
 * @param shown its first pictures
 */
public record RowResult(
    EvaluationRow row,
    Quality quality,
    OptionalDouble ownFrechet,
    OptionalDouble pairedError,
    LazySummary lazy,
    double workSaved,
    double milliseconds,
    List<PixelImage> shown) {}
