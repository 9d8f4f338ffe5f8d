package lazydit.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import lazydit.dit.DitConfig;

/**
 * The same tensors under other names. Values stay bit for bit; what a naming has no name for is
 * left out and listed.
 *
 * @param tensors the tensors by their new names
 * @param leftOut old names of the tensors that are not among them
 */
record Renaming(Map<String, TensorData> tensors, List<String> leftOut) {
  private static final String POSITIONS = "pos_embed";

  /** A table that is computed with other software differs in the last bits. */
  private static final double POSITION_TOLERANCE = 1e-5;

  /**
   * A DiT's tensors from facebook's to diffusers' names: queries, keys and values apart, the
   * embedders in every block.
   *
   * @throws CheckpointException when the positions are not those that diffusers computes
   */
  static Renaming toDiffusers(
      Map<String, ? extends TensorData> facebook, DitConfig config, String file) {
    Map<String, TensorData> renamed = new LinkedHashMap<>();
    List<String> leftOut = new ArrayList<>();
    facebook.forEach(
        (name, tensor) -> {
          List<String> parts = DiffusersDitNames.parts(name);
          if (name.equals(POSITIONS)) {
            requireUsual(tensor, config, file);
          } else if (parts.isEmpty()) {
            leftOut.add(name);
          } else if (parts.size() == 1) {
            for (String copy : DiffusersDitNames.copies(parts.getFirst(), config.depth())) {
              renamed.put(copy, tensor);
            }
          } else {
            split(name, parts, tensor, renamed, file);
          }
        });
    return new Renaming(renamed, leftOut);
  }

  private static void split(
      String name,
      List<String> parts,
      TensorData tensor,
      Map<String, TensorData> into,
      String file) {
    long[] shape = tensor.shape();
    if (shape.length == 0 || shape[0] % parts.size() != 0) {
      throw new CheckpointException(
          file,
          "its tensor '%s' of shape %s does not divide into queries, keys and values"
              .formatted(name, Arrays.toString(shape)));
    }
    shape[0] /= parts.size();
    long size = tensor.size() / parts.size();
    for (int i = 0; i < parts.size(); i++) {
      into.put(parts.get(i), TensorSlices.of(tensor, i * size, shape));
    }
  }

  private static void requireUsual(TensorData positions, DitConfig config, String file) {
    TensorData usual = RandomWeights.positions(config.hiddenSize(), config.grid());
    if (!Arrays.equals(usual.shape(), positions.shape())) {
      throw new CheckpointException(
          file,
          "its pos_embed has shape %s where %s is expected"
              .formatted(Arrays.toString(positions.shape()), Arrays.toString(usual.shape())));
    }
    float[] expected = new float[(int) usual.size()];
    float[] found = new float[expected.length];
    usual.readFloats(0, expected, 0, expected.length);
    positions.readFloats(0, found, 0, found.length);
    double tolerance = positions.dtype() == DType.F32 ? POSITION_TOLERANCE : 1e-2;
    for (int i = 0; i < found.length; i++) {
      if (!(Math.abs(found[i] - expected[i]) <= tolerance)) {
        throw new CheckpointException(
            file,
            "its pos_embed is not the table of sines that diffusers computes: element %d is %s, not %s"
                .formatted(i, found[i], expected[i]));
      }
    }
  }

  /**
   * A DiT's tensors from diffusers' to facebook's names, with the table of positions that diffusers
   * does not store.
   *
   * @param source the same tensors, seen under facebook's names
   * @param config the architecture; empty to do without the table
   * @throws CheckpointException when queries, keys and values do not fit together
   */
  static Renaming toFacebook(
      Map<String, ? extends TensorData> diffusers,
      DiffusersDitNames source,
      Optional<DitConfig> config) {
    Map<String, TensorData> renamed = new LinkedHashMap<>();
    Set<String> used = new HashSet<>();
    config.ifPresent(
        dit -> renamed.put(POSITIONS, RandomWeights.positions(dit.hiddenSize(), dit.grid())));
    for (String name : source.names()) {
      source.shape(name);
      List<String> parts = DiffusersDitNames.parts(name);
      List<? extends TensorData> tensors = parts.stream().map(diffusers::get).toList();
      renamed.put(name, parts.size() == 1 ? tensors.getFirst() : TensorSlices.stacked(tensors));
      used.addAll(parts);
    }
    List<String> leftOut =
        diffusers.keySet().stream()
            .filter(name -> !used.contains(name) && !DiffusersDitNames.isFurtherCopy(name))
            .toList();
    return new Renaming(renamed, leftOut);
  }

  /**
   * Makes sure that the embedders of all blocks are equal, of which facebook stores one.
   *
   * @throws CheckpointException when two differ
   */
  static void requireEqualCopies(Map<String, ? extends TensorData> diffusers, String file) {
    diffusers.forEach(
        (name, copy) -> {
          if (DiffusersDitNames.isFurtherCopy(name)) {
            TensorData first = diffusers.get(DiffusersDitNames.firstCopy(name));
            if (first == null || !sameBytes(first, copy)) {
              throw new CheckpointException(
                  file,
                  "its tensor '%s' is not the copy of block 0's that facebook's layout takes it for"
                      .formatted(name));
            }
          }
        });
  }

  private static boolean sameBytes(TensorData a, TensorData b) {
    if (a.dtype() != b.dtype() || !Arrays.equals(a.shape(), b.shape())) {
      return false;
    }
    int width = a.dtype().width();
    int step = (1 << 16) / width;
    byte[] left = new byte[step * width];
    byte[] right = new byte[step * width];
    for (long first = 0; first < a.size(); first += step) {
      int count = (int) Math.min(step, a.size() - first);
      a.readBytes(first, left, 0, count);
      b.readBytes(first, right, 0, count);
      if (!Arrays.equals(left, 0, count * width, right, 0, count * width)) {
        return false;
      }
    }
    return true;
  }

  // ---- VAE

  /**
   * A VAE's tensors under diffusers' present names.
   *
   * @param names the names of all its tensors there
   * @param stored what the file calls each
   */
  static Renaming canonical(
      Map<String, ? extends TensorData> tensors, Set<String> names, UnaryOperator<String> stored) {
    Map<String, TensorData> renamed = new LinkedHashMap<>();
    Set<String> used = new HashSet<>();
    for (String name : names) {
      TensorData tensor = tensors.get(stored.apply(name));
      if (tensor != null) {
        long[] shape = tensor.shape();
        boolean convolution = VaeNames.isProjection(name) && shape.length == 4;
        renamed.put(name, convolution ? TensorSlices.of(tensor, 0, shape[0], shape[1]) : tensor);
        used.add(stored.apply(name));
      }
    }
    return new Renaming(
        renamed, tensors.keySet().stream().filter(name -> !used.contains(name)).toList());
  }

  /** A VAE's tensors from diffusers' present to CompVis' names. */
  static Map<String, TensorData> toCompVis(Map<String, TensorData> tensors, int levels) {
    Map<String, TensorData> renamed = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          long[] shape = tensor.shape();
          boolean matrix = VaeNames.isProjection(name) && shape.length == 2;
          renamed.put(
              VaeNames.translated(name, VaeNames.Naming.COMPVIS, levels),
              matrix ? TensorSlices.of(tensor, 0, shape[0], shape[1], 1, 1) : tensor);
        });
    return renamed;
  }
}
