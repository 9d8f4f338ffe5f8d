package lazydit.engine.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows to columns in squares of 8 x 8, for 8 lanes: three rounds of exchanges between rows, of
 * halves, of quarters, of neighbours. Of a square of 4 x 4 these are the last two:
 *
 * <pre>
 *   a0 a1 a2 a3      a0 a1 c0 c1      a0 b0 c0 d0
 *   b0 b1 b2 b3  ->  b0 b1 d0 d1  ->  a1 b1 c1 d1
 *   c0 c1 c2 c3      a2 a3 c2 c3      a2 b2 c2 d2
 *   d0 d1 d2 d3      b2 b3 d2 d3      a3 b3 c3 d3
 * </pre>
 *
 * <p>0.5 to 0.9 cycles an element; squares of 4 x 4 take 0.8 to 1, {@link VectorGather gathers} 0.9
 * on a processor of Intel's and 1.7 on one of AMD's, scalar loads and stores 2 to 3.
 *
 * <p>Written out, and with nothing in the loop but this: vectors that a method returns, or that
 * differ between two branches, become objects. Not for 16 lanes: with two squares side by side the
 * method is too large for C1, so that it may stay in the interpreter; and vectors of 8 lanes beside
 * others of 16 cost the speed of all kernels, since C2 then cannot tell by their class which
 * operation is meant (attention took 1.7 times as long).
 */
final class VectorTranspose implements TransposeKernel {
  private static final ScalarTranspose FEW = new ScalarTranspose();

  private static final VectorSpecies<Float> S = Lanes.FLOATS;
  private static final int SIDE = 8;

  // Each lane's partner in a round, and which lanes come from there.
  private static final VectorShuffle<Float> BY_4 = VectorShuffle.fromOp(S, lane -> lane ^ 4);
  private static final VectorShuffle<Float> BY_2 = VectorShuffle.fromOp(S, lane -> lane ^ 2);
  private static final VectorShuffle<Float> BY_1 = VectorShuffle.fromOp(S, lane -> lane ^ 1);
  private static final VectorMask<Float> HIGH_4 = VectorMask.fromLong(S, 0b11110000);
  private static final VectorMask<Float> LOW_4 = VectorMask.fromLong(S, 0b00001111);
  private static final VectorMask<Float> HIGH_2 = VectorMask.fromLong(S, 0b11001100);
  private static final VectorMask<Float> LOW_2 = VectorMask.fromLong(S, 0b00110011);
  private static final VectorMask<Float> HIGH_1 = VectorMask.fromLong(S, 0b10101010);
  private static final VectorMask<Float> LOW_1 = VectorMask.fromLong(S, 0b01010101);

  @Override
  public void transpose(
      float[] x, int xo, int[] at, int rows, int columns, float[] y, int yo, int stride) {
    if (rows < SIDE || columns < SIDE) {
      FEW.transpose(x, xo, at, rows, columns, y, yo, stride);
      return;
    }
    // The last ones once more rather than a remainder: they get the same values.
    for (int r = 0; r < rows; r += SIDE) {
      int row = Math.min(r, rows - SIDE);
      int aAt = xo + at[row];
      int bAt = xo + at[row + 1];
      int cAt = xo + at[row + 2];
      int dAt = xo + at[row + 3];
      int eAt = xo + at[row + 4];
      int fAt = xo + at[row + 5];
      int gAt = xo + at[row + 6];
      int hAt = xo + at[row + 7];
      for (int i = 0; i < columns; i += SIDE) {
        int column = Math.min(i, columns - SIDE);
        FloatVector a = load(x, aAt + column);
        FloatVector b = load(x, bAt + column);
        FloatVector c = load(x, cAt + column);
        FloatVector d = load(x, dAt + column);
        FloatVector e = load(x, eAt + column);
        FloatVector f = load(x, fAt + column);
        FloatVector g = load(x, gAt + column);
        FloatVector h = load(x, hAt + column);
        FloatVector a4 = a.blend(e.rearrange(BY_4), HIGH_4);
        FloatVector e4 = e.blend(a.rearrange(BY_4), LOW_4);
        FloatVector b4 = b.blend(f.rearrange(BY_4), HIGH_4);
        FloatVector f4 = f.blend(b.rearrange(BY_4), LOW_4);
        FloatVector c4 = c.blend(g.rearrange(BY_4), HIGH_4);
        FloatVector g4 = g.blend(c.rearrange(BY_4), LOW_4);
        FloatVector d4 = d.blend(h.rearrange(BY_4), HIGH_4);
        FloatVector h4 = h.blend(d.rearrange(BY_4), LOW_4);
        FloatVector a2 = a4.blend(c4.rearrange(BY_2), HIGH_2);
        FloatVector c2 = c4.blend(a4.rearrange(BY_2), LOW_2);
        FloatVector b2 = b4.blend(d4.rearrange(BY_2), HIGH_2);
        FloatVector d2 = d4.blend(b4.rearrange(BY_2), LOW_2);
        FloatVector e2 = e4.blend(g4.rearrange(BY_2), HIGH_2);
        FloatVector g2 = g4.blend(e4.rearrange(BY_2), LOW_2);
        FloatVector f2 = f4.blend(h4.rearrange(BY_2), HIGH_2);
        FloatVector h2 = h4.blend(f4.rearrange(BY_2), LOW_2);
        FloatVector a1 = a2.blend(b2.rearrange(BY_1), HIGH_1);
        FloatVector b1 = b2.blend(a2.rearrange(BY_1), LOW_1);
        FloatVector c1 = c2.blend(d2.rearrange(BY_1), HIGH_1);
        FloatVector d1 = d2.blend(c2.rearrange(BY_1), LOW_1);
        FloatVector e1 = e2.blend(f2.rearrange(BY_1), HIGH_1);
        FloatVector f1 = f2.blend(e2.rearrange(BY_1), LOW_1);
        FloatVector g1 = g2.blend(h2.rearrange(BY_1), HIGH_1);
        FloatVector h1 = h2.blend(g2.rearrange(BY_1), LOW_1);
        int to = yo + column * stride + row;
        a1.intoArray(y, to);
        b1.intoArray(y, to + stride);
        c1.intoArray(y, to + 2 * stride);
        d1.intoArray(y, to + 3 * stride);
        e1.intoArray(y, to + 4 * stride);
        f1.intoArray(y, to + 5 * stride);
        g1.intoArray(y, to + 6 * stride);
        h1.intoArray(y, to + 7 * stride);
      }
    }
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(S, x, at);
  }
}
