package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import lazydit.engine.LazyDitException;
import lazydit.sampler.Guidance.Channels;
import org.junit.jupiter.api.Test;

class GuidanceTest {
  @Test
  void firstThreeLeaveTheFourthChannelAndTheVarianceOfEachHalf() {
    // One sample, C = 4, Cout = 8, one pixel: conditional 1..8, null 10, 20 .. 80.
    float[] output = {1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40, 50, 60, 70, 80};
    new Guidance(3, Channels.FIRST_3).apply(output, 1, 4, 8, 1);
    float[] expected = {-17, -34, -51, 4, 5, 6, 7, 8, -17, -34, -51, 40, 50, 60, 70, 80};
    assertArrayEquals(expected, output);
  }

  @Test
  void allGuidesEveryChannelButTheVariance() {
    float[] output = {1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40, 50, 60, 70, 80};
    new Guidance(3, Channels.ALL).apply(output, 1, 4, 8, 1);
    float[] expected = {-17, -34, -51, -68, 5, 6, 7, 8, -17, -34, -51, -68, 50, 60, 70, 80};
    assertArrayEquals(expected, output);
  }

  @Test
  void halvesOfABatchPairUp() {
    // Two samples of one channel and two pixels, no variance channels.
    float[] output = {1, 2, 3, 4, 0, 0, 1, 1};
    new Guidance(2, Channels.FIRST_3).apply(output, 2, 1, 1, 2);
    assertArrayEquals(new float[] {2, 4, 5, 7, 2, 4, 5, 7}, output);
  }

  @Test
  void scaleOneIsOff() {
    assertFalse(Guidance.OFF.isOn());
    assertFalse(new Guidance(1, Channels.FIRST_3).isOn());
  }

  @Test
  void optionsAreParsedAndChecked() {
    assertEquals(Channels.FIRST_3, Channels.parse("3"));
    assertEquals(Channels.ALL, Channels.parse("all"));
    assertThrows(LazyDitException.class, () -> Channels.parse("4"));
    assertThrows(LazyDitException.class, () -> new Guidance(Double.NaN, Channels.ALL));
  }
}
