package lazydit.sampler.data;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import lazydit.sampler.ClassNames;
import lazydit.sampler.PixelImage;
import lazydit.weights.CheckpointException;

/**
 * A folder of classes, each a folder of pictures (PNG, JPEG, GIF, BMP), which are read one by one.
 * Labels follow the order of the folders' names, or of the numbers if all are numbers.
 */
public final class ImageFiles {
  private static final List<String> ENDINGS = List.of(".png", ".jpg", ".jpeg", ".gif", ".bmp");
  private static final long MOST_PIXELS = 1L << 27;

  private final String name;
  private final ClassNames classes;
  private final List<Path> files;
  private final List<Integer> labels;
  private final Form form;
  private final PixelImage first;

  /**
   * What pictures are made to be.
   *
   * @param size the side of the square that each is cropped and scaled to; empty to leave them, and
   *     refuse pictures of different sizes
   * @param rgb whether grey pictures become RGB; if not, those of another kind than the first are
   *     refused
   */
  public record Form(OptionalInt size, boolean rgb) {
    /** As they are. */
    public static final Form AS_IS = new Form(OptionalInt.empty(), false);
  }

  private ImageFiles(
      String name, ClassNames classes, List<Path> files, List<Integer> labels, Form form) {
    this.name = name;
    this.classes = classes;
    this.files = files;
    this.labels = labels;
    this.form = form;
    first = decode(0);
  }

  /** Whether a folder has folders with pictures in them. */
  static boolean has(Path folder, Split split) {
    Path root = root(folder, split);
    return root != null && Folders.folders(root).stream().anyMatch(f -> !pictures(f).isEmpty());
  }

  /** The folder of a part: one of that name, or for training the folder itself. */
  private static Path root(Path folder, Split split) {
    boolean parted =
        Folders.folders(folder).stream()
            .anyMatch(f -> f.getFileName().toString().equals(Split.TRAIN.label()));
    Path own = folder.resolve(split.label());
    if (parted) {
      return Folders.folders(folder).contains(own) ? own : null;
    }
    return split == Split.TRAIN ? folder : null;
  }

  /**
   * Looks for the pictures.
   *
   * @param folder has a folder for each class; or folders {@code train} and {@code test} that do
   * @param split which part
   * @param form what pictures are made to be
   * @return the pictures, of which the first has been read
   * @throws CheckpointException when there is none, or the first cannot be read
   */
  public static ImageFiles of(Path folder, Split split, Form form) {
    Path root = root(folder, split);
    List<Path> classes = root == null ? List.of() : ordered(Folders.folders(root));
    List<Path> files = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    for (int label = 0; label < classes.size(); label++) {
      for (Path file : pictures(classes.get(label))) {
        files.add(file);
        labels.add(label);
      }
    }
    if (files.isEmpty()) {
      throw new CheckpointException(
          (root == null ? folder.resolve(split.label()) : root).toString(),
          "has no pictures; expected a folder for each class with %s files in it"
              .formatted(String.join(", ", ENDINGS)));
    }
    List<String> names = classes.stream().map(f -> f.getFileName().toString()).toList();
    return new ImageFiles(
        "%s (%s)".formatted(folder, split.label()),
        new ClassNames(names.size(), names),
        files,
        labels,
        form);
  }

  private static List<Path> ordered(List<Path> folders) {
    boolean numbers =
        folders.stream().allMatch(f -> f.getFileName().toString().matches("\\d{1,9}"));
    return numbers
        ? folders.stream()
            .sorted(Comparator.comparingInt(f -> Integer.parseInt(f.getFileName().toString())))
            .toList()
        : folders;
  }

  private static List<Path> pictures(Path folder) {
    return Folders.files(folder).stream()
        .filter(
            file -> {
              String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
              return ENDINGS.stream().anyMatch(name::endsWith);
            })
        .toList();
  }

  /** {@return what to call them} */
  public String name() {
    return name;
  }

  /** {@return the folders' names} */
  public ClassNames classes() {
    return classes;
  }

  /** {@return how many pictures there are} */
  public int count() {
    return files.size();
  }

  /** {@return 1 or 3} */
  public int channels() {
    return first.channels();
  }

  /** {@return of each picture, in pixels} */
  public int height() {
    return first.height();
  }

  /** {@return of each picture, in pixels} */
  public int width() {
    return first.width();
  }

  /**
   * {@return the class of a picture}
   *
   * @param index which picture
   */
  public int label(int index) {
    return labels.get(index);
  }

  /**
   * {@return the picture as planes, {@code [C, H, W]}}
   *
   * @param index which picture
   * @throws CheckpointException when it cannot be read, or differs from the first in size or kind
   */
  public byte[] read(int index) {
    PixelImage image = index == 0 ? first : decode(index);
    if (image.width() != width() || image.height() != height()) {
      throw new CheckpointException(
          files.get(index).toString(),
          "has %d x %d pixels, but %s has %d x %d; --size N crops and scales all alike"
              .formatted(
                  image.width(),
                  image.height(),
                  files.getFirst().getFileName(),
                  width(),
                  height()));
    }
    if (image.channels() != channels()) {
      throw new CheckpointException(
          files.get(index).toString(),
          "has %d channels, but %s has %d"
              .formatted(image.channels(), files.getFirst().getFileName(), channels()));
    }
    byte[] planes = new byte[image.bytes().length];
    int pixels = width() * height();
    for (int i = 0; i < planes.length; i++) {
      planes[i] = image.bytes()[i % pixels * channels() + i / pixels];
    }
    return planes;
  }

  /**
   * Reads all pictures into memory.
   *
   * @return the data set
   * @throws CheckpointException when they do not fit, or one cannot be read
   */
  public DataSet load() {
    Memory.require(name, (double) count() * width() * height() * channels());
    byte[][] images = new byte[count()][];
    IntStream.range(0, count()).parallel().forEach(i -> images[i] = read(i));
    return new Pictures(
        name,
        "folders of pictures",
        channels(),
        height(),
        width(),
        classes,
        images,
        labels.stream().mapToInt(label -> label).toArray());
  }

  // ---- one picture

  private PixelImage decode(int index) {
    Path file = files.get(index);
    try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
      Iterator<ImageReader> readers =
          in == null ? List.<ImageReader>of().iterator() : ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new CheckpointException(file.toString(), "is no picture that Java can read");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in);
        if ((long) reader.getWidth(0) * reader.getHeight(0) > MOST_PIXELS) {
          throw new CheckpointException(
              file.toString(),
              "claims %d x %d pixels, more than a picture of a data set has"
                  .formatted(reader.getWidth(0), reader.getHeight(0)));
        }
        BufferedImage image = reader.read(0);
        return pixels(
            form.size().isPresent() ? CenterCrop.to(image, form.size().getAsInt()) : image);
      } finally {
        reader.dispose();
      }
    } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
      // The JDK's decoders meet damage with any of these.
      throw new CheckpointException(
          file.toString(),
          "is damaged or no picture that Java can read (" + e.getMessage() + ")",
          e);
    }
  }

  private PixelImage pixels(BufferedImage image) {
    boolean indexed = image.getColorModel() instanceof IndexColorModel;
    boolean grey = !indexed && image.getRaster().getNumBands() <= 2;
    int channels = grey && !form.rgb() ? 1 : 3;
    PixelImage pixels = PixelImage.black(image.getWidth(), image.getHeight(), channels);
    Raster raster = image.getRaster();
    // Grey is read as it is stored: Java's RGB of it would be brighter.
    int shift = grey ? Math.max(0, raster.getSampleModel().getSampleSize(0) - 8) : 0;
    for (int y = 0, at = 0; y < pixels.height(); y++) {
      for (int x = 0; x < pixels.width(); x++) {
        int rgb = grey ? raster.getSample(x, y, 0) >> shift : image.getRGB(x, y);
        for (int c = 0; c < channels; c++) {
          pixels.bytes()[at++] = (byte) (grey ? rgb : rgb >> (16 - 8 * c));
        }
      }
    }
    return pixels;
  }
}
