package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import lazydit.dit.AutoencoderKl;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.CachePolicy;
import lazydit.dit.Dit;
import lazydit.dit.DitConfig;
import lazydit.dit.LargeDitConfig;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;
import lazydit.engine.Tensor;
import lazydit.engine.Workers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InitTest {
  @TempDir Path folder;

  private static long size(Map<String, long[]> shapes) {
    return shapes.values().stream()
        .mapToLong(s -> Arrays.stream(s).reduce(1, Math::multiplyExact))
        .sum();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"DiT-S/2", "DiT-B/4", "DiT-L/8", "DiT-XL/2", "Large-DiT-3B", "Large-DiT-7B"})
  void aPresetHasAllItsParameters(String preset) {
    TransformerConfig config =
        preset.startsWith("L")
            ? LargeDitConfig.preset(preset, 32, 1000)
            : DitConfig.preset(preset, 32, 4, 1000, true);
    assertEquals(config.parameters(), size(NetworkTensors.of(config)));
  }

  /** The number that diffusers counts in stabilityai/sd-vae-ft-ema. */
  @Test
  void theVaeHasAllItsParameters() {
    assertEquals(83_653_863, size(NetworkTensors.of(AutoencoderKlConfig.STABLE_DIFFUSION)));
  }

  @Test
  void aSeedGivesTheSameWeightsInEveryLayout() {
    Path pt = init("DiT-S/8", Init.Layout.FACEBOOK_PT, 5, "dit.pt");
    for (Init.Layout layout : List.of(Init.Layout.FACEBOOK_SAFETENSORS, Init.Layout.DIFFUSERS)) {
      assertTrue(equal(pt, init("DiT-S/8", layout, 5, "other")), layout.option());
    }
    assertTrue(!equal(pt, init("DiT-S/8", Init.Layout.FACEBOOK_SAFETENSORS, 6, "other.st")));
  }

  private Path init(String preset, Init.Layout layout, long seed, String name) {
    Path out = folder.resolve(layout + name);
    Init.run(
        new Init.Options(preset, Optional.of(layout), 256, 2, DType.BF16, seed, false),
        out,
        Progress.NONE);
    return out;
  }

  private static boolean equal(Path first, Path second) {
    try (ModelFile a = ModelFile.open(first);
        ModelFile b = ModelFile.open(second)) {
      assertEquals(a.transformer(), b.transformer());
      return WeightsDiff.of(a, b, 0, Progress.NONE).equal();
    }
  }

  @Test
  void impossibleWishesAreRefused() {
    refused("layout", "DiT-S/8", Init.Layout.LARGEDIT, 256);
    refused("layout", "vae", Init.Layout.FACEBOOK_PT, 256);
    refused("preset", "DiT-XXL/2", Init.Layout.FACEBOOK_PT, 256);
    refused("multiple of 16", "DiT-S/8", Init.Layout.FACEBOOK_PT, 250);
  }

  private void refused(String reason, String preset, Init.Layout layout, int size) {
    Init.Options options =
        new Init.Options(preset, Optional.of(layout), size, 2, DType.F32, 0, false);
    Path out = folder.resolve("out");
    String message =
        assertThrows(LazyDitException.class, () -> Init.run(options, out, Progress.NONE))
            .getMessage();
    assertTrue(message.contains(reason), message);
    assertEquals(0, folder.toFile().list().length);
  }

  // ---- signals

  /** The output for an input of alternating numbers. */
  private static float[] forward(TransformerConfig config, Path weights, int label) {
    try (ModelFile model = ModelFile.open(weights, null, OptionalInt.of(config.numHeads()));
        Workers workers = new Workers(1)) {
      float[] input = new float[config.inputLength()];
      for (int i = 0; i < input.length; i++) {
        input[i] = (float) Math.sin(i * 0.7);
      }
      float[] output = new float[config.outputLength()];
      new Dit(config, model.weights())
          .newRun(1, 1, CachePolicy.none(), workers)
          .forward(input, new float[] {300}, new int[] {label}, 0, output);
      return output;
    }
  }

  private static double deviation(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.pow(a[i] - (b == null ? 0 : b[i]), 2);
    }
    return Math.sqrt(sum / a.length);
  }

  private void assertAlive(TransformerConfig config) {
    Path file = TinyModels.torch(folder.resolve("alive.pt"), RandomWeights.of(config, 3));
    float[] output = forward(config, file, 0);
    double size = deviation(output, null);
    assertTrue(size > 0.3 && size < 3, "size " + size);
    // Every channel differs from place to place, and the class matters.
    float[] moved = new float[output.length];
    System.arraycopy(output, 1, moved, 0, output.length - 1);
    assertTrue(deviation(output, moved) > 0.1);
    double byClass = deviation(output, forward(config, file, 1));
    assertTrue(byClass > 0.05 * size, "class " + byClass);
  }

  @Test
  void aDeepDitIsAlive() {
    assertAlive(new DitConfig(8, 2, 4, 64, 28, 4, 256, 2, true));
  }

  @Test
  void aDeepLargeDitIsAlive() {
    assertAlive(new LargeDitConfig(8, 2, 4, 64, 32, 4, 4, 256, 2, true, true));
  }

  @Test
  void aVaeIsAlive() {
    AutoencoderKlConfig config = TinyModels.VAE;
    Path file = TinyModels.torch(folder.resolve("vae.bin"), RandomWeights.of(config, 3));
    try (ModelFile model = ModelFile.open(file);
        Workers workers = new Workers(1)) {
      AutoencoderKl vae = new AutoencoderKl(config, model.weights(), AutoencoderKl.Parts.DECODER);
      float[] latent = new float[4 * 8 * 8];
      for (int i = 0; i < latent.length; i++) {
        latent[i] = (float) Math.sin(i * 0.7);
      }
      float[] image = vae.newRun(workers).decode(Tensor.of(latent, 1, 4, 8, 8)).data();
      double size = deviation(image, null);
      assertTrue(size > 0.2 && size < 2, "size " + size);
    }
  }
}
