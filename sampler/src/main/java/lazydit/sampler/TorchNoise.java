package lazydit.sampler;

import lazydit.engine.LazyDitException;

/**
 * The noise of the reference's sampling script: {@code torch.manual_seed(seed)}, one {@code
 * randn(n, C, H, W)} for the starting point of all n samples, then one {@code randn_like} of the
 * whole batch at each step. Under guidance the script's batch holds every sample twice, so that
 * each step draws twice as much and the first half counts.
 *
 * <p>PyTorch's values depend on the size of the whole draw. A batch that is only a window of the
 * run therefore repeats the draws of all samples and keeps its own.
 */
public final class TorchNoise implements Noise {
  private final TorchRng rng;
  private final float[] all;
  private final int startSize;
  private final int windowOffset;
  private int nextDraw;

  /**
   * The noise of one batch.
   *
   * @param seed what {@code torch.manual_seed} is given
   * @param samples n, the number of samples of the whole run
   * @param firstSample which of them is the first of the batches to fill
   * @param sampleSize the number of values in a sample, {@code C * H * W}
   * @param guided whether the reference's batch holds every sample twice
   * @throws LazyDitException when one draw of all samples does not fit in an array
   */
  public TorchNoise(long seed, int samples, int firstSample, int sampleSize, boolean guided) {
    long stepSize = (guided ? 2L : 1L) * samples * sampleSize;
    if (stepSize > Integer.MAX_VALUE - 8) {
      throw new LazyDitException(
          "PyTorch's noise for %d samples of %d values does not fit in an array; draw fewer."
              .formatted(samples, sampleSize));
    }
    rng = new TorchRng(seed);
    all = new float[(int) stepSize];
    startSize = samples * sampleSize;
    windowOffset = firstSample * sampleSize;
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException when a draw is asked for after a later one
   */
  @Override
  public void draw(int draw, float[] values) {
    if (draw < nextDraw) {
      throw new IllegalStateException("Draw " + draw + " comes after draw " + (nextDraw - 1) + ".");
    }
    for (; nextDraw <= draw; nextDraw++) {
      rng.randn(all, 0, nextDraw == 0 ? startSize : all.length);
    }
    System.arraycopy(all, windowOffset, values, 0, values.length);
  }
}
