package lazydit.sampler.evaluate;

import java.util.OptionalDouble;

/**
 * How good some pictures are, in a classifier's features.
 *
 * @param count how many pictures
 * @param frechet the Frechet distance to the data set, see {@link Gaussian#distance}; 0 is best,
 *     and grows for fewer pictures
 * @param ownFrechet the Frechet distance to the model's own many-step samples; empty without them
 * @param precision the share of the pictures that look like some of the data, 0 to 1
 * @param recall the share of the data that some of the pictures look like, 0 to 1
 * @param inceptionScore see {@link Features#inceptionScore}
 * @param accuracy the share that is classified as asked, 0 to 1
 */
public record Quality(
    int count,
    double frechet,
    OptionalDouble ownFrechet,
    double precision,
    double recall,
    double inceptionScore,
    double accuracy) {}
