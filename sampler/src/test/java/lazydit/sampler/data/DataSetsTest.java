package lazydit.sampler.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import lazydit.dit.AutoencoderKl;
import lazydit.dit.LatentDistribution;
import lazydit.engine.LazyDitException;
import lazydit.engine.Tensor;
import lazydit.engine.Workers;
import lazydit.sampler.PhiloxNoise;
import lazydit.weights.SafetensorsWriter;
import lazydit.weights.VaeFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataSetsTest {
  @TempDir private Path folder;

  private static void refused(Path path, Split split, String... about) {
    LazyDitException e =
        assertThrows(LazyDitException.class, () -> DataSets.open(path, split).close());
    for (String words : about) {
      assertTrue(e.getMessage().contains(words), e.getMessage());
    }
  }

  // ---- idx

  @Test
  void idxFilesPlainAndPacked() throws IOException {
    Idx.write(folder, "train", 5);
    Idx.write(folder, "t10k", 2);
    assertEquals(Set.of(Split.TRAIN, Split.TEST), DataSets.splits(folder));
    DataSet train = DataSets.open(folder, Split.TRAIN);
    assertEquals(5, train.count());
    assertEquals(16, train.length());
    assertEquals(3, train.classes().count());
    assertArrayEquals(new int[] {2, 2, 1}, train.counts());
    assertTrue(train.origin().contains("not those published"), train.origin());
    float[] image = new float[17];
    train.read(4, image, 1);
    assertEquals(0, image[0]);
    assertEquals(28 / 127.5f - 1, image[1]);
    assertEquals(43 / 127.5f - 1, image[16]);
    assertEquals(1, train.label(4));
    assertEquals(2, DataSets.open(folder, Split.TEST).count());
  }

  @Test
  void damagedIdxFilesAreNamed() throws IOException {
    Path images = folder.resolve("train-images-idx3-ubyte");
    Path labels = folder.resolve("train-labels-idx1-ubyte");
    Files.write(labels, Idx.bytes(new byte[2], 2));
    refused(folder, Split.TRAIN, "has no images of its train set");
    byte[] good = Idx.bytes(new byte[32], 2, 4, 4);
    Files.write(images, Arrays.copyOf(good, 30));
    refused(folder, Split.TRAIN, "train-images", "is truncated");
    Files.write(images, Arrays.copyOf(good, 9));
    refused(folder, Split.TRAIN, "train-images", "is truncated");
    Files.write(images, Arrays.copyOf(good, 49));
    refused(folder, Split.TRAIN, "goes on after the [2, 4, 4] values");
    Files.write(images, Idx.bytes(new byte[32], Integer.MAX_VALUE, 4, 4));
    refused(folder, Split.TRAIN, "is truncated: it claims [2147483647, 4, 4]");
    Files.write(images, Idx.bytes(new byte[32], 2, -4, 4));
    refused(folder, Split.TRAIN, "claims [2, -4, 4] values");
    Files.write(images, Idx.bytes(new byte[32], 2, 1 << 20, 1 << 20));
    refused(folder, Split.TRAIN, "claims [2, 1048576, 1048576] values");
    Files.write(images, Idx.bytes(new byte[2], 2));
    refused(folder, Split.TRAIN, "begins with 00 00 08 01", "with 00 00 08 03");
    Files.write(images, Idx.bytes(new byte[48], 3, 4, 4));
    refused(folder, Split.TRAIN, "has 2 labels, but train-images-idx3-ubyte has 3 images");
    Files.delete(images);
    Path packed = folder.resolve("train-images-idx3-ubyte.gz");
    Files.write(packed, Arrays.copyOf(Idx.packed(good), 20));
    refused(folder, Split.TRAIN, "idx3-ubyte.gz", "is truncated");
    Files.write(packed, good);
    refused(folder, Split.TRAIN, "idx3-ubyte.gz", "is damaged");
  }

  @Test
  void nothingThereIsSaid() {
    refused(folder, Split.TRAIN, "has no train set; expected idx files such as train-images");
    refused(folder.resolve("none"), Split.TRAIN, "none: does not exist");
  }

  // ---- folders of pictures

  private static void picture(Path file, int type, Color color, int width) throws IOException {
    BufferedImage image = new BufferedImage(width, 4, type);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(color);
    graphics.fillRect(0, 0, width, 4);
    graphics.dispose();
    Files.createDirectories(file.getParent());
    ImageIO.write(image, "png", file.toFile());
  }

  private static void grey(Path file, int level) throws IOException {
    BufferedImage image = new BufferedImage(4, 4, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 16; i++) {
      image.getRaster().setSample(i % 4, i / 4, 0, level + i);
    }
    Files.createDirectories(file.getParent());
    ImageIO.write(image, "png", file.toFile());
  }

  @Test
  void greyPicturesAreReadAsTheyAreStored() throws IOException {
    grey(folder.resolve("cat/a.png"), 100);
    grey(folder.resolve("cat/b.PNG"), 10);
    grey(folder.resolve("ant/c.png"), 60);
    Files.createDirectories(folder.resolve("ant/.hidden"));
    Files.writeString(folder.resolve("ant/notes.txt"), "no picture");
    assertEquals(Set.of(Split.TRAIN), DataSets.splits(folder));
    DataSet set = DataSets.open(folder, Split.TRAIN);
    assertEquals(List.of("ant", "cat"), set.classes().names());
    assertEquals(3, set.count());
    assertArrayEquals(new int[] {1, 2}, set.counts());
    assertEquals(1, set.channels());
    float[] image = new float[16];
    set.read(1, image, 0);
    assertEquals(100 / 127.5f - 1, image[0]);
    assertEquals(115 / 127.5f - 1, image[15]);
    refused(folder, Split.TEST, "has no test set");
  }

  @Test
  void colouredPicturesArePlanesAndNumbersAreInOrder() throws IOException {
    for (int label : new int[] {0, 2, 10}) {
      Path file = folder.resolve("train/" + label + "/a.png");
      picture(file, BufferedImage.TYPE_INT_RGB, new Color(10 * label, 20, 30), 4);
    }
    picture(folder.resolve("test/0/a.png"), BufferedImage.TYPE_INT_RGB, Color.RED, 4);
    assertEquals(Set.of(Split.TRAIN, Split.TEST), DataSets.splits(folder));
    DataSet set = DataSets.open(folder, Split.TRAIN);
    assertEquals(List.of("0", "2", "10"), set.classes().names());
    float[] image = new float[48];
    set.read(2, image, 0);
    assertEquals(100 / 127.5f - 1, image[15]);
    assertEquals(20 / 127.5f - 1, image[16]);
    assertEquals(30 / 127.5f - 1, image[47]);
  }

  @Test
  void picturesThatDifferOrAreDamagedAreNamed() throws IOException {
    grey(folder.resolve("a/1.png"), 0);
    picture(folder.resolve("a/2.png"), BufferedImage.TYPE_BYTE_GRAY, Color.WHITE, 5);
    refused(folder, Split.TRAIN, "2.png", "has 5 x 4 pixels, but 1.png has 4 x 4");
    picture(folder.resolve("a/2.png"), BufferedImage.TYPE_INT_RGB, Color.WHITE, 4);
    refused(folder, Split.TRAIN, "2.png", "has 3 channels, but 1.png has 1");
    byte[] png = Files.readAllBytes(folder.resolve("a/1.png"));
    Files.write(folder.resolve("a/2.png"), Arrays.copyOf(png, png.length / 2));
    refused(folder, Split.TRAIN, "2.png", "is damaged or no picture");
    Files.write(folder.resolve("a/2.png"), new byte[100]);
    refused(folder, Split.TRAIN, "2.png", "is no picture that Java can read");
  }

  @Test
  void theMiddleIsCroppedAndScaled() throws IOException {
    Path file = folder.resolve("a/1.png");
    BufferedImage image = new BufferedImage(40, 16, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.RED);
    graphics.fillRect(0, 0, 12, 16);
    graphics.setColor(Color.GREEN);
    graphics.fillRect(12, 0, 16, 16);
    graphics.dispose();
    Files.createDirectories(file.getParent());
    ImageIO.write(image, "png", file.toFile());
    ImageFiles files =
        ImageFiles.of(folder, Split.TRAIN, new ImageFiles.Form(OptionalInt.of(4), true));
    byte[] planes = files.read(0);
    assertEquals(48, planes.length);
    for (int i = 0; i < 16; i++) {
      assertEquals(0, planes[i], "red");
      assertEquals((byte) 255, planes[16 + i], "green");
    }
  }

  // ---- latents

  private Path vae() throws URISyntaxException {
    return Path.of(getClass().getResource("/golden/diffusers_dit_a/vae").toURI());
  }

  @Test
  void latentsAreWhatTheEncoderGives() throws Exception {
    for (int i = 0; i < 3; i++) {
      Path file = folder.resolve("in/" + (i == 2 ? "cat" : "ant") + "/" + i + ".png");
      picture(file, BufferedImage.TYPE_BYTE_GRAY, new Color(60 * i, 60 * i, 60 * i), 16);
    }
    Path out = Files.createDirectories(folder.resolve("out"));
    ImageFiles images =
        ImageFiles.of(
            folder.resolve("in"), Split.TRAIN, new ImageFiles.Form(OptionalInt.of(16), true));
    try (Workers workers = new Workers(1);
        VaeFile file = VaeFile.open(vae())) {
      LatentEncoder encoder = new LatentEncoder(vae(), workers);
      Path target = out.resolve("train.safetensors");
      assertThrows(
          CancellationException.class,
          () -> encoder.encode(images, target, (done, total) -> {}, () -> true));
      try (Stream<Path> left = Files.list(out)) {
        assertEquals(0, left.count());
      }
      encoder.encode(images, target, (done, total) -> {}, () -> false);
      Tensor image = Tensor.zeros(1, 3, 16, 16);
      float level = Byte.toUnsignedInt(images.read(2)[0]) / 127.5f - 1;
      Arrays.fill(image.data(), level);
      LatentDistribution encoded =
          file.load(AutoencoderKl.Parts.ENCODER).newRun(workers).encode(image);
      float[] mean = encoded.mean().data();
      Tensor noise = Tensor.zeros(encoded.mean().shape());
      PhiloxNoise.fill(7, 2, 0, noise.data(), 0, mean.length);
      float[] sample = encoded.sample(noise).data();
      try (DataSet set = DataSets.open(out, Split.TRAIN)) {
        assertEquals("latents of VAE vae", set.origin());
        assertEquals(List.of("ant", "cat"), set.classes().names());
        assertArrayEquals(new int[] {2, 1}, set.counts());
        assertEquals(mean.length, set.length());
        float[] latent = new float[set.length()];
        set.read(2, latent, 0);
        for (int i = 0; i < latent.length; i++) {
          assertEquals(0.18215f * mean[i], latent[i], 1e-6);
        }
        float[] first = draw(set, 0);
        for (int i = 0; i < first.length; i++) {
          assertEquals(0.18215f * sample[i], first[i], 1e-6);
        }
        assertArrayEquals(first, draw(set, 0));
        assertNotEquals(first[0], draw(set, 1)[0]);
        assertNotEquals(first[0], latent[0]);
      }
    }
  }

  private static float[] draw(DataSet set, int epoch) {
    float[] latent = new float[set.length()];
    set.draw(2, 7, epoch, latent, 0);
    return latent;
  }

  @Test
  void filesThatHoldNoLatentsAreRefused() {
    Path file = folder.resolve("x.safetensors");
    new SafetensorsWriter().add("labels", new long[1], 1).writeTo(file);
    refused(file, Split.TRAIN, "x.safetensors", "moments");
    writer(2, 3).writeTo(file);
    refused(file, Split.TRAIN, "has shape [1, 3, 2, 2]; expected [N, 2C, h, w]");
    writer(2, 2).writeTo(file);
    refused(file, Split.TRAIN, "has no scaling_factor in its metadata");
    writer(2, 2).metadata("scaling_factor", "-1").writeTo(file);
    refused(file, Split.TRAIN, "\"-1\" as its scaling_factor");
    writer(2, 2).metadata("scaling_factor", "1").metadata("class_names", "[1]").writeTo(file);
    refused(file, Split.TRAIN, "no list of names");
    writer(2, 2).metadata("scaling_factor", "1").metadata("class_names", "[\"a\"]").writeTo(file);
    refused(file, Split.TRAIN, "has label 2 among 1 classes");
    refused(file, Split.TEST, "is one file");
  }

  private static SafetensorsWriter writer(long label, int channels) {
    return new SafetensorsWriter()
        .add("labels", new long[] {label}, 1)
        .add("moments", new float[channels * 4], 1, channels, 2, 2);
  }
}
