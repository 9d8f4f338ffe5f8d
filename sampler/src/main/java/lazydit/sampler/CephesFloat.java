package lazydit.sampler;

/**
 * float32 logarithm, sine and cosine by the polynomials of the Cephes library (S. Moshier), rounded
 * at exactly the places where PyTorch's AVX2 code rounds. Only {@link TorchRng} needs these bits.
 */
final class CephesFloat {
  private static final float[] LOG = {
    7.0376836292E-2f,
    -1.1514610310E-1f,
    1.1676998740E-1f,
    -1.2420140846E-1f,
    1.4249322787E-1f,
    -1.6668057665E-1f,
    2.0000714765E-1f,
    -2.4999993993E-1f,
    3.3333331174E-1f
  };
  private static final float LN2_LOW = -2.12194440e-4f;
  private static final float LN2_HIGH = 0.693359375f;
  private static final float SQRT_HALF = 0.70710678118f;

  private static final float[] SIN = {-1.9515295891E-4f, 8.3321608736E-3f, -1.6666654611E-1f};
  private static final float[] COS = {
    2.443315711809948E-5f, -1.388731625493765E-3f, 4.166664568298827E-2f
  };
  private static final float FOUR_OVER_PI = 1.27323954473516f;
  private static final float[] MINUS_QUARTER_PI = {
    -0.78515625f, -2.4187564849853515625e-4f, -3.77489497744594108e-8f
  };

  private CephesFloat() {}

  /** The logarithm of a positive, normal number. */
  static float log(float x) {
    int exponent = Math.getExponent(x) + 1;
    float mantissa = Math.scalb(x, -exponent); // in [0.5, 1)
    if (mantissa < SQRT_HALF) {
      exponent--;
      mantissa += mantissa;
    }
    float m = mantissa - 1;
    float square = m * m;
    float y = Math.fma(polynomial(LOG, m) * m, square, exponent * LN2_LOW);
    y = Math.fma(-0.5f, square, y);
    return Math.fma(exponent, LN2_HIGH, m + y);
  }

  /** The sine of an angle of at least zero. */
  static float sin(float x) {
    int octant = octant(x);
    float value = (octant & 2) == 0 ? sinPolynomial(x, octant) : cosPolynomial(x, octant);
    return (octant & 4) == 0 ? value : -value;
  }

  /** The cosine of an angle of at least zero. */
  static float cos(float x) {
    int octant = octant(x);
    float value = (octant & 2) == 0 ? cosPolynomial(x, octant) : sinPolynomial(x, octant);
    return ((octant - 2) & 4) == 0 ? -value : value;
  }

  /** The even multiple of pi / 4 nearest to the angle. */
  private static int octant(float x) {
    return ((int) (x * FOUR_OVER_PI) + 1) & ~1;
  }

  private static float sinPolynomial(float x, int octant) {
    float r = reduce(x, octant);
    float square = r * r;
    return Math.fma(polynomial(SIN, square) * square, r, r);
  }

  private static float cosPolynomial(float x, int octant) {
    float r = reduce(x, octant);
    float square = r * r;
    return Math.fma(polynomial(COS, square) * square, square, -0.5f * square) + 1;
  }

  private static float reduce(float x, int octant) {
    for (float part : MINUS_QUARTER_PI) {
      x = Math.fma((float) octant, part, x);
    }
    return x;
  }

  private static float polynomial(float[] coefficients, float x) {
    float y = coefficients[0];
    for (int i = 1; i < coefficients.length; i++) {
      y = Math.fma(y, x, coefficients[i]);
    }
    return y;
  }
}
