package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import lazydit.engine.LazyDitException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TorchRngTest {
  private static final GoldenFile GOLDEN = GoldenFile.load("torch_randn");

  static Iterable<String> cases() {
    return GOLDEN.names();
  }

  /** Each case is named SEED:SIZES, see make_torch_randn.py beside the golden file. */
  @ParameterizedTest
  @MethodSource("cases")
  void randnIsPyTorchsBitForBit(String name) {
    String[] parts = name.split(":");
    int[] sizes = Arrays.stream(parts[1].split(",")).mapToInt(Integer::parseInt).toArray();
    float[] expected = GOLDEN.floats(name);
    float[] actual = new float[expected.length];
    TorchRng rng = new TorchRng(Long.parseLong(parts[0]));
    int offset = 0;
    for (int size : sizes) {
      rng.randn(actual, offset, size);
      offset += size;
    }
    assertArrayEquals(expected, actual);
  }

  @Test
  void valuesAreStandardNormal() {
    float[] values = new float[50_000];
    new TorchRng(1).randn(values, 0, values.length);
    PhiloxNoiseTest.assertStandardNormal(values);
  }

  @Test
  void floatFunctionsAreAccurate() {
    for (int i = 1; i <= 100_000; i++) {
      float u = i / 100_000f;
      float angle = 2 * (float) Math.PI * u;
      assertEquals(Math.log(u), CephesFloat.log(u), 2 * Math.ulp((float) Math.log(u)), "log " + u);
      assertEquals(Math.sin(angle), CephesFloat.sin(angle), 1e-7, "sin " + angle);
      assertEquals(Math.cos(angle), CephesFloat.cos(angle), 1e-7, "cos " + angle);
    }
    assertEquals(0, CephesFloat.log(1));
    assertEquals(Math.log(0x1p-24), CephesFloat.log(0x1p-24f), 2e-6);
  }

  @Test
  void noiseFollowsTheReferencesScript() {
    int samples = 3;
    int sampleSize = 7;
    TorchRng script = new TorchRng(11);
    float[] start = new float[samples * sampleSize];
    float[] step = new float[2 * samples * sampleSize];
    script.randn(start, 0, start.length);
    TorchNoise noise = new TorchNoise(11, samples, 0, sampleSize, true);
    float[] values = new float[samples * sampleSize];
    noise.draw(0, values);
    assertArrayEquals(start, values);
    for (int draw = 1; draw <= 3; draw++) {
      script.randn(step, 0, step.length);
      noise.draw(draw, values);
      assertArrayEquals(Arrays.copyOf(step, values.length), values);
    }
  }

  @Test
  void windowsAndLeftOutDrawsChangeNothing() {
    float[] whole = new float[5 * 20];
    new TorchNoise(2, 5, 0, 20, false).draw(4, whole);
    float[] window = new float[2 * 20];
    TorchNoise noise = new TorchNoise(2, 5, 3, 20, false);
    noise.draw(0, window);
    noise.draw(1, window);
    noise.draw(4, window);
    assertArrayEquals(Arrays.copyOfRange(whole, 60, 100), window);
  }

  @Test
  void misuseIsRefused() {
    TorchNoise noise = new TorchNoise(2, 1, 0, 4, false);
    noise.draw(1, new float[4]);
    assertThrows(IllegalStateException.class, () -> noise.draw(1, new float[4]));
    LazyDitException tooLarge =
        assertThrows(LazyDitException.class, () -> new TorchNoise(0, 1 << 20, 0, 1 << 11, false));
    assertTrue(tooLarge.getMessage().contains("1048576 samples"));
  }
}
