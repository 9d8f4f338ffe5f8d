package lazydit.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import lazydit.engine.kernels.GemmTile;
import lazydit.engine.kernels.Kernels;

/**
 * The way back through {@link Attention}, out = P v with P = softmax(s) and s = scale * q
 * k<sup>T</sup>:
 *
 * <pre>
 * dP = dOut v^T
 * ds = scale * P * (dP - sum over keys of P * dP)
 * dq = ds k,   dk = ds^T q,   dv = P^T dOut
 * </pre>
 *
 * <p>Nothing is kept from the forward pass but qkv: for each tile of queries the probabilities are
 * computed again (Dao et al. 2022, section 3.1), transposed as there, {@code [keys, queries]},
 * which is also how dk and dv read them. So memory is a few vectors a key, never T x T.
 *
 * <p>Work is split over (sample, head of keys and values), whose gradients one thread owns; it goes
 * through the queries in their order.
 */
public final class AttentionGradient {
  private final Kernels kernels = Kernels.active();

  /** Where keys are the rows: the taller a tile, the fewer of these short sums' ends. */
  private final GemmTile keyTile = kernels.tile();

  /** Where features are the rows, as in {@link Attention}. */
  private final GemmTile featureTile = kernels.lower();

  private final int tokens;
  private final int kvHeads;
  private final int group;
  private final int headDim;
  private final int width;
  private final int kvWidth;
  private final int stride;
  private final int columns = keyTile.columns();
  private final int keyPanels;
  private final int featurePanels;
  private final int featureColumns;
  private final int cuts;
  private final int depth;
  private final int keyPanelFloats = keyTile.rows() * keyTile.rowStride();
  private final int keyTileFloats = keyTile.rows() * columns;
  private final int featurePanelFloats = featureTile.rows() * featureTile.rowStride();
  private final int featureTileFloats = featureTile.rows() * columns;
  private final float scale;

  /** Where the tokens' rows of qkv and of the result begin, from their sample's first. */
  private final int[] qkvAt;

  private final int[] outAt;

  /** Where the features' rows of a transposed result begin. */
  private final int[] featureAt;

  /**
   * The way back through attention of a given shape.
   *
   * @param tokens T, tokens of a sample
   * @param heads heads of queries
   * @param kvHeads heads of keys and values
   * @param headDim d, features of a head
   * @throws LazyDitException as {@link Attention#Attention(int, int, int, int)}
   */
  public AttentionGradient(int tokens, int heads, int kvHeads, int headDim) {
    new Attention(tokens, heads, kvHeads, headDim);
    this.tokens = tokens;
    this.kvHeads = kvHeads;
    this.headDim = headDim;
    group = heads / kvHeads;
    width = heads * headDim;
    kvWidth = kvHeads * headDim;
    stride = width + 2 * kvWidth;
    keyPanels = panels(tokens, keyTile.rows());
    featurePanels = panels(headDim, featureTile.rows());
    featureColumns = panels(headDim, columns);
    cuts = panels(tokens, featureTile.maxDepth());
    depth = panels(tokens, cuts);
    scale = (float) (1 / Math.sqrt(headDim));
    qkvAt = Attention.multiples(tokens, stride);
    outAt = Attention.multiples(tokens, width);
    featureAt = Attention.multiples(headDim, columns);
  }

  private static int panels(int count, int each) {
    return (count + each - 1) / each;
  }

  /**
   * Computes the gradient of queries, keys and values.
   *
   * @param workers who works
   * @param scratch the caller's scratch memory
   * @param qkv {@code [B, T, heads + 2 kvHeads, d]}; only to be read
   * @param batch B
   * @param dOut the gradient of the result, {@code [B, T, heads, d]}; only to be read
   * @param dQkv receives {@code [B, T, heads + 2 kvHeads, d]}
   */
  public void apply(
      Workers workers, Scratch scratch, float[] qkv, int batch, float[] dOut, float[] dQkv) {
    workers.forEach(
        batch * kvHeads,
        (worker, from, to) -> {
          Head head = new Head(scratch, worker, qkv, dOut, dQkv);
          for (int unit = from; unit < to; unit++) {
            head.run(unit / kvHeads, unit % kvHeads);
          }
        });
  }

  /** One thread's memory for the head it is at. */
  private final class Head {
    private final float[] qkv;
    private final float[] dOut;
    private final float[] dQkv;

    /** Panels of A: keys and values by token, P and ds by key, and keys by feature. */
    private final float[] packed;

    private final int values = keyPanels * keyPanelFloats;
    private final int probabilities = 2 * values;
    private final int dScores = 3 * values;
    private final int keysByFeature = 4 * values;

    /**
     * Tiles: scores, dq or operands on their way, then dP, 1 / sums, maxima, and the sums dk and
     * dv.
     */
    private final float[] tiles;

    private final int dProbabilities =
        Math.max(
            Math.max(keyPanels * keyTileFloats, featurePanels * featureTileFloats),
            Math.max(headDim, columns) * columns);
    private final int inverse = dProbabilities + keyPanels * keyTileFloats;
    private final int max = inverse + columns;
    private final int dKeys = max + columns;
    private final int dValues = dKeys + keyPanels * featureColumns * keyTileFloats;
    private final int tilesEnd = dValues + keyPanels * featureColumns * keyTileFloats;

    /**
     * Off the heap, as the kernel reads B: a weight, then ds, for each key {@code [keys, columns]},
     * queries and dOut {@code [d, columns]}, and the same by query in panels of features.
     */
    private final MemorySegment operands;

    private final long queryColumns = bytes(tokens * columns);
    private final long outColumns = queryColumns + bytes(headDim * columns);
    private final long queryRows = outColumns + bytes(headDim * columns);
    private final long outRows = queryRows + bytes(featureColumns * columns * columns);
    private final long operandBytes = outRows + bytes(featureColumns * columns * columns);

    Head(Scratch scratch, int worker, float[] qkv, float[] dOut, float[] dQkv) {
      this.qkv = qkv;
      this.dOut = dOut;
      this.dQkv = dQkv;
      packed = scratch.floats(worker, keysByFeature + cuts * featurePanels * featurePanelFloats);
      tiles = scratch.tiles(worker, tilesEnd);
      operands = scratch.operands(worker, operandBytes);
    }

    void run(int sample, int kvHead) {
      int row = sample * tokens;
      int keys = row * stride + width + kvHead * headDim;
      packByToken(keys, 0);
      packByToken(keys + kvWidth, values);
      packByFeature(keys);
      Arrays.fill(tiles, dKeys, tilesEnd, 0);
      for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
        for (int query = 0; query < tokens; query += columns) {
          int count = Math.min(columns, tokens - query);
          runQueries(
              (row + query) * stride + h * headDim, (row + query) * width + h * headDim, count);
        }
      }
      gatherByToken(dKeys, keys);
      gatherByToken(dValues, keys + kvWidth);
    }

    private void runQueries(int queries, int outs, int count) {
      packColumns(qkv, queries, qkvAt, count, queryColumns);
      packColumns(dOut, outs, outAt, count, outColumns);
      packRows(qkv, queries, stride, count, queryRows);
      packRows(dOut, outs, width, count, outRows);
      byKey(0, queryColumns, 0);
      byKey(values, outColumns, dProbabilities);
      Softmax.columns(tiles, tokens, scale, operands, tiles, max, inverse);
      kernels
          .gradients()
          .softmax(
              operands,
              tiles,
              inverse,
              tiles,
              dProbabilities,
              tokens,
              columns,
              scale,
              packed,
              probabilities,
              dScores,
              keyTile.rowStride());
      sumByKey(probabilities, outRows, count, dValues);
      sumByKey(dScores, queryRows, count, dKeys);
      byFeature(queries, count);
    }

    /** Tokens as rows of A. */
    private void packByToken(int at, int target) {
      for (int t = 0; t < tokens; t++) {
        System.arraycopy(qkv, at + qkvAt[t], packed, target + t * keyTile.rowStride(), headDim);
      }
    }

    /** Features of the keys as rows of A, cut by cut. */
    private void packByFeature(int at) {
      for (int cut = 0; cut < cuts; cut++) {
        int first = cut * depth;
        int length = Math.min(depth, tokens - first);
        int to = keysByFeature + cut * featurePanels * featurePanelFloats;
        turn(qkv, at + first * stride, qkvAt, length, headDim, packed, to, featureTile.rowStride());
      }
    }

    private void turn(
        float[] x, int at, int[] rowAt, int rows, int width, float[] y, int to, int stride) {
      kernels.transpose().transpose(x, at, rowAt, rows, width, y, to, stride);
    }

    /** Queries as columns of B; columns beyond the last are 0. */
    private void packColumns(float[] x, int at, int[] rowAt, int count, long target) {
      if (count < columns) {
        Arrays.fill(tiles, 0, headDim * columns, 0);
      }
      turn(x, at, rowAt, count, headDim, tiles, 0, columns);
      MemorySegment.copy(tiles, 0, operands, JAVA_FLOAT, target, headDim * columns);
    }

    /** Queries as rows of B, in panels of features; features beyond the last are 0. */
    private void packRows(float[] x, int at, int step, int count, long target) {
      for (int p = 0; p < featureColumns; p++) {
        int feature = p * columns;
        int valid = Math.min(columns, headDim - feature);
        if (valid < columns) {
          Arrays.fill(tiles, 0, count * columns, 0);
        }
        for (int q = 0; q < count; q++) {
          System.arraycopy(x, at + q * step + feature, tiles, q * columns, valid);
        }
        long to = target + bytes(p * columns * columns);
        MemorySegment.copy(tiles, 0, operands, JAVA_FLOAT, to, count * columns);
      }
    }

    /** [keys, columns] = A [keys, d] times B [d, columns]. */
    private void byKey(int a, long b, int target) {
      for (int p = 0; p < keyPanels; p++) {
        int c = target + p * keyTileFloats;
        keyTile.multiply(
            packed, a + p * keyPanelFloats, operands, b, headDim, tiles, c, false, operands, b);
      }
    }

    /** sums [keys, d] += A [keys, queries] times B [queries, d]. */
    private void sumByKey(int a, long b, int count, int sums) {
      for (int p = 0; p < keyPanels; p++) {
        int panel = a + p * keyPanelFloats;
        for (int f = 0; f < featureColumns; f++) {
          long from = b + bytes(f * columns * columns);
          int c = sums + (p * featureColumns + f) * keyTileFloats;
          keyTile.multiply(packed, panel, operands, from, count, tiles, c, true, operands, from);
        }
      }
    }

    /** dq, transposed on the way out. */
    private void byFeature(int at, int count) {
      for (int p = 0; p < featurePanels; p++) {
        for (int cut = 0; cut < cuts; cut++) {
          int first = cut * depth;
          int a = keysByFeature + (cut * featurePanels + p) * featurePanelFloats;
          long b = bytes(first * columns);
          int length = Math.min(depth, tokens - first);
          int c = p * featureTileFloats;
          featureTile.multiply(packed, a, operands, b, length, tiles, c, cut > 0, operands, b);
        }
      }
      turn(tiles, 0, featureAt, headDim, count, dQkv, at, stride);
    }

    private void gatherByToken(int sums, int at) {
      for (int t = 0; t < tokens; t++) {
        int panel = t / keyTile.rows() * featureColumns;
        for (int f = 0; f < featureColumns; f++) {
          int from = sums + (panel + f) * keyTileFloats + t % keyTile.rows() * columns;
          int valid = Math.min(columns, headDim - f * columns);
          System.arraycopy(tiles, from, dQkv, at + qkvAt[t] + f * columns, valid);
        }
      }
    }
  }

  private static long bytes(int floats) {
    return (long) floats * Float.BYTES;
  }
}
