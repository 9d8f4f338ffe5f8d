package lazydit.engine.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;

/**
 * Exp and what is made of it on vectors of float32, within 3 units in the last place.
 *
 * <p>exp(x) = 2^n * exp(r) with n = round(x / ln 2) and r = x - n ln 2 in [-0.35, 0.35], where a
 * polynomial of degree 7 is within one unit. Small static methods, which C2 inlines. Bounds are
 * compared and blended: Java's min and max cost several instructions each for NaN and -0 (with
 * them, and care for subnormal numbers, GELU got 0.71 of the copy bandwidth out of cache).
 */
final class VectorMath {
  private static final float LOG2_E = 1.442695041f;
  static final float LN2 = 0.693147181f;
  // ln 2 in two parts: n * LN2_HIGH is exact for every n that occurs.
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;

  /** Adding it rounds to a whole number and leaves that number in the low bits. */
  private static final float ROUNDER = 0x1.8p23f;

  // Beyond these exp is infinite, or nothing even as a subnormal number.
  private static final float EXP_MAX = 89f;
  private static final float EXP_MIN = -104f;

  private static final float TANH_SMALL = 0.625f;
  static final float GELU_LINEAR = 2.302208198f; // 2 * sqrt(2 / pi) / ln 2
  static final float GELU_CUBIC = 0.102943240f; // 0.044715 of that

  private VectorMath() {}

  static FloatVector exp(FloatVector x) {
    FloatVector bounded = x.blend(EXP_MAX, x.compare(GT, EXP_MAX));
    bounded = bounded.blend(EXP_MIN, x.compare(LT, EXP_MIN));
    FloatVector shifted = bounded.mul(LOG2_E).add(ROUNDER);
    FloatVector n = shifted.sub(ROUNDER);
    FloatVector r = n.mul(-LN2_HIGH).add(bounded);
    r = constant(-LN2_LOW).fma(n, r);
    FloatVector p = constant(1.9875691500e-4f);
    p = p.fma(r, constant(1.3981999507e-3f));
    p = p.fma(r, constant(8.3334519073e-3f));
    p = p.fma(r, constant(4.1665795894e-2f));
    p = p.fma(r, constant(1.6666665459e-1f));
    p = p.fma(r, constant(5.0000001201e-1f));
    p = p.fma(r.mul(r), r).add(1f);
    // 2^n as two factors, each a normal number, so that subnormal results come out rounded.
    IntVector whole = shifted.reinterpretAsInts().lanewise(LSHL, 9).lanewise(ASHR, 9);
    IntVector half = whole.lanewise(ASHR, 1);
    return p.mul(powerOfTwo(half)).mul(powerOfTwo(whole.sub(half)));
  }

  /**
   * 2^(x * scale + lift), for exponents from -125 to 126: normal numbers only, which one addition
   * to the exponent's bits makes. A polynomial of degree 6 on [-0.5, 0.5], within one unit in the
   * last place: degree 5 has 2.5 times its error, which a VAE's decoder shows.
   */
  static FloatVector exp2(FloatVector x, float scale, int lift) {
    FloatVector factor = constant(scale);
    FloatVector rounder = constant(ROUNDER + lift);
    FloatVector shifted = x.fma(factor, rounder);
    FloatVector r = x.fma(factor, rounder.sub(shifted));
    FloatVector p = constant(1.535335905e-4f);
    p = p.fma(r, constant(1.339887502e-3f));
    p = p.fma(r, constant(9.618436918e-3f));
    p = p.fma(r, constant(5.550332367e-2f));
    p = p.fma(r, constant(2.402264774e-1f));
    p = p.fma(r, constant(6.931471825e-1f));
    p = p.fma(r, constant(1f));
    IntVector exponent = shifted.reinterpretAsInts().lanewise(LSHL, 23);
    return p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
  }

  static FloatVector tanh(FloatVector x) {
    FloatVector z = x.abs();
    FloatVector square = x.mul(x);
    FloatVector p = constant(-5.70498872745e-3f);
    p = p.fma(square, constant(2.06390887954e-2f));
    p = p.fma(square, constant(-5.37397155531e-2f));
    p = p.fma(square, constant(1.33314422036e-1f));
    p = p.fma(square, constant(-3.33332819422e-1f));
    FloatVector small = p.mul(square).fma(z, z);
    FloatVector tail = constant(2f).div(exp(z.add(z)).add(1f));
    FloatVector large = constant(1f).sub(tail);
    return withSign(large.blend(small, z.compare(LT, TANH_SMALL)), x);
  }

  /** From the negative side, where exp cannot overflow and 1 + exp loses nothing. */
  static FloatVector sigmoid(FloatVector x) {
    FloatVector e = exp(x.abs().neg());
    FloatVector positive = constant(1f).div(e.add(1f));
    return positive.blend(e.mul(positive), x.compare(LT, 0f));
  }

  static FloatVector silu(FloatVector x) {
    return x.div(siluDivisor(x));
  }

  /** 1 + exp(-x). */
  static FloatVector siluDivisor(FloatVector x) {
    FloatVector e = saturated(exp2(x, -LOG2_E, 0), x.compare(GT, 86f), x.compare(LT, -87f));
    return e.add(1f);
  }

  static FloatVector gelu(FloatVector x) {
    return x.div(geluDivisor(x));
  }

  /** 1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3)). */
  static FloatVector geluDivisor(FloatVector x) {
    FloatVector u = x.mul(x).fma(constant(-GELU_CUBIC), constant(-GELU_LINEAR)).mul(x);
    FloatVector e = saturated(exp2(u, 1, 0), u.compare(LT, -125f), u.compare(GT, 126f));
    return e.add(1f);
  }

  /** A power to be added to 1: where it is lost beside that it may be 0, a huge one infinite. */
  private static FloatVector saturated(
      FloatVector power, VectorMask<Float> tiny, VectorMask<Float> huge) {
    return power.blend(0f, tiny).blend(Float.POSITIVE_INFINITY, huge);
  }

  /** A positive value with the sign of x, be it that of -0. */
  private static FloatVector withSign(FloatVector value, FloatVector x) {
    IntVector sign = x.reinterpretAsInts().and(Integer.MIN_VALUE);
    return value.reinterpretAsInts().or(sign).reinterpretAsFloats();
  }

  private static FloatVector constant(float value) {
    return FloatVector.broadcast(Lanes.FLOATS, value);
  }

  private static FloatVector powerOfTwo(IntVector n) {
    return n.add(127).lanewise(LSHL, 23).reinterpretAsFloats();
  }
}
