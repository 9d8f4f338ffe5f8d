package lazydit.bench.lessons;

import static jdk.incubator.vector.VectorOperators.ADD;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Layer normalisation with shift and scale of each sample, y = (x - mean) / sqrt(variance + eps) *
 * (1 + scale) + shift, of x {@code [samples, tokens, width]}.
 *
 * <p>The width is a multiple of a vector.
 *
 * @param samples samples
 * @param tokens rows of a sample
 * @param width features of a row
 * @param eps added to the variance
 */
record NormLessons(int samples, int tokens, int width, float eps) {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = S.length();

  /**
   * The formula: mean, variance, result, then the modulation as an operation of its own. The sums
   * are chains of additions, each waiting for the one before, which C2 must not reorder.
   */
  void scalar(float[] x, float[] shift, float[] scale, float[] y) {
    for (int at = 0; at < samples * tokens * width; at += width) {
      float mean = 0;
      for (int i = 0; i < width; i++) {
        mean += x[at + i];
      }
      mean /= width;
      float variance = 0;
      for (int i = 0; i < width; i++) {
        variance += (x[at + i] - mean) * (x[at + i] - mean);
      }
      float factor = (float) (1 / Math.sqrt(variance / width + eps));
      for (int i = 0; i < width; i++) {
        y[at + i] = (x[at + i] - mean) * factor;
      }
    }
    for (int row = 0; row < samples * tokens; row++) {
      int vector = row / tokens * width;
      for (int i = 0; i < width; i++) {
        y[row * width + i] = y[row * width + i] * (1 + scale[vector + i]) + shift[vector + i];
      }
    }
  }

  /**
   * The same in vectors, the sums lane by lane. Still all of y is written, read and written again,
   * and it is larger than the L2 cache.
   */
  void vectors(float[] x, float[] shift, float[] scale, float[] y) {
    for (int at = 0; at < samples * tokens * width; at += width) {
      FloatVector sum = FloatVector.zero(S);
      for (int i = 0; i < width; i += LANES) {
        sum = sum.add(FloatVector.fromArray(S, x, at + i));
      }
      float mean = sum.reduceLanes(ADD) / width;
      FloatVector squares = FloatVector.zero(S);
      for (int i = 0; i < width; i += LANES) {
        FloatVector d = FloatVector.fromArray(S, x, at + i).sub(mean);
        squares = d.fma(d, squares);
      }
      float factor = (float) (1 / Math.sqrt(squares.reduceLanes(ADD) / width + eps));
      for (int i = 0; i < width; i += LANES) {
        FloatVector.fromArray(S, x, at + i).sub(mean).mul(factor).intoArray(y, at + i);
      }
    }
    for (int row = 0; row < samples * tokens; row++) {
      int vector = row / tokens * width;
      for (int i = 0; i < width; i += LANES) {
        FloatVector factor = FloatVector.fromArray(S, scale, vector + i).add(1f);
        FloatVector normed = FloatVector.fromArray(S, y, row * width + i);
        normed
            .fma(factor, FloatVector.fromArray(S, shift, vector + i))
            .intoArray(y, row * width + i);
      }
    }
  }
}
