package lazydit.dit;

import java.util.Arrays;
import lazydit.engine.LazyDitException;

/**
 * The sizes of a {@link Classifier}.
 *
 * @param channels C, channels of a picture
 * @param side H and W, pixels of a picture, a multiple of 4
 * @param width1 channels after the first convolution
 * @param width2 channels after the second convolution
 * @param features values of the layer before the last, in which pictures are compared
 * @param classes how many classes it tells apart
 */
public record ClassifierConfig(
    int channels, int side, int width1, int width2, int features, int classes) {

  private static final int MOST = 1 << 16;

  /**
   * Checks the sizes.
   *
   * @throws LazyDitException when one is not positive, absurdly large, or the side no multiple of 4
   */
  public ClassifierConfig {
    int[] sizes = {channels, side, width1, width2, features, classes};
    boolean fits = side % 4 == 0 && (double) side * side / 16 * width2 <= Integer.MAX_VALUE;
    for (int size : sizes) {
      fits &= size >= 1 && size <= MOST;
    }
    if (!fits) {
      throw new LazyDitException(
          "There is no classifier of %d channels, %d x %d pixels (a multiple of 4), widths %d and %d, %d features and %d classes."
              .formatted(channels, side, side, width1, width2, features, classes));
    }
  }

  /**
   * Reads the sizes off the shapes of a checkpoint's tensors.
   *
   * @param source the checkpoint
   * @return the sizes
   * @throws LazyDitException when the tensors are not those of such a classifier
   */
  public static ClassifierConfig derive(WeightSource source) {
    long[] conv1 = shape(source, "conv1.weight", 4);
    long[] conv2 = shape(source, "conv2.weight", 4);
    long[] fc1 = shape(source, "fc1.weight", 2);
    long[] fc2 = shape(source, "fc2.weight", 2);
    long pooled = (long) Math.sqrt((double) fc1[1] / Math.max(1, conv2[0]));
    if (pooled * pooled * conv2[0] != fc1[1]) {
      throw new LazyDitException(
          "%s: tensor fc1.weight has %d columns, which are no square picture of %d channels."
              .formatted(source.describe(), fc1[1], conv2[0]));
    }
    return new ClassifierConfig(
        size(conv1[1]),
        size(4 * pooled),
        size(conv1[0]),
        size(conv2[0]),
        size(fc1[0]),
        size(fc2[0]));
  }

  private static long[] shape(WeightSource source, String name, int dimensions) {
    if (!source.contains(name)) {
      throw new LazyDitException(
          "%s has no tensor %s, so it is no classifier.".formatted(source.describe(), name));
    }
    long[] shape = source.shape(name);
    if (shape.length != dimensions) {
      throw new LazyDitException(
          "%s: tensor %s has shape %s, expected %d dimensions."
              .formatted(source.describe(), name, Arrays.toString(shape), dimensions));
    }
    return shape;
  }

  private static int size(long size) {
    return (int) Math.min(size, Integer.MAX_VALUE);
  }

  /** {@return C * side * side, the values of a picture} */
  public int inputLength() {
    return channels * side * side;
  }
}
