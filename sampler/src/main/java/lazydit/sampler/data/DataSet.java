package lazydit.sampler.data;

import lazydit.sampler.ClassNames;

/**
 * Pictures, or latents of pictures, each with a label.
 *
 * <p>Safe for use by many threads until it is closed.
 */
public interface DataSet extends AutoCloseable {
  /** {@return what to call it, such as its folder and which part of it} */
  String name();

  /** {@return in what form it came, for people} */
  String origin();

  /** {@return N, how many pictures there are, at least 1} */
  int count();

  /** {@return C: 1 for grey pictures, 3 for RGB, and as many as it has for latents} */
  int channels();

  /** {@return H, in pixels of what {@link #read} gives} */
  int height();

  /** {@return W, in pixels of what {@link #read} gives} */
  int width();

  /** {@return the classes, whose names may be unknown} */
  ClassNames classes();

  /**
   * {@return the class of a picture}
   *
   * @param index which picture, 0 to {@code count() - 1}
   */
  int label(int index);

  /**
   * Reads a picture, {@code x / 127.5 - 1} for pixels x of 0 to 255; of latents the mean, scaled as
   * diffusion models expect it.
   *
   * @param index which picture, 0 to {@code count() - 1}
   * @param into receives {@code [C, H, W]}
   * @param at where the first value goes
   */
  void read(int index, float[] into, int at);

  /**
   * Reads a picture as training sees it: of latents a sample from their distribution, another one
   * in every epoch; of pictures always the same.
   *
   * @param index which picture, 0 to {@code count() - 1}
   * @param seed any number
   * @param epoch which epoch, at least 0
   * @param into receives {@code [C, H, W]}
   * @param at where the first value goes
   */
  default void draw(int index, long seed, int epoch, float[] into, int at) {
    read(index, into, at);
  }

  /** {@return C * H * W, the values of a picture} */
  default int length() {
    return channels() * height() * width();
  }

  /** {@return how many pictures each class has} */
  default int[] counts() {
    int[] counts = new int[classes().count()];
    for (int i = 0; i < count(); i++) {
      counts[label(i)]++;
    }
    return counts;
  }

  /** Lets go of files. */
  @Override
  default void close() {}
}
