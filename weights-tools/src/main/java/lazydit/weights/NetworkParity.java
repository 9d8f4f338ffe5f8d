package lazydit.weights;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import lazydit.dit.CachePolicy;
import lazydit.dit.Dit;
import lazydit.dit.DitConfig;
import lazydit.dit.DitRun;
import lazydit.dit.DitSemantics;
import lazydit.dit.LargeDitConfig;
import lazydit.dit.TransformerConfig;
import lazydit.dit.WeightSource;
import lazydit.engine.Rotary;
import lazydit.engine.Workers;

/**
 * One forward pass, looked at inside: golden files of kinds {@code dit} and {@code largedit}, with
 * {@code in.x} {@code [B, C, H, W]}, {@code in.t} and {@code in.y} {@code [B]}. Expected are {@code
 * out.final} and any intermediate under the name that a {@link lazydit.dit.ForwardProbe} is given,
 * such as {@code out.blocks.3.attn} or {@code out.layers.3.attention}.
 */
public final class NetworkParity implements ParitySuite {
  /** A suite; it holds nothing. */
  public NetworkParity() {}

  @Override
  public boolean handles(GoldenFile golden) {
    return isNetwork(golden);
  }

  /**
   * {@return whether it holds one forward pass of a network}
   *
   * @param golden an open golden file
   */
  public static boolean isNetwork(GoldenFile golden) {
    return golden.kind().equals("dit") || golden.kind().equals("largedit");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Dit dit = network(golden);
    TransformerConfig config = dit.config();
    int size = config.inputSize();
    StoredTensor x = golden.input("x", -1, config.inChannels(), size, size);
    int batch = (int) x.shape()[0];
    float[] timesteps = golden.input("t", batch).toFloats();
    int[] labels = golden.inputInts("y", batch);
    float[] out = new float[batch * config.outChannels() * size * size];
    Map<String, Computed> computed = new LinkedHashMap<>();
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      DitRun run = dit.newRun(batch, 1, CachePolicy.none(), workers);
      run.probe(
          (name, values, offset, shape) -> keep(golden, computed, name, values, offset, shape));
      run.forward(x.toFloats(), timesteps, labels, 0, out);
    }
    computed.put("out.final", Computed.of(out, batch, config.outChannels(), size, size));
    if (golden.expects("out.rope_cos") && golden.expects("out.rope_sin")) {
      angles(config, computed);
    }
    return computed;
  }

  /** The table that positions are turned by, {@code [T, d / 2]}. */
  private static void angles(TransformerConfig config, Map<String, Computed> computed) {
    Rotary rotary = new Rotary(config.tokens(), config.headDim(), 10000);
    int pairs = config.headDim() / 2;
    float[] cos = new float[config.tokens() * pairs];
    float[] sin = new float[cos.length];
    for (int i = 0; i < cos.length; i++) {
      cos[i] = rotary.cos(i / pairs, i % pairs);
      sin[i] = rotary.sin(i / pairs, i % pairs);
    }
    computed.put("out.rope_cos", Computed.of(cos, config.tokens(), pairs));
    computed.put("out.rope_sin", Computed.of(sin, config.tokens(), pairs));
  }

  private static void keep(
      GoldenFile golden,
      Map<String, Computed> computed,
      String name,
      float[] values,
      int offset,
      long[] shape) {
    if (golden.expects("out." + name)) {
      int count = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
      float[] copy = Arrays.copyOfRange(values, offset, offset + count);
      computed.put("out." + name, Computed.of(copy, shape));
    }
  }

  /**
   * Builds the network that a golden file describes.
   *
   * @param golden an open golden file with a network's weights
   * @param at the keys that lead from the top of its configuration to the network's
   * @return the network, which no longer needs the file
   * @throws lazydit.engine.LazyDitException when the configuration lacks something or does not fit
   *     the weights
   */
  public static Dit network(GoldenFile golden, String... at) {
    return network(golden, DitSemantics.FACEBOOK, at);
  }

  /**
   * Builds the network that a golden file describes, to compute as another implementation does.
   *
   * @param golden an open golden file with a network's weights
   * @param semantics how to compute
   * @param at the keys that lead from the top of its configuration to the network's
   * @return the network, which no longer needs the file
   * @throws lazydit.engine.LazyDitException when the configuration lacks something or does not fit
   *     the weights
   */
  public static Dit network(GoldenFile golden, DitSemantics semantics, String... at) {
    TransformerConfig config = config(golden, at);
    WeightSource stored = golden.weights();
    WeightSource named = DiffusersDitNames.matches(stored) ? new DiffusersDitNames(stored) : stored;
    return new Dit(config, named, semantics);
  }

  /**
   * The architecture that a golden file describes.
   *
   * @param golden an open golden file
   * @param at the keys that lead from the top of its configuration to the network's
   * @return the architecture
   * @throws lazydit.engine.LazyDitException when the configuration lacks something
   */
  public static TransformerConfig config(GoldenFile golden, String... at) {
    Keys keys =
        key -> {
          String[] path = Arrays.copyOf(at, at.length + 1);
          path[at.length] = key;
          return path;
        };
    return golden.config(keys.to("dim")) == null ? dit(golden, keys) : largeDit(golden, keys);
  }

  private static DitConfig dit(GoldenFile golden, Keys keys) {
    int hiddenSize = golden.configInt(keys.to("hidden_size"));
    return new DitConfig(
        golden.configInt(keys.to("input_size")),
        golden.configInt(keys.to("patch_size")),
        golden.configInt(keys.to("in_channels")),
        hiddenSize,
        golden.configInt(keys.to("depth")),
        golden.configInt(keys.to("num_heads")),
        (int) (hiddenSize * golden.configDouble(keys.to("mlp_ratio"))),
        golden.configInt(keys.to("num_classes")),
        golden.configFlag(keys.to("learn_sigma")));
  }

  private static LargeDitConfig largeDit(GoldenFile golden, Keys keys) {
    int hiddenSize = golden.configInt(keys.to("dim"));
    int heads = golden.configInt(keys.to("n_heads"));
    boolean grouped = golden.config(keys.to("n_kv_heads")) != null;
    boolean scaled = golden.config(keys.to("ffn_dim_multiplier")) != null;
    return new LargeDitConfig(
        golden.configInt(keys.to("input_size")),
        golden.configInt(keys.to("patch_size")),
        golden.configInt(keys.to("in_channels")),
        hiddenSize,
        golden.configInt(keys.to("n_layers")),
        heads,
        grouped ? golden.configInt(keys.to("n_kv_heads")) : heads,
        LargeDitConfig.ffnHidden(
            hiddenSize,
            scaled ? golden.configDouble(keys.to("ffn_dim_multiplier")) : 1,
            golden.configInt(keys.to("multiple_of"))),
        golden.configInt(keys.to("num_classes")),
        golden.configFlag(keys.to("learn_sigma")),
        golden.configFlag(keys.to("qk_norm")));
  }

  private interface Keys {
    String[] to(String key);
  }
}
