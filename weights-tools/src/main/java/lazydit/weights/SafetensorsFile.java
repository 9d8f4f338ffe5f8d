package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The safetensors format: the header's length (8 bytes, little-endian), a JSON header, raw data. As
 * its specification asks, tensors must lie inside the data, cover it, and not overlap.
 */
final class SafetensorsFile {
  static final String METADATA = "__metadata__";

  /** The specification's own limit. */
  private static final long MAX_HEADER = 100_000_000;

  private static final int HEAP_PER_HEADER_BYTE = 16;

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String file;
  private final MemorySegment all;

  private SafetensorsFile(String file, MemorySegment all) {
    this.file = file;
    this.all = all;
  }

  /** Whether a file begins as safetensors files do: a length that fits, then a brace. */
  static boolean looksLike(MemorySegment all) {
    if (all.byteSize() < 10) {
      return false;
    }
    return all.get(ValueLayout.JAVA_BYTE, 8) == '{' && (all.get(LONG, 0) >>> 48) == 0;
  }

  static Contents read(String file, MemorySegment all) {
    return new SafetensorsFile(file, all).contents();
  }

  /** Where a tensor's bytes are, counted from the beginning of the data. */
  private record Extent(String name, long begin, long end) {}

  private Contents contents() {
    long length = all.get(LONG, 0);
    if (length < 0 || length > all.byteSize() - 8) {
      throw fault(
          "its header claims %s bytes; the file has only %d"
              .formatted(Long.toUnsignedString(length), all.byteSize()));
    }
    long most = HeapBudget.limit(MAX_HEADER, HEAP_PER_HEADER_BYTE);
    if (length > most) {
      throw fault("its header has " + length + " bytes; at most " + most + " are supported");
    }
    String text = Json.decode(all.asSlice(8, length).asByteBuffer(), file);
    MemorySegment data = all.asSlice(8 + length);
    Contents contents = new Contents();
    List<Extent> extents = new ArrayList<>();
    for (Map.Entry<String, Object> member : Json.parseObject(text, file).entrySet()) {
      if (member.getKey().equals(METADATA)) {
        contents.metadata = metadata(member.getValue());
      } else {
        StoredTensor tensor = tensor(member.getKey(), member.getValue(), data, extents);
        contents.tensors.put(tensor.name(), tensor);
      }
    }
    requireCover(extents, data.byteSize());
    Int8Rows.attachScales(contents, file);
    return contents;
  }

  private Map<String, String> metadata(Object value) {
    Map<String, String> metadata = new LinkedHashMap<>();
    Json.object(value, file, METADATA)
        .forEach(
            (key, entry) -> {
              if (!(entry instanceof String text)) {
                throw fault("its metadata '" + key + "' is not text");
              }
              metadata.put(key, text);
            });
    return metadata;
  }

  private StoredTensor tensor(String name, Object value, MemorySegment data, List<Extent> extents) {
    Map<String, Object> entry = Json.object(value, file, "the entry of tensor '" + name + "'");
    if (!(entry.get("dtype") instanceof String type)) {
      throw fault("tensor '" + name + "' has no dtype");
    }
    DType dtype =
        DType.named(type)
            .orElseThrow(
                () ->
                    fault("tensor '" + name + "' has the dtype " + type + ", not supported here"));
    long[] shape = longs(entry.get("shape"), name, "shape");
    long[] offsets = longs(entry.get("data_offsets"), name, "data_offsets");
    if (offsets.length != 2 || offsets[0] > offsets[1] || offsets[1] > data.byteSize()) {
      throw fault(
          "tensor '%s' has the data_offsets %s in %d bytes of data"
              .formatted(name, entry.get("data_offsets"), data.byteSize()));
    }
    long size = StoredTensor.elements(file, name, shape) * dtype.width();
    if (offsets[1] - offsets[0] != size) {
      throw fault(
          "tensor '%s' has %d bytes of data where its shape and dtype need %d"
              .formatted(name, offsets[1] - offsets[0], size));
    }
    extents.add(new Extent(name, offsets[0], offsets[1]));
    Storage storage = Storage.unchecked(data.asSlice(offsets[0], size));
    return StoredTensor.contiguous(file, name, dtype, shape, storage);
  }

  private long[] longs(Object value, String name, String what) {
    if (!(value instanceof List<?> items)) {
      throw fault("tensor '" + name + "' has no " + what);
    }
    long[] values = new long[items.size()];
    for (int i = 0; i < values.length; i++) {
      if (!(items.get(i) instanceof Long number) || number < 0) {
        throw fault(
            "tensor '"
                + name
                + "' has "
                + items.get(i)
                + " in its "
                + what
                + " where a count is expected");
      }
      values[i] = number;
    }
    return values;
  }

  private void requireCover(List<Extent> extents, long size) {
    extents.sort(Comparator.comparingLong(Extent::begin).thenComparingLong(Extent::end));
    long covered = 0;
    for (Extent extent : extents) {
      if (extent.begin != covered) {
        throw fault(
            "tensor '%s' begins at byte %d of the data where %d is expected: %s"
                .formatted(
                    extent.name,
                    extent.begin,
                    covered,
                    extent.begin < covered ? "tensors overlap" : "there is a gap"));
      }
      covered = extent.end;
    }
    if (covered != size) {
      throw fault("has " + (size - covered) + " bytes behind its last tensor");
    }
  }

  private CheckpointException fault(String problem) {
    return new CheckpointException(file, problem);
  }

  /**
   * Reads a sharded set through its index ({@code *.index.json}).
   *
   * @param open maps and reads one shard of the set
   */
  static Contents readShards(Path index, Function<Path, Contents> open) {
    String file = index.toString();
    Map<String, Object> json = Json.read(index);
    Map<String, Object> weightMap = Json.object(json.get("weight_map"), file, "its weight_map");
    Map<String, Contents> shards = new LinkedHashMap<>();
    Contents contents = new Contents();
    weightMap.forEach(
        (name, value) -> {
          String shard = shardName(file, name, value);
          Contents held = shards.computeIfAbsent(shard, s -> open.apply(index.resolveSibling(s)));
          StoredTensor tensor = held.tensors.get(name);
          if (tensor == null) {
            throw new CheckpointException(
                file, "says that tensor '" + name + "' is in '" + shard + "', which lacks it");
          }
          contents.tensors.put(name, tensor);
        });
    return contents;
  }

  private static String shardName(String file, String tensor, Object value) {
    if (value instanceof String name
        && !name.isEmpty()
        && !name.equals(".")
        && !name.equals("..")
        && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c == 0)) {
      return name;
    }
    throw new CheckpointException(
        file,
        "puts tensor '" + tensor + "' in '" + value + "', which is not a file of the same folder");
  }
}
