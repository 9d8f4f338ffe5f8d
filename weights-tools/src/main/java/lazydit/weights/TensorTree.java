package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Flattens an unpickled value: tensors under their keys joined by dots, everything else as plain
 * Java values. Bounded in depth, in names, in what it unfolds (a pickle can share one list, or one
 * long text, a million times over) and in the bytes that its views pretend to be.
 */
final class TensorTree {
  /** Finds the bytes of a storage. */
  interface Storages {
    /**
     * @throws CheckpointException when the file has no such storage or it is too short
     */
    Storage find(Py.StorageRef reference);
  }

  private static final int MAX_DEPTH = 48;
  private static final int MAX_NAME = 4096;

  /** What a pickle may unfold to: values, and as much text as there is in so many. */
  private static final long FREE_NODES = 4_000;

  private static final long NODES_PER_BYTE = 2;
  private static final int CHARS_PER_NODE = 24;

  /** Views may be this many times as large as the file, all together, before they are a bomb. */
  private static final long MAX_EXPANSION = 16;

  private static final long FREE_EXPANSION = 4L << 20;

  private final String file;
  private final Storages storages;
  private final long maxNodes;
  private final long maxBytes;
  private final Contents contents = new Contents();
  private long nodes;
  private long bytes;

  private TensorTree(String file, long fileBytes, long pickleBytes, Storages storages) {
    this.file = file;
    this.storages = storages;
    this.maxNodes = FREE_NODES + NODES_PER_BYTE * pickleBytes;
    this.maxBytes = FREE_EXPANSION + MAX_EXPANSION * fileBytes;
  }

  /**
   * @param root the unpickled value
   * @param pickleBytes the length of the pickle
   */
  static Contents flatten(
      String file, long fileBytes, Object root, long pickleBytes, Storages storages) {
    if (!(root instanceof Py.Dict dict)) {
      throw new CheckpointException(
          file, "holds " + kind(root) + " where a dictionary of tensors is expected");
    }
    TensorTree tree = new TensorTree(file, fileBytes, pickleBytes, storages);
    tree.contents.values = Collections.unmodifiableMap(tree.members(dict, "", 0));
    return tree.contents;
  }

  private static String kind(Object value) {
    return switch (value) {
      case null -> "None";
      case Py.Tensor tensor -> "a single tensor";
      case Py.Sequence sequence -> "a list";
      default -> "a single value";
    };
  }

  /** Recursion here and below is bounded by {@link #MAX_DEPTH}. */
  private Map<String, Object> members(Py.Dict dict, String path, int depth) {
    Map<String, Object> plain = new LinkedHashMap<>();
    for (Map.Entry<Object, Object> member : dict.entries.entrySet()) {
      String name = key(member.getKey());
      int tensorsBefore = contents.tensors.size();
      Object value = value(member.getValue(), join(path, name), depth + 1);
      if (depth == 0
          && member.getValue() instanceof Py.Dict
          && contents.tensors.size() > tensorsBefore) {
        contents.sections.add(name);
      }
      boolean onlyTensors = value instanceof Map<?, ?> map && map.isEmpty() && !empty(member);
      if (!isTensor(member.getValue()) && !onlyTensors && plain.put(name, value) != null) {
        throw fault("holds the key '" + name + "' twice");
      }
    }
    return plain;
  }

  private static boolean empty(Map.Entry<Object, Object> member) {
    return ((Py.Dict) member.getValue()).entries.isEmpty();
  }

  private static boolean isTensor(Object value) {
    return value instanceof Py.Tensor || value instanceof Py.NumpyArray;
  }

  private Object value(Object value, String path, int depth) {
    int chars = path.length() + (value instanceof String text ? text.length() : 0);
    nodes += 1 + chars / CHARS_PER_NODE;
    if (nodes > maxNodes) {
      throw fault("shares its values so often that it would unfold to over " + maxNodes);
    }
    if (depth > MAX_DEPTH) {
      throw fault("is nested deeper than " + MAX_DEPTH + " levels");
    }
    return switch (value) {
      case Py.Dict dict -> members(dict, path, depth);
      case Py.Sequence sequence -> items(sequence, path, depth);
      case Py.Tensor tensor -> add(tensor(path, tensor));
      case Py.NumpyArray array -> add(tensor(path, array));
      case Py.Bytes content -> "<" + content.content.byteSize() + " bytes>";
      case Py.Global global -> global.name;
      case Py.NumpyType type -> type.dtype.name();
      case Py.StorageRef storage -> "<storage " + storage.key + ">";
      case null, default -> value;
    };
  }

  private List<Object> items(Py.Sequence sequence, String path, int depth) {
    List<Object> plain = new ArrayList<>();
    for (int i = 0; i < sequence.items.size(); i++) {
      plain.add(value(sequence.items.get(i), join(path, Integer.toString(i)), depth + 1));
    }
    return plain;
  }

  private String join(String path, String name) {
    if (path.length() + name.length() > MAX_NAME) {
      throw fault("holds a name of more than " + MAX_NAME + " characters");
    }
    return path.isEmpty() ? name : path + "." + name;
  }

  /** A dict key as text; containers and the like, which have none, by their kind. */
  private static String key(Object key) {
    return switch (key) {
      case null -> "None";
      case Boolean truth -> truth ? "True" : "False";
      case String text -> text;
      case Number number -> number.toString();
      case Py.Global global -> global.name;
      default -> "<" + key.getClass().getSimpleName() + ">";
    };
  }

  private String add(StoredTensor tensor) {
    bytes += Math.min(tensor.byteSize(), maxBytes + 1);
    if (bytes > maxBytes) {
      throw fault(
          "holds tensors that pretend to be far larger than the file, the last of them '"
              + tensor.name()
              + "'");
    }
    if (contents.tensors.put(tensor.name(), tensor) != null) {
      throw fault("holds two tensors whose names both read '" + tensor.name() + "'");
    }
    return "<tensor " + tensor.name() + ">";
  }

  private StoredTensor tensor(String path, Py.Tensor tensor) {
    Py.StorageRef ref = tensor.storage;
    // The type of a tensor over an untyped storage is its own; bounds must hold in those elements.
    long limit = ref.count * ref.dtype.width() / tensor.dtype.width();
    long begin = ref.begin * ref.dtype.width() / tensor.dtype.width();
    if (tensor.offset < 0 || tensor.offset > limit) {
      throw fault(
          "tensor '"
              + path
              + "' begins at element "
              + tensor.offset
              + " of a storage of "
              + limit
              + " elements");
    }
    Storage whole = storages.find(ref);
    Storage window = whole.first((begin + limit) * tensor.dtype.width());
    return StoredTensor.strided(
        file, path, tensor.dtype, tensor.shape, tensor.strides, begin + tensor.offset, window);
  }

  private StoredTensor tensor(String path, Py.NumpyArray array) {
    if (array.content == null) {
      throw fault("holds the numpy array '" + path + "' without content");
    }
    long size = StoredTensor.elements(file, path, array.shape);
    MemorySegment content = array.content;
    if (content.byteSize() != size * array.dtype.width()) {
      throw fault(
          "numpy array '"
              + path
              + "' of "
              + size
              + " elements holds "
              + content.byteSize()
              + " bytes");
    }
    long[] strides =
        array.columnMajor ? columnMajor(array.shape) : StoredTensor.rowMajor(array.shape);
    return StoredTensor.strided(
        file, path, array.dtype, array.shape, strides, 0, Storage.unchecked(content));
  }

  private static long[] columnMajor(long[] shape) {
    long[] strides = new long[shape.length];
    long step = 1;
    for (int i = 0; i < shape.length; i++) {
      strides[i] = step;
      step *= Math.max(shape[i], 1);
    }
    return strides;
  }

  private CheckpointException fault(String problem) {
    return new CheckpointException(file, problem);
  }
}
