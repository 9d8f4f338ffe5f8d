package lazydit.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import lazydit.engine.kernels.GemmTile;
import lazydit.engine.kernels.Kernels;

/**
 * Multi-head self-attention, softmax(q k<sup>T</sup> / sqrt(d)) v, straight from the qkv matrix,
 * with the scores of one tile of queries at a time.
 *
 * <p>Everything is computed transposed: scores [keys, queries] = K Q<sup>T</sup>, and the result
 * [d, queries] = V<sup>T</sup> P<sup>T</sup>. So the scores come out of the first product in the
 * very layout that the second one reads, the softmax runs down the columns without crossing lanes,
 * and only q, v and the result (T x d each, never T x T) change their layout.
 *
 * <p>Work is split over (sample, head, tile of queries); a thread packs K and V once for its
 * consecutive tiles of a head.
 */
public final class Attention {
  private final GemmTile tile = Kernels.active().tile();
  private final int tokens;
  private final int heads;
  private final int headDim;
  private final int width;
  private final int keyPanels;
  private final int queryTiles;
  private final int featurePanels;
  private final int cuts;
  private final int depth;
  private final int panelFloats;
  private final float scale;

  /**
   * Attention of a given shape.
   *
   * @param tokens T, tokens of a sample
   * @param heads how many heads
   * @param headDim d, features of a head
   * @throws LazyDitException when a size is below 1, or a head wider than a tile's sums may be long
   */
  public Attention(int tokens, int heads, int headDim) {
    if (tokens < 1 || heads < 1 || headDim < 1 || headDim > tile.maxDepth()) {
      throw new LazyDitException(
          "Attention over %d tokens with %d heads of %d features is out of range."
              .formatted(tokens, heads, headDim));
    }
    this.tokens = tokens;
    this.heads = heads;
    this.headDim = headDim;
    width = heads * headDim;
    keyPanels = panels(tokens);
    featurePanels = panels(headDim);
    queryTiles = (tokens + tile.columns() - 1) / tile.columns();
    cuts = (tokens + tile.maxDepth() - 1) / tile.maxDepth();
    depth = (tokens + cuts - 1) / cuts;
    panelFloats = tile.rows() * tile.rowStride();
    scale = (float) (1 / Math.sqrt(headDim));
  }

  private int panels(int rows) {
    return (rows + tile.rows() - 1) / tile.rows();
  }

  /**
   * Computes attention for some samples.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param qkv {@code [B, T, 3, heads, d]}; only to be read
   * @param samples which samples: groups of T rows
   * @param out receives {@code [B, T, heads, d]} at the samples computed
   */
  public void apply(Workers workers, Scratch scratch, float[] qkv, Rows samples, float[] out) {
    workers.forEach(
        samples.count() * heads * queryTiles,
        (worker, from, to) -> new Head(scratch, worker).run(qkv, samples, out, from, to));
  }

  /** One thread's memory for the head it is at. */
  private final class Head {
    private final float[] packed;
    private final MemorySegment queries;
    private final MemorySegment scores;
    private final long tileBytes = (long) tile.rows() * tile.columns() * Float.BYTES;
    private final long inverse;
    private final long result;
    private final int values = keyPanels * panelFloats;
    private final int staging = values + cuts * featurePanels * panelFloats;

    Head(Scratch scratch, int worker) {
      int stagingRows = Math.max(headDim, tile.rows() + 1);
      packed = scratch.floats(worker, staging + stagingRows * tile.columns());
      queries = scratch.operands(worker, (long) headDim * tile.columns() * Float.BYTES);
      inverse = keyPanels * tileBytes;
      result = inverse + (long) tile.columns() * Float.BYTES;
      scores = scratch.tiles(worker, result + tileBytes);
    }

    void run(float[] qkv, Rows samples, float[] out, int from, int to) {
      int packedHead = -1;
      for (int unit = from; unit < to; unit++) {
        int head = unit / queryTiles;
        int row = samples.groups()[head / heads] * tokens;
        int at = row * 3 * width + head % heads * headDim;
        if (head != packedHead) {
          packKeys(qkv, at + width);
          packValues(qkv, at + 2 * width);
          packedHead = head;
        }
        int query = unit % queryTiles * tile.columns();
        int count = Math.min(tile.columns(), tokens - query);
        packQueries(qkv, at + query * 3 * width, count);
        score();
        Kernels.active().softmax().columns(scores, 0, tokens, tile.columns(), scores, inverse);
        gather(out, (row + query) * width + head % heads * headDim, count);
      }
    }

    /** Keys as rows of A. */
    private void packKeys(float[] qkv, int at) {
      for (int t = 0; t < tokens; t++) {
        System.arraycopy(qkv, at + t * 3 * width, packed, t * tile.rowStride(), headDim);
      }
    }

    /** Values as rows of A, one a feature. */
    private void packValues(float[] qkv, int at) {
      for (int t = 0; t < tokens; t++) {
        int source = at + t * 3 * width;
        int target = values + t / depth * featurePanels * panelFloats + t % depth;
        for (int f = 0; f < headDim; f++) {
          packed[target + f * tile.rowStride()] = qkv[source + f];
        }
      }
    }

    /** Queries as columns of B, scaled; columns beyond the last are 0. */
    private void packQueries(float[] qkv, int at, int count) {
      int columns = tile.columns();
      Arrays.fill(packed, staging, staging + headDim * columns, 0);
      for (int q = 0; q < count; q++) {
        int source = at + q * 3 * width;
        for (int f = 0; f < headDim; f++) {
          packed[staging + f * columns + q] = qkv[source + f] * scale;
        }
      }
      MemorySegment.copy(packed, staging, queries, JAVA_FLOAT, 0, headDim * columns);
    }

    private void score() {
      for (int p = 0; p < keyPanels; p++) {
        tile.multiply(packed, p * panelFloats, queries, 0, headDim, scores, p * tileBytes, false);
      }
    }

    /** Weighs the values, panel of features by panel, and turns the result back into rows. */
    private void gather(float[] out, int at, int count) {
      int columns = tile.columns();
      int inverses = staging + tile.rows() * columns;
      MemorySegment.copy(scores, JAVA_FLOAT, inverse, packed, inverses, columns);
      for (int p = 0; p < featurePanels; p++) {
        for (int cut = 0; cut < cuts; cut++) {
          int first = cut * depth;
          int a = values + (cut * featurePanels + p) * panelFloats;
          long b = (long) first * columns * Float.BYTES;
          int length = Math.min(depth, tokens - first);
          tile.multiply(packed, a, scores, b, length, scores, result, cut > 0);
        }
        int feature = p * tile.rows();
        int valid = Math.min(tile.rows(), headDim - feature);
        // Through the heap, where a scalar load costs a load and not a check of the segment.
        MemorySegment.copy(scores, JAVA_FLOAT, result, packed, staging, tile.rows() * columns);
        for (int q = 0; q < count; q++) {
          float factor = packed[inverses + q];
          int to = at + q * width + feature;
          for (int f = 0; f < valid; f++) {
            out[to + f] = packed[staging + f * columns + q] * factor;
          }
        }
      }
    }
  }
}
