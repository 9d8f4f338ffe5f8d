package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import lazydit.engine.LazyDitException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class PictureTest {
  @Test
  void floatsBecomeBytesAsInTheReference() {
    float[] samples = {-1, 1, 0, -0.004f, 0.5f, -2, 2, Float.NEGATIVE_INFINITY, Float.MAX_VALUE};
    int[] expected = {0, 255, 128, 127, 191, 0, 255, 0, 255};
    PixelImage image = PixelImage.of(samples, 0, 1, 3, 3);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], Byte.toUnsignedInt(image.bytes()[i]), "value " + samples[i]);
    }
  }

  @Test
  void channelPlanesAreInterleaved() {
    float[] samples = new float[2 * 3 * 2];
    float[] second = {-1, 1, 0, -1, 1, 0}; // red 0 255, green 128 0, blue 255 128
    System.arraycopy(second, 0, samples, 6, 6);
    PixelImage image = PixelImage.of(samples, 1, 3, 1, 2);
    byte[] expected = {0, (byte) 128, (byte) 255, (byte) 255, 0, (byte) 128};
    assertArrayEquals(expected, image.bytes());
    BufferedImage buffered = image.toBufferedImage();
    assertEquals(0xff0080ff, buffered.getRGB(0, 0));
    assertEquals(0xffff0080, buffered.getRGB(1, 0));
  }

  @Test
  void gridPlacesEnlargesAndPads() {
    PixelImage one = new PixelImage(1, 1, 1, new byte[] {10});
    PixelImage two = new PixelImage(1, 1, 1, new byte[] {20});
    PixelImage three = new PixelImage(1, 1, 1, new byte[] {30});
    PixelImage grid = new ImageGrid(2, 1, 2).draw(List.of(one, two, three));
    String expected =
        """
        0 0 0 0 0 0 0 0 0 0
        0 0 0 0 0 0 0 0 0 0
        0 0 10 10 0 0 20 20 0 0
        0 0 10 10 0 0 20 20 0 0
        0 0 0 0 0 0 0 0 0 0
        0 0 0 0 0 0 0 0 0 0
        0 0 30 30 0 0 0 0 0 0
        0 0 30 30 0 0 0 0 0 0
        0 0 0 0 0 0 0 0 0 0
        0 0 0 0 0 0 0 0 0 0
        """;
    assertEquals(expected, rows(grid));
  }

  private static String rows(PixelImage image) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < image.bytes().length; i++) {
      text.append(image.bytes()[i]).append(i % image.width() == image.width() - 1 ? "\n" : " ");
    }
    return text.toString();
  }

  @Test
  void defaultGridIsAboutAThousandPixelsAndWithoutGaps() {
    assertEquals(new ImageGrid(5, 2, 6), ImageGrid.fitting(10, 28, 28));
    assertEquals(new ImageGrid(4, 2, 8), ImageGrid.fitting(16, 28, 28));
    assertEquals(new ImageGrid(3, 2, 10), ImageGrid.fitting(7, 28, 28));
    assertEquals(new ImageGrid(4, 2, 1), ImageGrid.fitting(8, 256, 256));
    assertEquals(1, ImageGrid.fitting(1, 512, 512).columns());
  }

  @Property(tries = 100)
  void imageIoReadsBackWhatWasWritten(
      @ForAll @IntRange(min = 1, max = 40) int width,
      @ForAll @IntRange(min = 1, max = 40) int height,
      @ForAll boolean colour,
      @ForAll byte start)
      throws IOException {
    PixelImage image = PixelImage.black(width, height, colour ? 3 : 1);
    for (int i = 0; i < image.bytes().length; i++) {
      image.bytes()[i] = (byte) (start + i * i * 31);
    }
    byte[] png = PngWriter.encode(image, Map.of());
    BufferedImage read = ImageIO.read(new ByteArrayInputStream(png));
    BufferedImage expected = image.toBufferedImage();
    assertEquals(width, read.getWidth());
    assertEquals(height, read.getHeight());
    assertArrayEquals(
        expected.getRaster().getPixels(0, 0, width, height, (int[]) null),
        read.getRaster().getPixels(0, 0, width, height, (int[]) null));
  }

  @Test
  void textIsStoredWithThePicture(@TempDir Path folder) throws IOException {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("Software", "lazydit");
    text.put("parameters", "seed 42, 20 steps, Größe 28");
    text.put("Comment", "χ² ≤ 1\nsecond line");
    text.put("Empty", "");
    Path file = folder.resolve("picture.png");
    Files.writeString(file, "old");
    PngWriter.write(file, PixelImage.black(3, 2, 1), text);
    assertEquals(text, readText(file));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList(), "nothing but the picture is left");
    }
  }

  private static Map<String, String> readText(Path file) throws IOException {
    ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
    try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
      reader.setInput(in);
      Element root = (Element) reader.getImageMetadata(0).getAsTree("javax_imageio_png_1.0");
      Map<String, String> text = new LinkedHashMap<>();
      collect(root.getElementsByTagName("tEXtEntry"), "value", text);
      collect(root.getElementsByTagName("iTXtEntry"), "text", text);
      return text;
    } finally {
      reader.dispose();
    }
  }

  private static void collect(NodeList entries, String value, Map<String, String> text) {
    for (int i = 0; i < entries.getLength(); i++) {
      Element entry = (Element) entries.item(i);
      text.put(entry.getAttribute("keyword"), entry.getAttribute(value));
    }
  }

  @Test
  void keywordsThatPngForbidsAreRefused() {
    PixelImage image = PixelImage.black(1, 1, 1);
    for (String keyword : List.of("", " ", "a\nb", "größe", "k".repeat(80))) {
      assertThrows(
          LazyDitException.class, () -> PngWriter.encode(image, Map.of(keyword, "")), keyword);
    }
  }

  @Test
  void unwritableFilesAreNamedAndNothingIsLeft(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("none").resolve("picture.png");
    PixelImage image = PixelImage.black(1, 1, 1);
    LazyDitException noFolder =
        assertThrows(LazyDitException.class, () -> PngWriter.write(file, image, Map.of()));
    assertTrue(noFolder.getMessage().contains(file.toString()), noFolder.getMessage());
    Path taken = Files.createDirectory(folder.resolve("taken.png"));
    Files.writeString(taken.resolve("inside"), "");
    LazyDitException isFolder =
        assertThrows(LazyDitException.class, () -> PngWriter.write(taken, image, Map.of()));
    assertTrue(isFolder.getMessage().contains(taken.toString()), isFolder.getMessage());
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(taken), files.toList());
    }
  }

  @Test
  void impossiblePicturesAreRefused() {
    PixelImage grey = PixelImage.black(2, 2, 1);
    PixelImage colour = PixelImage.black(2, 2, 3);
    ImageGrid grid = new ImageGrid(1, 0, 1);
    for (Runnable impossible :
        List.<Runnable>of(
            () -> PixelImage.black(2, 2, 4),
            () -> PixelImage.black(0, 2, 1),
            () -> PixelImage.black(-2, -2, 1),
            () -> PixelImage.black(1 << 16, 1 << 16, 1),
            () -> new PixelImage(2, 2, 1, new byte[3]),
            () -> new ImageGrid(0, 0, 1),
            () -> new ImageGrid(1, -1, 1),
            () -> new ImageGrid(1, 0, 0),
            () -> grid.draw(List.of()),
            () -> grid.draw(List.of(grey, colour)),
            () -> new ImageGrid(1, 0, 1 << 16).draw(List.of(grey)),
            () -> new ImageGrid(1 << 30, 0, 1 << 30).draw(Collections.nCopies(3, grey)))) {
      assertThrows(LazyDitException.class, impossible::run);
    }
  }

  /** Stricter than most readers, which forgive a wrong check sum. */
  @Test
  void chunksAreInOrderAndTheirCheckSumsHold() {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("Latin", "é");
    text.put("Greek", "χ");
    byte[] png = PngWriter.encode(PixelImage.black(5, 4, 3), text);
    assertEquals("PNG", new String(png, 1, 3, StandardCharsets.US_ASCII));
    ByteBuffer chunks = ByteBuffer.wrap(png).position(8);
    List<String> names = new ArrayList<>();
    while (chunks.hasRemaining()) {
      int length = chunks.getInt();
      CRC32 crc = new CRC32();
      crc.update(png, chunks.position(), 4 + length);
      names.add(new String(png, chunks.position(), 4, StandardCharsets.US_ASCII));
      chunks.position(chunks.position() + 4 + length);
      assertEquals((int) crc.getValue(), chunks.getInt(), names.getLast());
    }
    assertEquals(List.of("IHDR", "tEXt", "iTXt", "IDAT", "IEND"), names);
  }
}
