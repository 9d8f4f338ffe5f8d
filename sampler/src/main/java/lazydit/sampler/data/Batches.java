package lazydit.sampler.data;

import java.util.Random;
import lazydit.engine.LazyDitException;

/**
 * A data set in batches without end: epoch after epoch, each in an order of its own, the rest that
 * makes no full batch left out.
 *
 * <p>Batch k is a function of the seed and k alone, so a training that goes on after an
 * interruption only has to know how many batches it has had.
 *
 * <p>For one thread at a time.
 */
public final class Batches {
  private final DataSet data;
  private final int size;
  private final long seed;
  private final int[] order;
  private long ordered = -1;

  /**
   * Batches of a data set.
   *
   * @param data the pictures; not to be closed before this is no longer used
   * @param size B, pictures of a batch, at least 1
   * @param seed decides the order
   * @throws LazyDitException when there are fewer pictures than a batch takes
   */
  public Batches(DataSet data, int size, long seed) {
    if (size < 1 || size > data.count()) {
      throw new LazyDitException(
          "A batch of %d pictures cannot be taken from the %d of %s."
              .formatted(size, data.count(), data.name()));
    }
    this.data = data;
    this.size = size;
    this.seed = seed;
    order = new int[data.count()];
  }

  /** {@return B, pictures of a batch} */
  public int size() {
    return size;
  }

  /** {@return batches of an epoch} */
  public int perEpoch() {
    return data.count() / size;
  }

  /**
   * Says which pictures a batch has.
   *
   * @param batch counted from the beginning of the first epoch, at least 0
   * @return their indices in the data set, {@code [B]}, a fresh array
   */
  public int[] indices(long batch) {
    shuffle(batch / perEpoch());
    int[] indices = new int[size];
    System.arraycopy(order, (int) (batch % perEpoch()) * size, indices, 0, size);
    return indices;
  }

  /**
   * Reads a batch, as {@link DataSet#draw} gives it in that epoch.
   *
   * @param batch counted from the beginning of the first epoch, at least 0
   * @param images receives {@code [B, C, H, W]}
   * @param labels receives {@code [B]}
   */
  public void read(long batch, float[] images, int[] labels) {
    int[] indices = indices(batch);
    int epoch = (int) (batch / perEpoch());
    for (int i = 0; i < size; i++) {
      labels[i] = data.label(indices[i]);
      data.draw(indices[i], seed, epoch, images, i * data.length());
    }
  }

  /** Fisher and Yates, with the JDK's generator that is specified to the bit. */
  private void shuffle(long epoch) {
    if (epoch == ordered) {
      return;
    }
    Random random = new Random(mixed(seed + 0x9E3779B97F4A7C15L * (epoch + 1)));
    for (int i = 0; i < order.length; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    ordered = epoch;
  }

  /** The finaliser of SplitMix64 (Steele et al. 2014): close seeds become unrelated ones. */
  private static long mixed(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
