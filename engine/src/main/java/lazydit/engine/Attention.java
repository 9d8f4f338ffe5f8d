package lazydit.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.IntStream;
import lazydit.engine.kernels.GemmTile;
import lazydit.engine.kernels.Kernels;
import lazydit.engine.kernels.Operands;

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
 *
 * <p>Of 1024 keys the two products take 78 % of the time, at 0.82 and 0.84 of the FMA ceiling, the
 * weights 11, the maxima 4 and packing up to 5. Maxima taken of each tile of scores while it is in
 * the L1 cache gain half a percent; keys in chunks that stay there, with a running maximum (Dao et
 * al. 2022), lose 3 (351 keys a chunk) to 10 (104), since their sums are short.
 */
public final class Attention {
  private final Kernels kernels = Kernels.active();

  /** For the scores: the taller a tile, the fewer of these short sums' beginnings and ends. */
  private final GemmTile scoreTile = kernels.tile();

  /** For the result: of 12 rows where that divides a head of 72. */
  private final GemmTile tile = kernels.lower();

  private final int tokens;
  private final int heads;
  private final int group;
  private final int headDim;
  private final int width;

  /** Features of keys, and of values. */
  private final int kvWidth;

  /** Features of a row of qkv. */
  private final int stride;

  private final int keyPanels;
  private final int queryTiles;
  private final int featurePanels;
  private final int cuts;
  private final int depth;
  private final int panelFloats;
  private final float scale;

  /** Where each token's row of qkv begins, from its sample's first. */
  private final int[] tokenAt;

  /** Where each feature's row of a transposed result begins. */
  private final int[] featureAt;

  /**
   * Attention of a given shape.
   *
   * @param tokens T, tokens of a sample
   * @param heads how many heads
   * @param headDim d, features of a head
   * @throws LazyDitException when a size is below 1, or a head wider than a tile's sums may be long
   */
  public Attention(int tokens, int heads, int headDim) {
    this(tokens, heads, heads, headDim);
  }

  /**
   * Attention in which groups of heads share keys and values (Ainslie et al. 2023, "GQA").
   *
   * @param tokens T, tokens of a sample
   * @param heads heads of queries
   * @param kvHeads heads of keys and values, each for {@code heads / kvHeads} consecutive heads of
   *     queries
   * @param headDim d, features of a head
   * @throws LazyDitException when a size is below 1, a head wider than a tile's sums may be long,
   *     or the heads cannot be shared evenly
   */
  public Attention(int tokens, int heads, int kvHeads, int headDim) {
    if (tokens < 1 || heads < 1 || headDim < 1 || headDim > tile.maxDepth()) {
      throw new LazyDitException(
          "Attention over %d tokens with %d heads of %d features is out of range."
              .formatted(tokens, heads, headDim));
    }
    if (kvHeads < 1 || heads % kvHeads != 0) {
      throw new LazyDitException(
          "%d heads cannot share %d heads of keys and values evenly.".formatted(heads, kvHeads));
    }
    group = heads / kvHeads;
    kvWidth = kvHeads * headDim;
    stride = heads * headDim + 2 * kvWidth;
    this.tokens = tokens;
    this.heads = heads;
    this.headDim = headDim;
    width = heads * headDim;
    keyPanels = panels(tokens, scoreTile);
    featurePanels = panels(headDim, tile);
    queryTiles = (tokens + tile.columns() - 1) / tile.columns();
    cuts = (tokens + tile.maxDepth() - 1) / tile.maxDepth();
    depth = (tokens + cuts - 1) / cuts;
    panelFloats = tile.rows() * tile.rowStride();
    scale = (float) (1 / Math.sqrt(headDim));
    tokenAt = multiples(tokens, stride);
    featureAt = multiples(headDim, tile.columns());
  }

  /** {@code 0, of, 2 of, ...} */
  static int[] multiples(int count, int of) {
    return IntStream.range(0, count).map(i -> Math.multiplyExact(i, of)).toArray();
  }

  private static int panels(int rows, GemmTile tile) {
    return (rows + tile.rows() - 1) / tile.rows();
  }

  /** {@return T, tokens of a sample} */
  public int tokens() {
    return tokens;
  }

  /**
   * Computes attention for some samples.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param qkv {@code [B, T, heads + 2 kvHeads, d]}, queries before keys before values; only to be
   *     read
   * @param samples which samples: groups of T rows
   * @param out receives {@code [B, T, heads, d]} at the samples computed
   */
  public void apply(Workers workers, Scratch scratch, float[] qkv, Rows samples, float[] out) {
    workers.forEach(
        samples.count() * heads * queryTiles,
        (worker, from, to) -> {
          long part = Operands.take();
          try {
            new Head(scratch, worker, part).run(qkv, samples, out, from, to);
          } finally {
            Operands.putBack(part);
          }
        });
  }

  /** One thread's memory for the head it is at. */
  private final class Head {
    private final int columns = tile.columns();
    private final int tileFloats = tile.rows() * columns;
    private final int scoreFloats = scoreTile.rows() * columns;

    /** Keys, then values, as panels of A. */
    private final float[] packed;

    private final int keyFloats = scoreTile.rows() * scoreTile.rowStride();
    private final int values = keyPanels * keyFloats;

    /** Queries {@code [d, columns]} on their way, or scores {@code [keys, columns]}. */
    private final float[] staging;

    // Behind these the result [d, columns], and each query's maximum and sum of weights.
    private final int result = Math.max(keyPanels * scoreFloats, headDim * columns);
    private final int max = result + featurePanels * tileFloats;
    private final int sums = max + columns;

    // In the operands' memory, as the kernel reads B: a cut's weights, and the queries.
    private final long weights;
    private final long queries;

    Head(Scratch scratch, int worker, long part) {
      packed = scratch.floats(worker, values + cuts * featurePanels * panelFloats);
      staging = scratch.tiles(worker, sums + columns);
      weights = part;
      queries = part + Operands.PANEL;
    }

    void run(float[] qkv, Rows samples, float[] out, int from, int to) {
      int packedHead = -1;
      for (int unit = from; unit < to; unit++) {
        int head = unit / queryTiles;
        int row = samples.groups()[head / heads] * tokens;
        int at = row * stride + head % heads * headDim;
        // Counted through all samples: heads is a multiple of the group.
        if (head / group != packedHead) {
          int keys = row * stride + width + head % heads / group * headDim;
          packKeys(qkv, keys);
          packValues(qkv, keys + kvWidth);
          packedHead = head / group;
        }
        int query = unit % queryTiles * columns;
        int count = Math.min(columns, tokens - query);
        packQueries(qkv, at + query * stride, count);
        score();
        kernels.softmax().max(staging, 0, tokens, columns, staging, max);
        mix();
        int first = (row + query) * width + head % heads * headDim;
        kernels
            .transpose()
            .transpose(staging, result, featureAt, headDim, count, out, first, width);
        divide(out, first, count);
      }
    }

    /** Keys as rows of A. */
    private void packKeys(float[] qkv, int at) {
      for (int t = 0; t < tokens; t++) {
        System.arraycopy(qkv, at + tokenAt[t], packed, t * scoreTile.rowStride(), headDim);
      }
    }

    /** Values as rows of A, one a feature, cut by cut. */
    private void packValues(float[] qkv, int at) {
      for (int cut = 0; cut < cuts; cut++) {
        int first = cut * depth;
        int to = values + cut * featurePanels * panelFloats;
        int length = Math.min(depth, tokens - first);
        kernels
            .transpose()
            .transpose(
                qkv, at + first * stride, tokenAt, length, headDim, packed, to, tile.rowStride());
      }
    }

    /** Queries as columns of B; columns beyond the last are 0. */
    private void packQueries(float[] qkv, int at, int count) {
      if (count < columns) {
        Arrays.fill(staging, 0, headDim * columns, 0);
      }
      kernels.transpose().transpose(qkv, at, tokenAt, count, headDim, staging, 0, columns);
      MemorySegment.copy(staging, 0, Operands.MEMORY, JAVA_FLOAT, queries, headDim * columns);
    }

    private void score() {
      for (int p = 0; p < keyPanels; p++) {
        scoreTile.multiply(
            packed,
            p * keyFloats,
            Operands.MEMORY,
            queries,
            headDim,
            staging,
            p * scoreFloats,
            false,
            Operands.MEMORY,
            queries);
      }
    }

    /** Weighs the values, cut by cut: the result, transposed, still to be divided by the sums. */
    private void mix() {
      Arrays.fill(staging, sums, sums + columns, 0);
      for (int cut = 0; cut < cuts; cut++) {
        int first = cut * depth;
        int length = Math.min(depth, tokens - first);
        kernels
            .softmax()
            .weigh(
                staging,
                first * columns,
                length,
                columns,
                scale,
                staging,
                max,
                staging,
                sums,
                weights);
        for (int p = 0; p < featurePanels; p++) {
          tile.multiply(
              packed,
              values + (cut * featurePanels + p) * panelFloats,
              Operands.MEMORY,
              weights,
              length,
              staging,
              result + p * tileFloats,
              cut > 0,
              Operands.MEMORY,
              weights);
        }
      }
    }

    /**
     * Divides each query's result by the sum of its weights. A loop over one array, which C2 makes
     * vectors of by itself: as a kernel of its own it made an object of every second vector, 50 MB
     * a step of DiT-XL/2, in processes that had run much else before.
     */
    private void divide(float[] out, int at, int count) {
      for (int q = 0; q < count; q++) {
        float factor = 1 / staging[sums + q];
        int first = at + q * width;
        for (int i = first; i < first + headDim; i++) {
          out[i] *= factor;
        }
      }
    }
  }
}
