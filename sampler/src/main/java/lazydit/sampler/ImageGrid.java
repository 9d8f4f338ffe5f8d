package lazydit.sampler;

import java.util.List;
import lazydit.engine.LazyDitException;

/**
 * How pictures of one size are laid out as one: row by row, on black, with a margin around each,
 * every pixel enlarged to a square.
 *
 * @param columns pictures side by side
 * @param padding the margin, in pixels before enlargement
 * @param scale the side of the square that shows one pixel
 */
public record ImageGrid(int columns, int padding, int scale) {
  private static final int DEFAULT_PADDING = 2;
  private static final int WANTED_SIDE = 1000;

  /**
   * Checks the layout.
   *
   * @throws LazyDitException when {@code columns} or {@code scale} is less than 1, or {@code
   *     padding} negative
   */
  public ImageGrid {
    if (columns < 1 || padding < 0 || scale < 1) {
      throw new LazyDitException(
          "A grid needs at least 1 column, scale 1 and padding 0, but has %d, %d and %d."
              .formatted(columns, scale, padding));
    }
  }

  /**
   * A grid that fits: about square, without gaps where the count allows, and enlarged so that its
   * longer side comes as near to 1000 pixels as whole numbers allow.
   *
   * @param count how many pictures
   * @param width of each, in pixels
   * @param height of each, in pixels
   * @return the grid
   */
  public static ImageGrid fitting(int count, int width, int height) {
    return fitting(count, fittingColumns(count), width, height);
  }

  /**
   * A grid of so many columns, enlarged as {@link #fitting(int, int, int)} does.
   *
   * @param count how many pictures
   * @param columns pictures side by side, at least 1
   * @param width of each, in pixels
   * @param height of each, in pixels
   * @return the grid
   */
  public static ImageGrid fitting(int count, int columns, int width, int height) {
    int rows = Math.ceilDiv(count, columns);
    long side =
        Math.max(total(columns, width, DEFAULT_PADDING), total(rows, height, DEFAULT_PADDING));
    return new ImageGrid(columns, DEFAULT_PADDING, (int) Math.max(1, WANTED_SIDE / side));
  }

  private static int fittingColumns(int count) {
    int root = (int) Math.ceil(Math.sqrt(count));
    for (int columns = root; columns < 2 * root; columns++) {
      if (count % columns == 0) {
        return columns;
      }
    }
    return root;
  }

  private static long total(long pictures, long size, long padding) {
    return pictures * (size + padding) + padding;
  }

  /**
   * {@return one picture of them all}
   *
   * @param images the pictures, at least one, all of one size and kind
   * @throws LazyDitException when there is no picture, they differ in size or kind, or the grid is
   *     too large
   */
  public PixelImage draw(List<PixelImage> images) {
    if (images.isEmpty()) {
      throw new LazyDitException("A grid needs at least one picture, but there is none.");
    }
    PixelImage first = images.getFirst();
    int rows = Math.ceilDiv(images.size(), columns);
    PixelImage grid =
        PixelImage.black(
            side(columns, first.width()), side(rows, first.height()), first.channels());
    for (int i = 0; i < images.size(); i++) {
      PixelImage image = images.get(i);
      requireSameKind(first, image);
      int left = padding + i % columns * (image.width() + padding);
      int top = padding + i / columns * (image.height() + padding);
      paste(image, grid, left * scale, top * scale);
    }
    return grid;
  }

  private int side(int pictures, int size) {
    long side = total(pictures, size, padding) * scale;
    if (side > Integer.MAX_VALUE) {
      throw new LazyDitException(
          "A grid of %d pictures side by side at scale %d is too large for a picture."
              .formatted(pictures, scale));
    }
    return (int) side;
  }

  private static void requireSameKind(PixelImage first, PixelImage image) {
    if (image.width() != first.width()
        || image.height() != first.height()
        || image.channels() != first.channels()) {
      throw new LazyDitException(
          "Pictures of a grid must be alike, but one is %d x %d with %d channels, another %d x %d with %d."
              .formatted(
                  first.width(),
                  first.height(),
                  first.channels(),
                  image.width(),
                  image.height(),
                  image.channels()));
    }
  }

  private void paste(PixelImage image, PixelImage grid, int left, int top) {
    int channels = image.channels();
    for (int y = 0; y < image.height() * scale; y++) {
      int target = ((top + y) * grid.width() + left) * channels;
      int source = y / scale * image.width() * channels;
      for (int x = 0; x < image.width() * scale; x++, target += channels) {
        System.arraycopy(
            image.bytes(), source + x / scale * channels, grid.bytes(), target, channels);
      }
    }
  }
}
