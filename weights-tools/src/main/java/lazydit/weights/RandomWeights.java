package lazydit.weights;

import java.util.LinkedHashMap;
import java.util.Map;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.DitConfig;
import lazydit.dit.Embeddings;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;

/**
 * Weights for a network that nobody has trained, made while they are read. Unlike those that
 * training begins with, none are zero: every layer has its effect, and signals neither die nor grow
 * on their way. The seed alone decides what they are, not the layout they are written in.
 */
public final class RandomWeights {
  /** Of shifts, scales and gates: a block's branches add up over the depth of the network. */
  private static final double MODULATION_GAIN = 0.75;

  private static final float CLASS_DEVIATION = 0.5f;
  private static final float BIAS_DEVIATION = 0.05f;
  private static final float NORM_DEVIATION = 0.1f;

  /** Far above every published model; what a file says about itself may be anything. */
  private static final long MAX_POSITIONS = 1 << 26;

  private RandomWeights() {}

  /**
   * Weights of a transformer.
   *
   * @param config the architecture
   * @param seed any number
   * @return float32 tensors under facebook's names, or Large-DiT's
   */
  public static Map<String, TensorData> of(TransformerConfig config, long seed) {
    Map<String, TensorData> tensors = of(NetworkTensors.of(config), seed);
    if (config instanceof DitConfig dit) {
      tensors.put("pos_embed", positions(dit.hiddenSize(), dit.grid()));
    }
    return tensors;
  }

  /**
   * Weights of a VAE.
   *
   * @param config the architecture
   * @param seed any number
   * @return float32 tensors under diffusers' names
   */
  public static Map<String, TensorData> of(AutoencoderKlConfig config, long seed) {
    return of(NetworkTensors.of(config), seed);
  }

  /** The table of positions, which is never learned: {@code [1, grid * grid, D]}. */
  static TensorData positions(int hiddenSize, int grid) {
    if ((long) grid * grid * hiddenSize > MAX_POSITIONS) {
      throw new LazyDitException(
          "A table of positions of %d x %d tokens of %d features is too large."
              .formatted(grid, grid, hiddenSize));
    }
    return new FloatTensor(
        Embeddings.position(hiddenSize, grid), 1, (long) grid * grid, hiddenSize);
  }

  private static Map<String, TensorData> of(Map<String, long[]> shapes, long seed) {
    Map<String, TensorData> tensors = new LinkedHashMap<>();
    shapes.forEach((name, shape) -> tensors.put(name, tensor(name, shape, seed)));
    return tensors;
  }

  private static TensorData tensor(String name, long[] shape, long seed) {
    if (name.endsWith(".bias")) {
      return RandomTensor.of(seed, name, 0, BIAS_DEVIATION, shape);
    }
    if (shape.length == 1) {
      return RandomTensor.of(seed, name, 1, NORM_DEVIATION, shape);
    }
    if (name.startsWith("y_embedder.")) {
      return RandomTensor.of(seed, name, 0, CLASS_DEVIATION, shape);
    }
    long inputs = 1;
    for (int i = 1; i < shape.length; i++) {
      inputs *= shape[i];
    }
    double gain = name.contains("adaLN_modulation") ? MODULATION_GAIN : 1;
    return RandomTensor.of(seed, name, 0, (float) (gain / Math.sqrt(inputs)), shape);
  }
}
