package lazydit.engine.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import lazydit.engine.Bits;
import lazydit.engine.Matrices;
import lazydit.engine.RunsHere;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Exp and its kin against float64 over all float32 values there are: every 997th, and the seams.
 */
@RunsHere
class ElementKernelsTest {
  private static final double TWO_SQRT_2_OVER_PI = 2 * Math.sqrt(2 / Math.PI);
  private static final double OVERFLOW = 0x1p128;
  private static final int CHUNK = 4096;

  /** A kernel beside its formula, and the unit that its error is counted in. */
  enum Function {
    EXP(Math::exp, true) {
      @Override
      void run(ElementKernels k, float[] x, int xo, float[] y, int yo, int n) {
        k.exp(x, xo, y, yo, n);
      }
    },
    TANH(Math::tanh, true) {
      @Override
      void run(ElementKernels k, float[] x, int xo, float[] y, int yo, int n) {
        k.tanh(x, xo, y, yo, n);
      }
    },
    SIGMOID(x -> 1 / (1 + Math.exp(-x)), true) {
      @Override
      void run(ElementKernels k, float[] x, int xo, float[] y, int yo, int n) {
        k.sigmoid(x, xo, y, yo, n);
      }
    },
    SILU(x -> x / (1 + Math.exp(-x)), false) {
      @Override
      void run(ElementKernels k, float[] x, int xo, float[] y, int yo, int n) {
        k.silu(x, xo, y, yo, n);
      }
    },
    GELU(x -> x / (1 + Math.exp(-TWO_SQRT_2_OVER_PI * (x + 0.044715 * x * x * x))), false) {
      @Override
      void run(ElementKernels k, float[] x, int xo, float[] y, int yo, int n) {
        k.gelu(x, xo, y, yo, n);
      }
    };

    final DoubleUnaryOperator exact;

    /** Whether the unit is that of the result; otherwise it is that of the argument. */
    final boolean ofResult;

    Function(DoubleUnaryOperator exact, boolean ofResult) {
      this.exact = exact;
      this.ofResult = ofResult;
    }

    abstract void run(ElementKernels k, float[] x, int xo, float[] y, int yo, int n);

    /** Error in units in the last place; infinity counts as the number it stands for, 2^128. */
    double ulps(float x, float found) {
      double expected = exact.applyAsDouble(x);
      if (Double.isNaN(expected)) {
        return Float.isNaN(found) ? 0 : Double.POSITIVE_INFINITY;
      }
      double bounded = Math.clamp(expected, -OVERFLOW, OVERFLOW);
      double value = Math.clamp((double) found, -OVERFLOW, OVERFLOW);
      float scale = ofResult ? (float) bounded : x;
      return Math.abs(value - bounded)
          / Math.ulp(Float.isInfinite(scale) ? Float.MAX_VALUE : scale);
    }
  }

  private static final class Worst {
    private final Function function;
    private final float[] x = new float[CHUNK];
    private final float[] y = new float[CHUNK];
    private int n;
    private double ulps;
    private float at;

    Worst(Function function) {
      this.function = function;
    }

    void add(float value) {
      x[n++] = value;
      if (n == CHUNK) {
        flush();
      }
    }

    void addAround(float centre, int each) {
      int bits = Float.floatToRawIntBits(centre);
      for (int i = -each; i <= each; i++) {
        add(Float.intBitsToFloat(bits + i));
      }
    }

    void flush() {
      function.run(Kernels.active().elements(), x, 0, y, 0, n);
      for (int i = 0; i < n; i++) {
        double error = function.ulps(x[i], y[i]);
        if (!(error <= ulps)) {
          ulps = error;
          at = x[i];
        }
      }
      n = 0;
    }

    @Override
    public String toString() {
      return "%s: at most %.3f ulp, at %s".formatted(function, ulps, at);
    }
  }

  @ParameterizedTest
  @EnumSource
  void isWithinThreeUnitsOverTheWholeRange(Function function) {
    Worst worst = new Worst(function);
    for (long bits = 0; bits < 1L << 32; bits += 997) {
      worst.add(Float.intBitsToFloat((int) bits));
    }
    for (int i = -500_000; i <= 500_000; i++) {
      worst.add(i * 0.000_22f);
    }
    // Where the reduction moves on to another power of two.
    for (int k = -305; k <= 260; k++) {
      worst.addAround((float) (k * Math.log(2) / 2), 100);
    }
    for (float seam : new float[] {0.625f, 9.01f, 16.6f, 87.336f, 88.7228f, 89, 103.97f, 104}) {
      worst.addAround(seam, 2000);
      worst.addAround(-seam, 2000);
    }
    worst.flush();
    assertTrue(worst.ulps <= 3, worst::toString);
  }

  @Test
  void knowsTheSpecialValues() {
    float inf = Float.POSITIVE_INFINITY;
    float[] x = {0f, -0f, inf, -inf, Float.NaN};
    check(Function.EXP, x, 1, 1, inf, 0, Float.NaN);
    check(Function.TANH, x, 0f, -0f, 1, -1, Float.NaN);
    check(Function.SIGMOID, x, 0.5f, 0.5f, 1, 0, Float.NaN);
    float[] y = {0f, -0f, inf, Float.NaN};
    check(Function.SILU, y, 0f, -0f, inf, Float.NaN);
    check(Function.GELU, y, 0f, -0f, inf, Float.NaN);
  }

  private static void check(Function function, float[] x, float... expected) {
    float[] y = new float[x.length];
    function.run(Kernels.active().elements(), x, 0, y, 0, x.length);
    assertArrayEquals(expected, y, function.name());
  }

  @ParameterizedTest
  @EnumSource
  void anElementsValueDoesNotDependOnItsPlace(Function function) {
    float[] x = Matrices.normal(1, 45, 0, 4);
    ElementKernels kernels = Kernels.active().elements();
    for (int n = 0; n <= 40; n++) {
      float[] y = Matrices.untouched(50);
      float[] expected = y.clone();
      function.run(kernels, x, 3, y, 7, n);
      for (int i = 0; i < n; i++) {
        function.run(kernels, x, 3 + i, expected, 7 + i, 1);
      }
      Bits.assertSame(expected, y, function + " of " + n);
    }
  }

  @ParameterizedTest
  @EnumSource
  void worksInPlace(Function function) {
    float[] x = Matrices.normal(2, 37, 0, 4);
    float[] y = new float[37];
    function.run(Kernels.active().elements(), x, 0, y, 0, 37);
    function.run(Kernels.active().elements(), x, 0, x, 0, 37);
    Bits.assertSame(y, x, function.name());
  }

  @Test
  void gatesSaturateWithoutOverflow() {
    float[] x = {-1e30f, -1000, 1000, 1e30f};
    for (Function f : Stream.of(Function.SILU, Function.GELU).toList()) {
      float[] y = new float[4];
      f.run(Kernels.active().elements(), x, 0, y, 0, 4);
      assertEquals(0, Math.abs(y[0]), f.name());
      assertEquals(0, Math.abs(y[1]), f.name());
      assertEquals(1000, y[2], f.name());
      assertEquals(1e30f, y[3], f.name());
    }
  }
}
