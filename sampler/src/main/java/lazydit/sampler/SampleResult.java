package lazydit.sampler;

import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import lazydit.engine.LazyDitException;

/**
 * What a run drew.
 *
 * @param request what was asked for
 * @param samples the pictures {@code [N, C, H, W]}, in about [-1, 1] and not clamped, decoded where
 *     there is a VAE; the latents of a model of latents without one; the caller's own
 * @param channels C
 * @param height H
 * @param width W
 * @param guidance the guidance in effect
 * @param gates the gates in effect, if any
 * @param lazy how much was reused
 * @param workSaved the share of the network's multiply-adds that was not done, 0 to 1
 * @param seconds how long sampling and decoding took, loading and writing not counted
 * @param notes what a person should know, each a sentence; mostly empty
 */
public record SampleResult(
    SampleRequest request,
    float[] samples,
    int channels,
    int height,
    int width,
    Guidance guidance,
    Optional<GatesUsed> gates,
    LazySummary lazy,
    double workSaved,
    double seconds,
    List<String> notes) {

  /**
   * The gates of a run.
   *
   * @param source where they come from, such as a file name
   * @param attnThreshold attention was computed where its score was at least this
   * @param mlpThreshold the MLP was computed where its score was at least this
   */
  public record GatesUsed(String source, double attnThreshold, double mlpThreshold) {}

  /** {@return N, the number of pictures} */
  public int count() {
    return request.labels().size();
  }

  /**
   * {@return one picture}
   *
   * @param index 0 to {@code count() - 1}
   * @throws LazyDitException when these are latents, which have no pixels
   */
  public PixelImage pixels(int index) {
    return PixelImage.of(samples, index, channels, height, width);
  }

  /** {@return all pictures, as {@link #pixels} returns them} */
  public List<PixelImage> pictures() {
    return IntStream.range(0, count()).mapToObj(this::pixels).toList();
  }

  /**
   * {@return one picture}
   *
   * @param index 0 to {@code count() - 1}
   * @throws LazyDitException when these are latents, which have no pixels
   */
  public BufferedImage image(int index) {
    return pixels(index).toBufferedImage();
  }
}
