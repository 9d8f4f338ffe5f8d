package lazydit.weights;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;

/**
 * How much memory a network takes.
 *
 * @param weightsF32 bytes of its weights as float32
 * @param weightsBf16 bytes of its weights as bfloat16
 * @param weightsInt8 bytes of its weights with the matrices of blocks as int8, as of a transformer
 * @param run an estimate of the bytes that a run takes besides
 * @param what that run is, for people
 */
record MemoryNeeds(
    long weightsF32, long weightsBf16, OptionalLong weightsInt8, long run, String what) {
  /** Rows of a batch: a picture and its null row. */
  private static final int GUIDED = 2;

  /** Steps whose conditioning is held at a time, at most so many bytes of it. */
  private static final int STEPS = 50;

  private static final long MOST_CONDITIONING = 32L << 20;
  private static final int VECTORS = 6;

  /** Of a decoder: images of its widest kind that are alive at once. */
  private static final int MAPS = 3;

  private static final int PIXELS = 256;

  static Optional<MemoryNeeds> of(ModelFile model) {
    try {
      return switch (model.kind()) {
        case DIT, LARGE_DIT -> Optional.of(of(model, model.transformer()));
        case VAE -> Optional.of(of(model.vae(), size(model)));
        case GATES, OTHER -> Optional.empty();
      };
    } catch (LazyDitException e) {
      return Optional.empty();
    }
  }

  private static long size(ModelFile model) {
    return model.canonical().tensors().values().stream().mapToLong(TensorData::size).sum();
  }

  /** What int8 saves of the matrices of blocks, but for a scale a row. */
  private static long saved(ModelFile model) {
    long saved = 0;
    for (Map.Entry<String, TensorData> tensor : model.canonical().tensors().entrySet()) {
      if (Quantize.isMatrix(tensor.getKey(), tensor.getValue())) {
        long rows = tensor.getValue().shape()[0];
        saved += tensor.getValue().size() * (Float.BYTES - Byte.BYTES) - rows * Float.BYTES;
      }
    }
    return saved;
  }

  private static MemoryNeeds of(ModelFile model, TransformerConfig config) {
    long rows = (long) GUIDED * config.tokens();
    long d = config.hiddenSize();
    long qkv = (config.numHeads() + 2L * config.numKvHeads()) * config.headDim();
    long features = 4 * d + Math.max(qkv, config.mlpHidden());
    long vectors = (VECTORS * (long) config.depth() + 2) * d * GUIDED * Float.BYTES;
    long conditioning = Math.min(MOST_CONDITIONING, STEPS * vectors);
    return new MemoryNeeds(
        config.parameters() * Float.BYTES,
        config.parameters() * Short.BYTES,
        OptionalLong.of(config.parameters() * Float.BYTES - saved(model)),
        rows * features * Float.BYTES + conditioning,
        "a picture with guidance");
  }

  private static MemoryNeeds of(AutoencoderKlConfig config, long parameters) {
    long widest = 0;
    for (int level = 0; level < config.levels(); level++) {
      long side = PIXELS >> level;
      int further = Math.min(level + 1, config.levels() - 1);
      int channels =
          Math.max(config.blockOutChannels().get(level), config.blockOutChannels().get(further));
      widest = Math.max(widest, side * side * channels);
    }
    return new MemoryNeeds(
        parameters * Float.BYTES,
        parameters * Short.BYTES,
        OptionalLong.empty(),
        MAPS * widest * Float.BYTES,
        "a picture of %d x %d pixels".formatted(PIXELS, PIXELS));
  }

  String text() {
    return String.format(
        Locale.ROOT,
        "weights %s as float32, %s as bfloat16%s; a run about %s more (%s)",
        bytes(weightsF32),
        bytes(weightsBf16),
        weightsInt8.isPresent() ? ", %s as int8".formatted(bytes(weightsInt8.getAsLong())) : "",
        bytes(run),
        what);
  }

  static String bytes(long count) {
    return count < 1_000_000_000
        ? String.format(Locale.ROOT, "%.1f MB", count / 1e6)
        : String.format(Locale.ROOT, "%.2f GB", count / 1e9);
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("weights_f32_bytes", weightsF32);
    json.put("weights_bf16_bytes", weightsBf16);
    weightsInt8.ifPresent(bytes -> json.put("weights_int8_bytes", bytes));
    json.put("run_bytes", run);
    return json;
  }
}
