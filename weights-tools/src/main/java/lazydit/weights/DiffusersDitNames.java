package lazydit.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import lazydit.dit.WeightSource;

/**
 * A DiT under the names of Hugging Face diffusers, seen under facebook's. Queries, keys and values
 * are three tensors there, put together while reading; every block has a copy of the embedders, of
 * which the first is taken; positions are not stored.
 */
final class DiffusersDitNames implements WeightSource {
  private static final String QUERIES = "transformer_blocks.0.attn1.to_q.weight";
  private static final String EMBEDDERS = "transformer_blocks.0.norm1.emb.";

  private static final Map<String, String> OUTER =
      Map.of(
          "x_embedder.proj",
          "pos_embed.proj",
          "t_embedder.mlp.0",
          EMBEDDERS + "timestep_embedder.linear_1",
          "t_embedder.mlp.2",
          EMBEDDERS + "timestep_embedder.linear_2",
          "y_embedder.embedding_table",
          EMBEDDERS + "class_embedder.embedding_table",
          "final_layer.adaLN_modulation.1",
          "proj_out_1",
          "final_layer.linear",
          "proj_out_2");

  private static final Map<String, List<String>> INNER =
      Map.of(
          "adaLN_modulation.1", List.of("norm1.linear"),
          "attn.qkv", List.of("attn1.to_q", "attn1.to_k", "attn1.to_v"),
          "attn.proj", List.of("attn1.to_out.0"),
          "mlp.fc1", List.of("ff.net.0.proj"),
          "mlp.fc2", List.of("ff.net.2"));

  private static final Pattern NAME = Pattern.compile("(?<layer>.+)\\.(?<kind>weight|bias)");
  private static final Pattern BLOCK = Pattern.compile("blocks\\.(?<index>\\d+)\\.(?<layer>.+)");

  private static final Pattern STORED_BLOCK =
      Pattern.compile("transformer_blocks\\.(?<index>\\d{1,9})\\..+");

  private static final Pattern COPY =
      Pattern.compile("transformer_blocks\\.\\d+\\.norm1\\.emb\\..+");

  private static final int MAX_DIMENSIONS = 4;
  private static final int MAX_SIZE = 1 << 20;

  private final WeightSource stored;

  /** Parts by name: a network reads its tensors row by row. */
  private final Map<String, List<String>> known = new ConcurrentHashMap<>();

  DiffusersDitNames(WeightSource stored) {
    this.stored = stored;
  }

  static boolean matches(WeightSource stored) {
    return stored.contains(QUERIES);
  }

  /** The stored tensors that are a tensor when put below each other; none for an unknown name. */
  static List<String> parts(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      return List.of();
    }
    String layer = matcher.group("layer");
    String kind = "." + matcher.group("kind");
    if (OUTER.containsKey(layer)) {
      return List.of(OUTER.get(layer) + kind);
    }
    Matcher block = BLOCK.matcher(layer);
    if (!block.matches()) {
      return List.of();
    }
    String prefix = "transformer_blocks." + block.group("index") + ".";
    return INNER.getOrDefault(block.group("layer"), List.of()).stream()
        .map(part -> prefix + part + kind)
        .toList();
  }

  private List<String> partsOf(String name) {
    return known.computeIfAbsent(name, DiffusersDitNames::parts);
  }

  /** The names of a tensor that every one of so many blocks has a copy of; or else the one. */
  static List<String> copies(String name, int depth) {
    if (!name.startsWith(EMBEDDERS)) {
      return List.of(name);
    }
    String rest = name.substring(EMBEDDERS.length());
    return IntStream.range(0, depth)
        .mapToObj(block -> "transformer_blocks." + block + ".norm1.emb." + rest)
        .toList();
  }

  /** Whether a tensor repeats block 0's. */
  static boolean isFurtherCopy(String name) {
    return COPY.matcher(name).matches() && !name.startsWith(EMBEDDERS);
  }

  /** What a tensor repeats. */
  static String firstCopy(String name) {
    return name.replaceFirst("transformer_blocks\\.\\d+\\.norm1\\.emb\\.", EMBEDDERS);
  }

  @Override
  public boolean contains(String name) {
    List<String> parts = parts(name);
    return !parts.isEmpty() && parts.stream().allMatch(stored::contains);
  }

  @Override
  public long[] shape(String name) {
    List<String> parts = parts(name);
    if (parts.isEmpty()) {
      throw new CheckpointException(describe(), "has nothing that facebook calls '" + name + "'");
    }
    long[] shape = storedShape(parts.getFirst());
    for (String part : parts.subList(1, parts.size())) {
      long[] further = storedShape(part);
      if (shape.length == 0
          || further.length != shape.length
          || rowSize(further) != rowSize(shape)) {
        throw new CheckpointException(
            describe(), "its tensor '%s' does not fit '%s'".formatted(part, parts.getFirst()));
      }
      shape[0] += further[0];
    }
    return shape;
  }

  /** A shape whose sizes cannot overflow what is made of them. */
  private long[] storedShape(String part) {
    long[] shape = stored.shape(part);
    if (shape.length > MAX_DIMENSIONS || Arrays.stream(shape).anyMatch(n -> n > MAX_SIZE)) {
      throw new CheckpointException(
          describe(), "its tensor '%s' has shape %s".formatted(part, Arrays.toString(shape)));
    }
    return shape;
  }

  private static long rowSize(long[] shape) {
    long size = 1;
    for (int i = 1; i < shape.length; i++) {
      size *= shape[i];
    }
    return size;
  }

  @Override
  public float scale(String name, long row) {
    long left = row;
    for (String part : partsOf(name)) {
      long rows = storedShape(part)[0];
      if (left < rows) {
        return stored.scale(part, left);
      }
      left -= rows;
    }
    throw new CheckpointException(describe(), "has no row %d of '%s'".formatted(row, name));
  }

  @Override
  public void read(String name, long offset, float[] into, int at, int count) {
    long first = 0;
    int done = 0;
    for (String part : partsOf(name)) {
      long size = size(storedShape(part));
      long from = offset + done - first;
      if (done < count && from < size) {
        int length = (int) Math.min(count - done, size - from);
        stored.read(part, from, into, at + done, length);
        done += length;
      }
      first += size;
    }
    if (done < count) {
      throw new CheckpointException(
          describe(), "ends before element %d of '%s'".formatted(offset + count, name));
    }
  }

  private static long size(long[] shape) {
    return shape.length == 0 ? 1 : shape[0] * rowSize(shape);
  }

  /** {@return facebook's names of all that is there} */
  @Override
  public List<String> names() {
    List<String> names = new ArrayList<>();
    OUTER.keySet().stream().sorted().forEach(layer -> addBoth(names, layer));
    for (int i : blocks()) {
      String prefix = "blocks." + i + ".";
      INNER.keySet().stream().sorted().forEach(layer -> addBoth(names, prefix + layer));
    }
    return names;
  }

  /** The blocks of which anything is there. */
  private Set<Integer> blocks() {
    Set<Integer> blocks = new TreeSet<>();
    for (String name : stored.names()) {
      Matcher block = STORED_BLOCK.matcher(name);
      if (block.matches()) {
        blocks.add(Integer.valueOf(block.group("index")));
      }
    }
    return blocks;
  }

  private void addBoth(List<String> names, String layer) {
    for (String kind : List.of(".weight", ".bias")) {
      if (contains(layer + kind)) {
        names.add(layer + kind);
      }
    }
  }

  @Override
  public String describe() {
    return stored.describe();
  }
}
