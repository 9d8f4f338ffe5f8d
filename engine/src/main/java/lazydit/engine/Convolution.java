package lazydit.engine;

/**
 * A convolution over channels-last images: {@code [B, H, W, in]} to {@code [B, H', W', out]}, its
 * weights packed once at load.
 *
 * <p>With channels last a pixel is a row of a matrix, so a 1 x 1 convolution is a {@link Linear}
 * layer over the pixels, and this class is for larger windows. Those of 3 x 3 over many channels go
 * by Winograd's algorithm, in 4/9 of the multiplications; all others by definition.
 *
 * <p>Immutable and safe for concurrent use; holds the weights off the heap for as long as it is
 * reachable. Results are the same to the bit for any number of threads.
 */
public final class Convolution {
  /**
   * How a square window moves over an image that zeros surround.
   *
   * @param size k, rows and columns of the window, at least 1
   * @param stride pixels from one window to the next, at least 1
   * @param before rows of zeros above the image, and columns left of it; below k
   * @param after rows of zeros below it, and columns right of it; below k
   */
  public record Window(int size, int stride, int before, int after) {
    /** 3 x 3, one result for every pixel. */
    public static final Window SAME = new Window(3, 1, 1, 1);

    /** 3 x 3, every second pixel; zeros on the right and below only, as the SD VAE's encoder. */
    public static final Window HALF = new Window(3, 2, 0, 1);

    /**
     * Checks the window.
     *
     * @throws LazyDitException when a number is out of range
     */
    public Window {
      if (size < 1 || size > 64 || stride < 1 || before < 0 || after < 0) {
        throw new LazyDitException(
            "There is no window of %d pixels every %d with %d and %d zeros."
                .formatted(size, stride, before, after));
      }
      if (before >= size || after >= size) {
        throw new LazyDitException(
            "A window of %d pixels cannot start on %d zeros nor end on %d."
                .formatted(size, before, after));
      }
    }

    /**
     * How many windows there are along a side.
     *
     * @param length pixels of the side
     * @return how many results, 0 when the window does not fit
     */
    public int count(int length) {
      int free = length + before + after - size;
      return free < 0 ? 0 : free / stride + 1;
    }
  }

  private final Window window;
  private final int in;
  private final int out;

  /** One of them is null. */
  private final WindowProduct product;

  private final WinogradProduct winograd;

  private Convolution(
      Window window, int out, int in, WindowProduct product, WinogradProduct winograd) {
    this.window = window;
    this.in = in;
    this.out = out;
    this.product = product;
    this.winograd = winograd;
  }

  /**
   * Packs a convolution's weights.
   *
   * @param out channels of the output, at least 1
   * @param in channels of the input, at least 1
   * @param window how its window moves
   * @param weight gives W row by row, each {@code [in, k, k]} as checkpoints hold it
   * @param bias {@code [out]}, copied; or null for none
   * @return the convolution
   * @throws LazyDitException when a size is not positive or the bias has another length
   */
  public static Convolution pack(
      int out, int in, Window window, Linear.RowReader weight, float[] bias) {
    if (window.equals(Window.SAME)
        && WinogradProduct.pays(out, in)
        && (bias == null || bias.length == out)) {
      return new Convolution(window, out, in, null, new WinogradProduct(out, in, weight, bias));
    }
    int area = window.size * window.size;
    float[] row = new float[Math.max(0, Math.multiplyExact(in, area))];
    Linear.RowReader channelsLast =
        (index, into, at) -> {
          weight.read(index, row, 0);
          for (int c = 0; c < in; c++) {
            for (int k = 0; k < area; k++) {
              into[at + k * in + c] = row[c * area + k];
            }
          }
        };
    WindowProduct product =
        new WindowProduct(out, in, window.size, window.stride, channelsLast, bias);
    return new Convolution(window, out, in, product, null);
  }

  /** {@return channels of the input} */
  public int in() {
    return in;
  }

  /** {@return channels of the output} */
  public int out() {
    return out;
  }

  /** {@return how its window moves} */
  public Window window() {
    return window;
  }

  /** {@return bytes of packed weights} */
  public long bytes() {
    return winograd == null ? product.bytes() : winograd.bytes();
  }

  /**
   * y = the convolution of x.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param x {@code [B, H, W, in]}; only to be read
   * @param batch B
   * @param height H
   * @param width W
   * @param y receives {@code [B, window.count(H), window.count(W), out]}; another array than x
   * @throws LazyDitException when an array is too short
   */
  public void apply(
      Workers workers, Scratch scratch, float[] x, int batch, int height, int width, float[] y) {
    run(workers, scratch, x, batch, height, width, y, false);
  }

  /**
   * y += the convolution of x, for residual connections.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param x {@code [B, H, W, in]}; only to be read
   * @param batch B
   * @param height H
   * @param width W
   * @param y {@code [B, window.count(H), window.count(W), out]}, updated; another array than x
   * @throws LazyDitException when an array is too short
   */
  public void addTo(
      Workers workers, Scratch scratch, float[] x, int batch, int height, int width, float[] y) {
    run(workers, scratch, x, batch, height, width, y, true);
  }

  private void run(
      Workers workers,
      Scratch scratch,
      float[] x,
      int batch,
      int height,
      int width,
      float[] y,
      boolean add) {
    int rows = window.count(height);
    int columns = window.count(width);
    requireRoom("input", x, batch, height, width, in());
    requireRoom("output", y, batch, rows, columns, out());
    if (winograd != null) {
      winograd.run(workers, scratch, x, batch, height, width, y, add);
      return;
    }
    product.run(
        workers,
        scratch,
        x,
        batch,
        new WindowProduct.Source(height, width, window.before, window.before),
        new WindowProduct.Target(y, add, rows, columns, 1, 0, 0));
  }

  static void requireRoom(
      String what, float[] array, int batch, int height, int width, int channels) {
    double size = (double) batch * height * width * channels;
    if (batch < 0 || height < 0 || width < 0 || size > array.length) {
      throw new LazyDitException(
          "An %s of [%d, %d, %d, %d] is not in an array of %d values."
              .formatted(what, batch, height, width, channels, array.length));
    }
  }
}
