package lazydit.sampler;

import lazydit.dit.TransformerConfig;

/**
 * How the pictures of a run are cut into batches, and whether threads share the work of a batch or
 * take a batch each.
 *
 * <p>Sharing wastes nothing with any number of pictures, but threads wait for each other several
 * times a block. Where a picture's rows fit into a core's cache that is 4 to 8 % of the time, so
 * that each thread rather draws pictures of its own, and few enough at a time to stay in its cache.
 *
 * @param pictures how many there are
 * @param count how many batches
 * @param lanes how many batches are drawn side by side, each by one thread; 1 when all threads
 *     share the work of one
 */
record Batches(int pictures, int count, int lanes) {
  /** What a batch may take of a core's L2 cache, which is 1 to 2 MiB. */
  private static final long CACHE = 5 << 18;

  /**
   * About how many arrays of {@code [T, D]} a row works with: x, qkv or hidden features, output.
   */
  private static final int ARRAYS = 6;

  /** Rows of a matrix product below which its weights are read too often. */
  private static final int MATRIX_ROWS = 256;

  /** How much longer threads may take that get one picture more than others. */
  private static final double UNEVEN = 1.07;

  /**
   * Cuts a run.
   *
   * @param pictures how many there are, at least 1
   * @param most how many may be drawn together at most
   * @param config the network's sizes
   * @param rows of the network for a picture: 2 with guidance
   * @param threads how many threads there are
   */
  static Batches of(int pictures, int most, TransformerConfig config, int rows, int threads) {
    long tokens = (long) rows * config.tokens();
    long fitting = CACHE / (ARRAYS * tokens * config.hiddenSize() * Float.BYTES);
    int turns = Math.ceilDiv(pictures, threads);
    if (fitting == 0 || turns * threads > UNEVEN * pictures) {
      return together(pictures, most);
    }
    long enough = Math.ceilDiv(MATRIX_ROWS, tokens);
    int each = Math.clamp(Math.max(fitting, enough), 1, Math.min(most, turns));
    int count = Math.min(Math.ceilDiv(turns, each) * threads, pictures);
    return new Batches(pictures, count, Math.min(count, threads));
  }

  /** Cuts a run into as few batches as can be, each drawn by all threads together. */
  static Batches together(int pictures, int most) {
    return new Batches(pictures, Math.ceilDiv(pictures, most), 1);
  }

  /** {@return the first picture of a batch; of the batch after the last, how many there are} */
  int first(int batch) {
    return (int) ((long) pictures * batch / count);
  }

  /** {@return pictures of the largest batch} */
  int largest() {
    return Math.ceilDiv(pictures, count);
  }
}
