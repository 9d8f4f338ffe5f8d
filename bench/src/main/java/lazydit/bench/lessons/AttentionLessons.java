package lazydit.bench.lessons;

import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.EXP;
import static jdk.incubator.vector.VectorOperators.MAX;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Self-attention of some samples and heads, softmax(q k<sup>T</sup> / sqrt(d)) v, from qkv {@code
 * [B, T, 3, H, d]} to {@code [B, T, H, d]}.
 *
 * <p>T is a multiple of a vector.
 *
 * @param samples B
 * @param heads H
 * @param tokens T
 * @param dim d, features of a head
 */
record AttentionLessons(int samples, int heads, int tokens, int dim) {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = S.length();

  /**
   * As the formula reads, one matrix after the other, each for all heads: scores, weights, result.
   * The first two have T x T elements a head, 268 MB together for 32 heads of 1024 tokens, and are
   * written to memory only to be read once.
   *
   * @param scores scratch for {@code [B, H, T, T]}
   * @param weights scratch for {@code [B, H, T, T]}
   */
  void matrices(float[] qkv, float[] scores, float[] weights, float[] out) {
    for (int head = 0; head < samples * heads; head++) {
      for (int query = 0; query < tokens; query++) {
        scores(
            qkv, at(head, query), at(head, 0) + width(), scores, (head * tokens + query) * tokens);
      }
    }
    for (int row = 0; row < samples * heads * tokens; row++) {
      softmax(scores, row * tokens, weights);
    }
    Arrays.fill(out, 0);
    for (int head = 0; head < samples * heads; head++) {
      for (int query = 0; query < tokens; query++) {
        int from = (head * tokens + query) * tokens;
        mix(weights, from, tokens, qkv, at(head, 0) + 2 * width(), out, result(head, query));
      }
    }
  }

  private void scores(float[] qkv, int query, int keys, float[] scores, int to) {
    float scale = scale();
    for (int key = 0; key < tokens; key++) {
      scores[to + key] = scale * dot(qkv, query, keys + key * stride());
    }
  }

  private void softmax(float[] scores, int at, float[] weights) {
    FloatVector most = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    for (int key = 0; key < tokens; key += LANES) {
      most = most.max(FloatVector.fromArray(S, scores, at + key));
    }
    float max = most.reduceLanes(MAX);
    FloatVector sums = FloatVector.zero(S);
    for (int key = 0; key < tokens; key += LANES) {
      FloatVector e = FloatVector.fromArray(S, scores, at + key).sub(max).lanewise(EXP);
      e.intoArray(weights, at + key);
      sums = sums.add(e);
    }
    float factor = 1 / sums.reduceLanes(ADD);
    for (int key = 0; key < tokens; key += LANES) {
      FloatVector.fromArray(S, weights, at + key).mul(factor).intoArray(weights, at + key);
    }
  }

  /**
   * Without a matrix: the softmax of a row is kept for the keys seen so far, and corrected whenever
   * a larger score turns up (Milakov and Gimelshein 2018). A vector of scores is all that is ever
   * stored; but each query still reads all keys and values, one dot product at a time, and the
   * corrections come on top: this saves memory, not time.
   */
  void online(float[] qkv, float[] out) {
    float[] scores = new float[LANES];
    for (int head = 0; head < samples * heads; head++) {
      for (int query = 0; query < tokens; query++) {
        online(qkv, at(head, query), at(head, 0) + width(), scores, out, result(head, query));
      }
    }
  }

  private void online(float[] qkv, int query, int keys, float[] scores, float[] out, int to) {
    Arrays.fill(out, to, to + dim, 0);
    float max = Float.NEGATIVE_INFINITY;
    float sum = 0;
    float scale = scale();
    for (int first = 0; first < tokens; first += LANES) {
      int key = keys + first * stride();
      for (int i = 0; i < LANES; i++) {
        scores[i] = scale * dot(qkv, query, key + i * stride());
      }
      FloatVector s = FloatVector.fromArray(S, scores, 0);
      float larger = Math.max(max, s.reduceLanes(MAX));
      float correction = (float) Math.exp(max - larger);
      max = larger;
      FloatVector e = s.sub(max).lanewise(EXP);
      e.intoArray(scores, 0);
      sum = sum * correction + e.reduceLanes(ADD);
      scale(out, to, correction);
      mix(scores, 0, LANES, qkv, key + width(), out, to);
    }
    scale(out, to, 1 / sum);
  }

  private float scale() {
    return (float) (1 / Math.sqrt(dim));
  }

  /** Features of all heads: from a query to its key, and from there to its value. */
  private int width() {
    return heads * dim;
  }

  /** From one token of qkv to the next. */
  private int stride() {
    return 3 * width();
  }

  /** Where a query begins; heads are counted through all samples. */
  private int at(int head, int token) {
    return (head / heads * tokens + token) * stride() + head % heads * dim;
  }

  private int result(int head, int token) {
    return (head / heads * tokens + token) * width() + head % heads * dim;
  }

  /** Adds weighted values to a result. */
  private void mix(
      float[] weights, int from, int count, float[] qkv, int values, float[] out, int to) {
    for (int i = 0; i < count; i++) {
      add(qkv, values + i * stride(), weights[from + i], out, to);
    }
  }

  private float dot(float[] values, int a, int b) {
    FloatVector sum = FloatVector.zero(S);
    int i = 0;
    for (; i < S.loopBound(dim); i += LANES) {
      FloatVector left = FloatVector.fromArray(S, values, a + i);
      sum = left.fma(FloatVector.fromArray(S, values, b + i), sum);
    }
    if (i < dim) {
      VectorMask<Float> rest = S.indexInRange(i, dim);
      FloatVector left = FloatVector.fromArray(S, values, a + i, rest);
      sum = left.fma(FloatVector.fromArray(S, values, b + i, rest), sum);
    }
    return sum.reduceLanes(ADD);
  }

  /** out += weight * values. */
  private void add(float[] values, int at, float weight, float[] out, int to) {
    FloatVector w = FloatVector.broadcast(S, weight);
    int i = 0;
    for (; i < S.loopBound(dim); i += LANES) {
      FloatVector sum = FloatVector.fromArray(S, out, to + i);
      w.fma(FloatVector.fromArray(S, values, at + i), sum).intoArray(out, to + i);
    }
    if (i < dim) {
      VectorMask<Float> rest = S.indexInRange(i, dim);
      FloatVector sum = FloatVector.fromArray(S, out, to + i, rest);
      w.fma(FloatVector.fromArray(S, values, at + i, rest), sum).intoArray(out, to + i, rest);
    }
  }

  private void scale(float[] out, int to, float factor) {
    for (int i = to; i < to + dim; i++) {
      out[i] *= factor;
    }
  }
}
