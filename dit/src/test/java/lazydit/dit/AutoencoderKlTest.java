package lazydit.dit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import lazydit.dit.AutoencoderKl.Parts;
import lazydit.engine.LazyDitException;
import lazydit.engine.Tensor;
import lazydit.engine.Workers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The VAE against the float64 reference, and against itself run in other ways. */
class AutoencoderKlTest {
  private static final AutoencoderKlConfig SMALL =
      new AutoencoderKlConfig(3, 3, 4, List.of(8, 12), 1, 4, true, 0.18215f);

  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  private static AutoencoderKlRun run(AutoencoderKlConfig config, long seed) {
    return new AutoencoderKl(config, new RandomVae(config, seed), Parts.BOTH).newRun(WORKERS);
  }

  private static Tensor normal(long seed, int... shape) {
    int size = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    return Tensor.of(Samples.normal(seed, size), shape);
  }

  static Stream<AutoencoderKlConfig> configs() {
    return Stream.of(
        SMALL,
        new AutoencoderKlConfig(3, 3, 4, List.of(8, 8, 16, 16), 2, 8, true, 0.18215f),
        new AutoencoderKlConfig(1, 2, 3, List.of(6), 1, 3, false, 1),
        new AutoencoderKlConfig(3, 3, 16, List.of(33, 33, 66), 3, 33, false, 0.5f));
  }

  @ParameterizedTest
  @MethodSource("configs")
  void decodesAsFloat64(AutoencoderKlConfig config) {
    RandomVae weights = new RandomVae(config, 1);
    ReferenceVae reference = new ReferenceVae(config, weights);
    AutoencoderKlRun run = new AutoencoderKl(config, weights, Parts.DECODER).newRun(WORKERS);
    for (int[] size : new int[][] {{1, 1}, {3, 2}, {2, 5}}) {
      Tensor latents = normal(2, 2, config.latentChannels(), size[0], size[1]);
      Tensor images = run.decode(latents);
      int s = config.scale();
      assertArrayEquals(
          new int[] {2, config.outChannels(), s * size[0], s * size[1]}, images.shape());
      for (int b = 0; b < 2; b++) {
        double[] expected = reference.decode(Samples.part(latents.data(), b, 2), size[0], size[1]);
        Samples.assertClose(expected, Samples.part(images.data(), b, 2), 4e-6, "image " + b);
      }
    }
  }

  /** Also where a side is no multiple of a latent pixel's. */
  @ParameterizedTest
  @MethodSource("configs")
  void encodesAsFloat64(AutoencoderKlConfig config) {
    RandomVae weights = new RandomVae(config, 3);
    ReferenceVae reference = new ReferenceVae(config, weights);
    AutoencoderKlRun run = new AutoencoderKl(config, weights, Parts.ENCODER).newRun(WORKERS);
    int s = config.scale();
    for (int[] size : new int[][] {{s, s}, {3 * s, 2 * s}, {2 * s - 1, 3 * s + s / 2}}) {
      Tensor images = normal(4, 2, config.inChannels(), size[0], size[1]);
      LatentDistribution latents = run.encode(images);
      assertArrayEquals(
          new int[] {2, config.latentChannels(), size[0] / s, size[1] / s}, latents.mean().shape());
      for (int b = 0; b < 2; b++) {
        double[] expected = reference.encode(Samples.part(images.data(), b, 2), size[0], size[1]);
        float[] moments = Samples.part(latents.moments().data(), b, 2);
        Samples.assertClose(expected, moments, 4e-6, "image " + b);
        Samples.assertBits(
            Samples.part(moments, 0, 2), Samples.part(latents.mean().data(), b, 2), "mean");
      }
    }
  }

  @Test
  void aDistributionIsClampedAndSampled() {
    Tensor moments = Tensor.of(new float[] {1, -2, 3, 4, -100, 30, 0, -2}, 2, 2, 1, 2);
    LatentDistribution d = LatentDistribution.of(moments);
    assertArrayEquals(new float[] {1, -2, -100, 30}, d.mean().data());
    assertArrayEquals(new float[] {3, 4, 0, -2}, d.logVariance().data());
    moments.data()[2] = 25;
    moments.data()[3] = -1000;
    d = LatentDistribution.of(moments);
    assertArrayEquals(new float[] {20, -30, 0, -2}, d.logVariance().data());
    float[] std = {(float) Math.exp(10), (float) Math.exp(-15), 1, (float) Math.exp(-1)};
    assertArrayEquals(std, d.std().data());
    Tensor noise = Tensor.of(new float[] {0, 1, 2, -1}, 2, 1, 1, 2);
    float[] expected = {1, -2 + std[1], -98, 30 - std[3]};
    assertArrayEquals(expected, d.sample(noise).data(), 1e-5f);
    LatentDistribution last = d;
    refused("noise of shape [4]", () -> last.sample(Tensor.zeros(4)));
  }

  @Test
  void anyNumberOfThreadsAndAnyBatchGivesTheSameBits() {
    AutoencoderKl vae = new AutoencoderKl(SMALL, new RandomVae(SMALL, 5), Parts.BOTH);
    Tensor latents = normal(6, 3, 4, 5, 7);
    Tensor expected = vae.newRun(WORKERS).decode(latents);
    float[] moments = vae.newRun(WORKERS).encode(expected).moments().data();
    for (int threads : new int[] {1, 3}) {
      try (Workers workers = new Workers(threads)) {
        AutoencoderKlRun run = vae.newRun(workers);
        Samples.assertBits(expected.data(), run.decode(latents).data(), threads + " threads");
        Samples.assertBits(moments, run.encode(expected).moments().data(), threads + " threads");
      }
    }
    for (int b = 0; b < 3; b++) {
      Tensor one = Tensor.of(latents.slice(b).data(), 1, 4, 5, 7);
      Samples.assertBits(
          Samples.part(expected.data(), b, 3), vae.newRun(WORKERS).decode(one).data(), "alone");
    }
  }

  /** What a run has seen before leaves no trace. */
  @Test
  void memoryIsReusedWithoutATrace() {
    AutoencoderKlRun run = run(SMALL, 7);
    Tensor small = normal(8, 1, 4, 2, 3);
    Tensor expected = run.decode(small);
    Tensor broken = normal(9, 1, 4, 6, 6);
    Arrays.fill(broken.data(), Float.NaN);
    run.decode(broken);
    Samples.assertBits(expected.data(), run.decode(small).data(), "after a larger one of NaN");
  }

  @ParameterizedTest
  @CsvSource({"9, 5, 4", "5, 9, 4", "8, 8, 4", "10, 13, 8", "7, 21, 8", "30, 3, 12"})
  void tilesBlendAsTheDefinitionSays(int height, int width, int tile) {
    AutoencoderKlRun run = run(SMALL, 11);
    Tensor latents = normal(12, 2, 4, height, width);
    Tensor tiled = run.decodeTiled(latents, tile);
    assertArrayEquals(new int[] {2, 3, 2 * height, 2 * width}, tiled.shape());
    for (int b = 0; b < 2; b++) {
      float[] one = latents.slice(b).data();
      float[] expected = blended(run, Tensor.of(one, 1, 4, height, width), tile);
      assertArrayEquals(expected, Samples.part(tiled.data(), b, 2), 1e-5f);
    }
  }

  /**
   * Every pixel by itself: tiles decoded anew for it. A tile's own pixel, mixed with the same pixel
   * of the tile above (itself mixed) and then of that on the left.
   */
  private static float[] blended(AutoencoderKlRun run, Tensor latents, int tile) {
    int step = tile * 3 / 4;
    int h = latents.size(2);
    int w = latents.size(3);
    int rows = (h + step - 1) / step;
    int columns = (w + step - 1) / step;
    Tensor[][] tiles = new Tensor[rows][columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        tiles[i][j] = run.decode(crop(latents, i * step, j * step, tile));
      }
    }
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        for (int line = 0; line < tiles[i][j].size(1) * tiles[i][j].size(2); line++) {
          for (int x = 0; x < tiles[i][j].size(3); x++) {
            int c = line / tiles[i][j].size(2);
            int y = line % tiles[i][j].size(2);
            if (i > 0) {
              mix(tiles[i - 1][j], tiles[i][j], c, y, x, y, 2 * step, 0, 2 * (tile - step));
            }
            if (j > 0) {
              mix(tiles[i][j - 1], tiles[i][j], c, y, x, x, 0, 2 * step, 2 * (tile - step));
            }
          }
        }
      }
    }
    float[] image = new float[3 * 2 * h * 2 * w];
    for (int at = 0; at < image.length; at++) {
      int x = at % (2 * w);
      int y = at / (2 * w) % (2 * h);
      Tensor own = tiles[y / (2 * step)][x / (2 * step)];
      image[at] = own.get(0, at / (4 * w * h), y % (2 * step), x % (2 * step));
    }
    return image;
  }

  private static void mix(
      Tensor other, Tensor own, int c, int y, int x, int along, int down, int right, int shared) {
    int extent = Math.min(shared, down > 0 ? own.size(2) : own.size(3));
    if (along < extent) {
      float share = (float) along / extent;
      int at = (c * own.size(2) + y) * own.size(3) + x;
      float old = other.get(0, c, y + down, x + right);
      own.data()[at] = old * (1 - share) + own.data()[at] * share;
    }
  }

  private static Tensor crop(Tensor latents, int top, int left, int tile) {
    int h = Math.min(tile, latents.size(2) - top);
    int w = Math.min(tile, latents.size(3) - left);
    Tensor part = Tensor.zeros(1, 4, h, w);
    for (int i = 0; i < part.data().length; i++) {
      part.data()[i] = latents.get(0, i / h / w, top + i / w % h, left + i % w);
    }
    return part;
  }

  @Test
  void oneTileIsTheWholeImage() {
    AutoencoderKlRun run = run(SMALL, 13);
    Tensor latents = normal(14, 2, 4, 6, 8);
    Samples.assertBits(run.decode(latents).data(), run.decodeTiled(latents, 8).data(), "one tile");
  }

  @Test
  void aProbeSeesEveryTensorAndChangesNothing() {
    AutoencoderKlRun run = run(SMALL, 15);
    Tensor latents = normal(16, 1, 4, 3, 2);
    Tensor expected = run.decode(latents);
    Set<String> names = new LinkedHashSet<>();
    run.probe((name, values, offset, shape) -> names.add(name + Arrays.toString(shape)));
    Samples.assertBits(expected.data(), run.decode(latents).data(), "with a probe");
    run.encode(expected);
    assertTrue(
        names.containsAll(
            List.of(
                "post_quant_conv[1, 3, 2, 4]",
                "decoder.conv_in[1, 3, 2, 12]",
                "decoder.mid_block.resnets.0[1, 3, 2, 12]",
                "decoder.mid_block.attentions.0[1, 3, 2, 12]",
                "decoder.mid_block[1, 3, 2, 12]",
                "decoder.up_blocks.0[1, 6, 4, 12]",
                "decoder.up_blocks.1[1, 6, 4, 8]",
                "decoder.conv_out[1, 6, 4, 3]",
                "encoder.down_blocks.0[1, 3, 2, 8]",
                "encoder.mid_block[1, 3, 2, 12]",
                "quant_conv[1, 3, 2, 8]")),
        names::toString);
  }

  @ParameterizedTest
  @MethodSource("configs")
  void theArchitectureIsReadOffTheShapes(AutoencoderKlConfig config) {
    RandomVae weights = new RandomVae(config, 1);
    int groups = config.normGroups();
    float factor = config.scalingFactor();
    assertEquals(config, AutoencoderKlConfig.derive(weights, groups, factor));
    AutoencoderKlConfig decoder =
        AutoencoderKlConfig.derive(
            new RandomVae(config, 1).without("encoder.").without("quant_conv"), groups, factor);
    assertEquals(config.blockOutChannels(), decoder.blockOutChannels());
    assertEquals(config.layersPerBlock(), decoder.layersPerBlock());
    assertEquals(config.latentChannels(), decoder.latentChannels());
    AutoencoderKlConfig encoder =
        AutoencoderKlConfig.derive(
            new RandomVae(config, 1).without("decoder.").without("post_quant_conv"),
            groups,
            factor);
    assertEquals(config.blockOutChannels(), encoder.blockOutChannels());
    assertEquals(config.layersPerBlock(), encoder.layersPerBlock());
    assertEquals(config.latentChannels(), encoder.latentChannels());
    assertEquals(config.quantConv(), encoder.quantConv());
  }

  @Test
  void shapesThatMakeNoVaeAreRefused() {
    refused(
        "neither a tensor decoder.conv_in.weight nor encoder.conv_in.weight",
        () -> derive(new RandomVae(SMALL, 1).without("decoder.").without("encoder.")));
    refused(
        "encoder has blocks of [8, 16] channels, but its decoder of [8, 12]",
        () ->
            derive(
                new RandomVae(SMALL, 1)
                    .with("encoder.down_blocks.1.resnets.0.conv1.weight", 16, 8, 3, 3)));
    refused(
        "decoder.conv_in.weight has shape [12, 36]",
        () -> derive(new RandomVae(SMALL, 1).with("decoder.conv_in.weight", 12, 36)));
    refused(
        "no tensor decoder.up_blocks.0.resnets.0.conv1.weight",
        () -> derive(new RandomVae(SMALL, 1).without("decoder.up_blocks.")));
    refused(
        "blocks of 8 channels cannot be normalised in 32 groups",
        () -> AutoencoderKlConfig.derive(new RandomVae(SMALL, 1), 32, 1));
    refused("scaling factor", () -> AutoencoderKlConfig.derive(new RandomVae(SMALL, 1), 4, 0));
    refused("scaling factor", () -> AutoencoderKlConfig.derive(new RandomVae(SMALL, 1), 4, 0f / 0));
  }

  private static void derive(WeightSource weights) {
    AutoencoderKlConfig.derive(weights, 4, 1);
  }

  /** Every tensor is needed, and needed in its shape. */
  @Test
  void everyTensorIsChecked() {
    for (String name : new ArrayList<>(new RandomVae(SMALL, 1).names())) {
      RandomVae reshaped = new RandomVae(SMALL, 1).with(name, 3, 5, 7);
      refused(name, () -> new AutoencoderKl(SMALL, reshaped, Parts.BOTH));
      RandomVae lacking = new RandomVae(SMALL, 1).without(name);
      refused("no tensor " + name, () -> new AutoencoderKl(SMALL, lacking, Parts.BOTH));
    }
  }

  @Test
  void whatDoesNotFitTheVaeIsRefused() {
    AutoencoderKlRun run = run(SMALL, 17);
    refused(
        "[any, 4, 1 or more, 1 or more], not [1, 3, 2, 2]",
        () -> run.decode(normal(1, 1, 3, 2, 2)));
    refused("not [4, 2, 2]", () -> run.decode(normal(1, 4, 2, 2)));
    refused("not [1, 4, 0, 2]", () -> run.decodeTiled(Tensor.zeros(1, 4, 0, 2), 8));
    refused("not [1, 3, 2, 1]", () -> run.encode(normal(1, 1, 3, 2, 1)));
    refused("at least 4 x 4", () -> run.decodeTiled(normal(1, 1, 4, 9, 9), 3));
    AutoencoderKl half = new AutoencoderKl(SMALL, new RandomVae(SMALL, 1), Parts.DECODER);
    refused(
        "encoder of the VAE the random VAE was not",
        () -> half.newRun(WORKERS).encode(normal(1, 1, 3, 8, 8)));
    AutoencoderKl other = new AutoencoderKl(SMALL, new RandomVae(SMALL, 1), Parts.ENCODER);
    refused("decoder of", () -> other.newRun(WORKERS).decode(normal(1, 1, 4, 2, 2)));
  }

  private static void refused(String part, Executable action) {
    String message = assertThrows(LazyDitException.class, action).getMessage();
    assertTrue(message.contains(part), message);
    assertEquals('.', message.charAt(message.length() - 1), message);
  }
}
