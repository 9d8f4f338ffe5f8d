package lazydit.weights;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.Embeddings;

/**
 * The tables a DiT computes rather than learns: golden files of kind {@code embeddings}. {@code
 * out.t_freq_D} are the D features of every timestep of {@code in.t}, {@code out.pos_D_GxG} the
 * positions of a grid of G x G tokens, and {@code out.pos_D_GxG_rows} those of the tokens {@code
 * in.big_rows}.
 */
public final class EmbeddingParity implements ParitySuite {
  private static final Pattern TIMESTEPS = Pattern.compile("out\\.t_freq_(\\d{1,6})");
  private static final Pattern POSITIONS =
      Pattern.compile("out\\.pos_(\\d{1,5})_(\\d{1,4})x\\2(_rows)?");
  private static final long MAX_TABLE = 1L << 28;

  /** A suite; it holds nothing. */
  public EmbeddingParity() {}

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("embeddings");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    for (String name : golden.expectedNames()) {
      Matcher timesteps = TIMESTEPS.matcher(name);
      Matcher positions = POSITIONS.matcher(name);
      if (timesteps.matches()) {
        computed.put(name, timesteps(golden, Integer.parseInt(timesteps.group(1))));
      } else if (positions.matches()) {
        int features = Integer.parseInt(positions.group(1));
        int grid = Integer.parseInt(positions.group(2));
        boolean some = positions.group(3) != null;
        computed.put(name, positions(golden, name, features, grid, some));
      }
    }
    return computed;
  }

  private static Computed timesteps(GoldenFile golden, int features) {
    float[] t = golden.input("t", -1).toFloats();
    requireSize(golden, "timestep features", (long) t.length * features);
    float[] table = new float[t.length * features];
    for (int i = 0; i < t.length; i++) {
      Embeddings.timestep(t[i], table, i * features, features);
    }
    return Computed.of(table, t.length, features);
  }

  private static Computed positions(
      GoldenFile golden, String name, int features, int grid, boolean some) {
    int tokens = grid * grid;
    if (features % 4 != 0) {
      throw golden.fault(
          "expects '%s', but the features of a position are a multiple of 4".formatted(name));
    }
    requireSize(golden, "position features", (long) tokens * features);
    float[] table = Embeddings.position(features, grid);
    if (!some) {
      return Computed.of(table, tokens, features);
    }
    int[] rows = golden.inputInts("big_rows", -1);
    requireSize(golden, "position features", (long) rows.length * features);
    float[] kept = new float[rows.length * features];
    for (int i = 0; i < rows.length; i++) {
      if (rows[i] < 0 || rows[i] >= tokens) {
        throw golden.fault(
            "its tensor 'in.big_rows' names token %d, but '%s' has %d tokens"
                .formatted(rows[i], name, tokens));
      }
      System.arraycopy(table, rows[i] * features, kept, i * features, features);
    }
    return Computed.of(kept, rows.length, features);
  }

  private static void requireSize(GoldenFile golden, String what, long size) {
    if (size < 1 || size > MAX_TABLE) {
      throw golden.fault("expects %d %s; 1 to %d can be computed".formatted(size, what, MAX_TABLE));
    }
  }
}
