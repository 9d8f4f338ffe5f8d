package lazydit.sampler;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lazydit.dit.CachePolicy;
import lazydit.dit.Dit;
import lazydit.dit.TransformerConfig;
import lazydit.engine.Workers;
import lazydit.weights.Computed;
import lazydit.weights.GoldenFile;
import lazydit.weights.NetworkParity;
import lazydit.weights.ParitySuite;

/**
 * A forward pass with guidance: {@code out.cfg_SCALE} in golden files of kinds {@code dit} and
 * {@code largedit}. Of the inputs {@code in.cfg.x} {@code [2N, C, H, W]}, {@code in.cfg.t} and
 * {@code in.cfg.y} {@code [2N]}, the second half of x is not used: both halves of the network's
 * batch are the first.
 */
final class GuidanceParity implements ParitySuite {
  private static final String PREFIX = "out.cfg_";

  @Override
  public boolean handles(GoldenFile golden) {
    return NetworkParity.isNetwork(golden) && !scales(golden).isEmpty();
  }

  private static List<String> scales(GoldenFile golden) {
    return golden.expectedNames().stream()
        .filter(name -> name.startsWith(PREFIX))
        .map(name -> name.substring(PREFIX.length()))
        .toList();
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Dit dit = NetworkParity.network(golden);
    TransformerConfig config = dit.config();
    float[] timesteps = golden.input("cfg.t", -1).toFloats();
    int rows = timesteps.length;
    GoldenSampling.requireHalves(golden, "cfg.t", rows);
    int[] labels = golden.inputInts("cfg.y", rows);
    int size = config.inputSize();
    float[] x = golden.input("cfg.x", rows, config.inChannels(), size, size).toFloats();
    System.arraycopy(x, 0, x, x.length / 2, x.length / 2);
    float[] out = new float[rows * config.outChannels() * size * size];
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      dit.newRun(rows, 1, CachePolicy.none(), workers).forward(x, timesteps, labels, 0, out);
    }
    Map<String, Computed> computed = new LinkedHashMap<>();
    for (String scale : scales(golden)) {
      float[] guided = out.clone();
      new Guidance(number(golden, scale), Guidance.Channels.FIRST_3)
          .apply(guided, rows / 2, config.inChannels(), config.outChannels(), size * size);
      computed.put(PREFIX + scale, Computed.of(guided, rows, config.outChannels(), size, size));
    }
    return computed;
  }

  private static double number(GoldenFile golden, String scale) {
    try {
      return Double.parseDouble(scale);
    } catch (NumberFormatException e) {
      throw golden.fault("the name of '" + PREFIX + scale + "' must end with a guidance scale");
    }
  }
}
