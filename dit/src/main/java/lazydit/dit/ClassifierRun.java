package lazydit.dit;

import lazydit.engine.Activations;
import lazydit.engine.ChannelsLast;
import lazydit.engine.Epilogue;
import lazydit.engine.LazyDitException;
import lazydit.engine.MaxPooling;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
import lazydit.engine.Workers;

/**
 * Passes through a {@link Classifier}, keeping their memory for the next.
 *
 * <p>Owned by one thread at a time. Results are the same to the bit for any number of workers.
 */
public final class ClassifierRun {
  private final Classifier network;
  private final ClassifierConfig config;
  private final int batch;
  private final Workers workers;
  private final Scratch scratch;

  /** Channels-last pictures: before a convolution, and after it. */
  private final float[] narrow;

  private final float[] wide;

  ClassifierRun(Classifier network, int batch, Workers workers) {
    this.network = network;
    this.batch = batch;
    this.workers = workers;
    config = network.config();
    scratch = new Scratch(workers);
    int pixels = config.side() * config.side();
    int pooled = pixels / 4;
    int last = pixels / 16;
    narrow =
        new float
            [largest(
                batch,
                config.channels() * pixels,
                config.width1() * pooled,
                config.width2() * last)];
    wide = new float[largest(batch, config.width1() * pixels, config.width2() * pooled)];
  }

  private static int largest(int batch, int... lengths) {
    int most = 1;
    for (int length : lengths) {
      most = Math.max(most, length);
    }
    return Math.multiplyExact(batch, most);
  }

  /** {@return B, the most pictures of a pass} */
  public int batch() {
    return batch;
  }

  /**
   * Classifies pictures.
   *
   * @param images {@code [count, C, H, W]} from {@code at} on, -1 to 1; only to be read
   * @param at where the first picture begins
   * @param count how many pictures, 1 to B
   * @param features receives {@code [count, features]}
   * @param logits receives {@code [count, classes]}
   * @throws LazyDitException when there are more pictures than the run holds or an array is short
   */
  public void forward(float[] images, int at, int count, float[] features, float[] logits) {
    if (count < 1 || count > batch || images.length - at < (long) count * config.inputLength()) {
      throw new LazyDitException(
          "The run takes 1 to %d pictures of %d values each, not %d in %d values."
              .formatted(batch, config.inputLength(), count, images.length - at));
    }
    int side = config.side();
    int half = side / 2;
    int quarter = side / 4;
    ChannelsLast.fromPlanes(images, at, count, config.channels(), side * side, narrow);
    network.conv1().apply(workers, scratch, narrow, count, side, side, wide);
    pool(count, side, config.width1());
    network.conv2().apply(workers, scratch, narrow, count, half, half, wide);
    pool(count, half, config.width2());
    ChannelsLast.toPlanes(narrow, count, config.width2(), quarter * quarter, wide, 0);
    network.fc1().apply(workers, scratch, wide, Rows.all(count), new Epilogue.Store(features));
    Activations.relu(workers, features, count * config.features());
    network.fc2().apply(workers, scratch, features, Rows.all(count), new Epilogue.Store(logits));
  }

  /** From the wide array to the narrow one. */
  private void pool(int count, int side, int channels) {
    new MaxPooling(side, side, channels).apply(workers, wide, count, narrow);
    Activations.relu(workers, narrow, count * (side / 2) * (side / 2) * channels);
  }
}
