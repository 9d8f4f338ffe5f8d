package lazydit.dit;

/** The fixed sine and cosine features of timesteps and positions. */
public final class Embeddings {
  /** Features of a timestep before its MLP. */
  public static final int TIMESTEP_FEATURES = 256;

  private static final double LONGEST_PERIOD = 10000;

  private Embeddings() {}

  /**
   * The features of a timestep: cosines, then sines, of {@code t * 10000^(-i / half)}; a last
   * feature of 0 when {@code dim} is odd. Angles are taken in float64: at t = 999 a float32
   * frequency is off by up to 5e-5 of an angle.
   *
   * @param t the timestep, 0 to 999, whole or not
   * @param out receives the features
   * @param at where the first one goes
   * @param dim how many, at least 2
   */
  public static void timestep(float t, float[] out, int at, int dim) {
    timestep(t, out, at, dim, 0);
  }

  /** The same with frequencies {@code 10000^(-i / (half - shift))}. */
  static void timestep(float t, float[] out, int at, int dim, int shift) {
    int half = dim / 2;
    for (int i = 0; i < half; i++) {
      double angle = t * Math.exp(-Math.log(LONGEST_PERIOD) * i / (half - shift));
      out[at + i] = (float) Math.cos(angle);
      out[at + half + i] = (float) Math.sin(angle);
    }
    if (dim % 2 == 1) {
      out[at + dim - 1] = 0;
    }
  }

  /**
   * The table of positions: the first half of a token's features encodes its column, the second its
   * row; within a half sines, then cosines.
   *
   * @param hiddenSize D, a multiple of 4
   * @param grid tokens along a side
   * @return {@code [grid * grid, D]}
   */
  public static float[] position(int hiddenSize, int grid) {
    float[] table = new float[grid * grid * hiddenSize];
    int quarter = hiddenSize / 4;
    for (int token = 0; token < grid * grid; token++) {
      int at = token * hiddenSize;
      for (int i = 0; i < quarter; i++) {
        double frequency = Math.pow(LONGEST_PERIOD, -(double) i / quarter);
        double column = token % grid * frequency;
        double row = token / grid * frequency;
        table[at + i] = (float) Math.sin(column);
        table[at + quarter + i] = (float) Math.cos(column);
        table[at + 2 * quarter + i] = (float) Math.sin(row);
        table[at + 3 * quarter + i] = (float) Math.cos(row);
      }
    }
    return table;
  }
}
