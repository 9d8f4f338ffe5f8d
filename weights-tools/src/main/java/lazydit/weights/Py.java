package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Python values, as far as an ordinary Java value does not express them. ({@code None} is {@code
 * null}; an int is a {@code Long}, or a {@code BigInteger} beyond 64 bits; str, float and bool are
 * {@code String}, {@code Double} and {@code Boolean}.)
 *
 * <p>These are classes, not records, on purpose: equality is identity, so that a hostile pickle
 * cannot make hashing walk a deep or endlessly shared structure.
 */
final class Py {
  private Py() {}

  /** A dict, OrderedDict or Namespace. */
  static final class Dict {
    final Map<Object, Object> entries = new LinkedHashMap<>();
    final boolean namespace;

    Dict(boolean namespace) {
      this.namespace = namespace;
    }

    Dict() {
      this(false);
    }
  }

  /** A list, tuple, set or frozenset. */
  static final class Sequence {
    final List<Object> items;

    Sequence(List<Object> items) {
      this.items = items;
    }

    Sequence() {
      this(new ArrayList<>());
    }
  }

  /** A bytes or bytearray. */
  static final class Bytes {
    final MemorySegment content;

    Bytes(MemorySegment content) {
      this.content = content;
    }
  }

  /** A class or function of the allow list, before it is called. */
  static final class Global {
    final String name;
    final PickleGlobals.Role role;
    final DType dtype;

    Global(String name, PickleGlobals.Role role, DType dtype) {
      this.name = name;
      this.role = role;
      this.dtype = dtype;
    }
  }

  /** A storage that lies elsewhere in the file; {@code begin} and {@code count} are in elements. */
  static final class StorageRef {
    final String key;
    final DType dtype;
    final long begin;
    final long count;

    StorageRef(String key, DType dtype, long begin, long count) {
      this.key = key;
      this.dtype = dtype;
      this.begin = begin;
      this.count = count;
    }
  }

  /** A tensor; {@code offset} counts elements of {@code dtype} from the storage's beginning. */
  static final class Tensor {
    final StorageRef storage;
    final DType dtype;
    final long offset;
    final long[] shape;
    final long[] strides;

    Tensor(StorageRef storage, DType dtype, long offset, long[] shape, long[] strides) {
      this.storage = storage;
      this.dtype = dtype;
      this.offset = offset;
      this.shape = shape;
      this.strides = strides;
    }
  }

  /** A numpy dtype; the state that follows its construction fixes the byte order. */
  static final class NumpyType {
    final DType dtype;

    NumpyType(DType dtype) {
      this.dtype = dtype;
    }
  }

  /** A numpy array: made empty, filled by the state that follows. */
  static final class NumpyArray {
    DType dtype;
    long[] shape;
    boolean columnMajor;
    MemorySegment content;
  }
}
