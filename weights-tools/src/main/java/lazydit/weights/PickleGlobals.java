package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * The Python names that a checkpoint may mention, and what "calling" each of them means here:
 * making a plain value. Nothing outside this list is ever accepted, and nothing in it has effects.
 */
final class PickleGlobals {
  /** What a name stands for. */
  enum Role {
    DICT,
    NAMESPACE,
    LIST,
    BYTES,
    ENCODE,
    RECONSTRUCTOR,
    PATH,
    INERT,
    STORAGE,
    DTYPE,
    SIZE,
    DEVICE,
    TENSOR_CLASS,
    REBUILD_TENSOR,
    REBUILD_TENSOR_TYPED,
    REBUILD_PARAMETER,
    REBUILD_FROM_TYPE,
    NUMPY_ARRAY,
    NUMPY_DTYPE,
    NUMPY_RECONSTRUCT,
    NUMPY_FROM_BUFFER,
    NUMPY_SCALAR
  }

  private static final int MAX_RANK = 64;
  private static final int MAX_PATH = 4096;

  private static final Map<String, Py.Global> ALLOWED = new HashMap<>();

  static {
    allow(Role.DICT, "collections OrderedDict", "collections defaultdict");
    allow(Role.NAMESPACE, "argparse Namespace", "types SimpleNamespace");
    for (String builtins : List.of("builtins", "__builtin__")) {
      allow(Role.DICT, builtins + " dict");
      allow(Role.LIST, builtins + " list", builtins + " tuple");
      allow(Role.LIST, builtins + " set", builtins + " frozenset");
      allow(Role.BYTES, builtins + " bytes", builtins + " bytearray");
      for (String type : List.of("object", "int", "long", "float", "str", "bool")) {
        allow(Role.INERT, builtins + " " + type);
      }
    }
    allow(Role.ENCODE, "_codecs encode");
    allow(Role.RECONSTRUCTOR, "copyreg _reconstructor", "copy_reg _reconstructor");
    allow(Role.PATH, "pathlib PosixPath", "pathlib PurePosixPath", "pathlib WindowsPath");
    allow(Role.PATH, "pathlib._local PosixPath", "pathlib._local PurePosixPath");
    allow(Role.INERT, "pytorch_lightning.callbacks.model_checkpoint ModelCheckpoint");

    storages("Float", DType.F32);
    storages("Half", DType.F16);
    storages("BFloat16", DType.BF16);
    storages("Double", DType.F64);
    storages("Long", DType.I64);
    storages("Int", DType.I32);
    storages("Short", DType.I16);
    storages("Char", DType.I8);
    storages("Byte", DType.U8);
    storages("Bool", DType.BOOL);
    storages("Untyped", DType.U8);
    storages("_Untyped", DType.U8);

    dtypes(DType.F32, "float32", "float");
    dtypes(DType.F16, "float16", "half");
    dtypes(DType.BF16, "bfloat16");
    dtypes(DType.F64, "float64", "double");
    dtypes(DType.I64, "int64", "long");
    dtypes(DType.I32, "int32", "int");
    dtypes(DType.I16, "int16", "short");
    dtypes(DType.I8, "int8");
    dtypes(DType.U8, "uint8");
    dtypes(DType.BOOL, "bool");

    allow(Role.SIZE, "torch Size");
    allow(Role.DEVICE, "torch device");
    allow(Role.TENSOR_CLASS, "torch Tensor", "torch._tensor Tensor");
    allow(Role.TENSOR_CLASS, "torch.nn.parameter Parameter", "torch.nn Parameter");
    allow(Role.REBUILD_TENSOR, "torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2");
    allow(Role.REBUILD_TENSOR_TYPED, "torch._utils _rebuild_tensor_v3");
    allow(Role.REBUILD_PARAMETER, "torch._utils _rebuild_parameter");
    allow(Role.REBUILD_PARAMETER, "torch._utils _rebuild_parameter_with_state");
    allow(Role.REBUILD_FROM_TYPE, "torch._tensor _rebuild_from_type_v2");
    allow(Role.REBUILD_FROM_TYPE, "torch._utils _rebuild_from_type_v2");

    allow(Role.NUMPY_ARRAY, "numpy ndarray");
    allow(Role.NUMPY_DTYPE, "numpy dtype");
    for (String core : List.of("numpy.core", "numpy._core")) {
      allow(Role.NUMPY_RECONSTRUCT, core + ".multiarray _reconstruct");
      allow(Role.NUMPY_SCALAR, core + ".multiarray scalar");
      allow(Role.NUMPY_FROM_BUFFER, core + ".numeric _frombuffer");
    }
  }

  private static void allow(Role role, String... names) {
    for (String name : names) {
      ALLOWED.put(name, new Py.Global(name.replace(' ', '.'), role, null));
    }
  }

  private static void storages(String type, DType dtype) {
    for (String module : List.of("torch", "torch.cuda", "torch.storage")) {
      String name = module + " " + type + "Storage";
      ALLOWED.put(name, new Py.Global(name.replace(' ', '.'), Role.STORAGE, dtype));
    }
  }

  private static void dtypes(DType dtype, String... names) {
    for (String name : names) {
      ALLOWED.put("torch " + name, new Py.Global("torch." + name, Role.DTYPE, dtype));
    }
  }

  /** Thrown for a call that makes no sense; the unpickler adds the file and the place. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    Refused(String problem) {
      super(problem, null, false, false);
    }
  }

  private PickleGlobals() {}

  /**
   * {@return what a name stands for, or nothing when it is not on the list; dotted attribute paths
   * never are}
   */
  static Optional<Py.Global> find(String module, String name) {
    return Optional.ofNullable(ALLOWED.get(module + " " + name));
  }

  /** Calls a function or class with positional arguments, as REDUCE and NEWOBJ do. */
  static Object call(Py.Global global, List<Object> args) throws Refused {
    return switch (global.role) {
      case DICT -> dict(args);
      case NAMESPACE -> new Py.Dict(true);
      case LIST -> new Py.Sequence(args.isEmpty() ? new ArrayList<>() : items(args, 0));
      case BYTES -> args.isEmpty() ? bytes("") : as(Py.Bytes.class, args, 0);
      case ENCODE -> encode(args);
      case RECONSTRUCTOR -> call(constructible(args), List.of());
      case PATH -> path(args);
      case SIZE -> new Py.Sequence(args.isEmpty() ? new ArrayList<>() : items(args, 0));
      case DEVICE -> device(args);
      case REBUILD_TENSOR -> rebuildTensor(args, null);
      case REBUILD_TENSOR_TYPED -> rebuildTensor(args, as(Py.Global.class, args, 6));
      case REBUILD_PARAMETER -> as(Py.Tensor.class, args, 0);
      case REBUILD_FROM_TYPE -> rebuildFromType(args);
      case NUMPY_DTYPE -> numpyType(as(String.class, args, 0));
      case NUMPY_RECONSTRUCT -> new Py.NumpyArray();
      case NUMPY_FROM_BUFFER -> fromBuffer(args);
      case NUMPY_SCALAR -> scalar(args);
      case INERT, STORAGE, DTYPE, TENSOR_CLASS, NUMPY_ARRAY ->
          throw new Refused("calls " + global.name + ", which stands for nothing that can be made");
    };
  }

  /** Gives an object its state, as BUILD does. */
  static void build(Object object, Object state) throws Refused {
    switch (object) {
      case Py.Dict dict -> {
        // An OrderedDict's attributes (state_dict's _metadata) say nothing about its tensors.
        if (dict.namespace && state instanceof Py.Dict attributes) {
          dict.entries.putAll(attributes.entries);
        }
      }
      case Py.NumpyArray array -> fill(array, as(Py.Sequence.class, state).items);
      case Py.NumpyType type -> requireLittleEndian(as(Py.Sequence.class, state).items);
      case Py.Tensor tensor -> {
        // A parameter's Python attributes say nothing about its values.
      }
      case null, default -> throw new Refused("gives state to something that has none");
    }
  }

  private static Object dict(List<Object> args) throws Refused {
    Py.Dict dict = new Py.Dict();
    for (Object arg : args) {
      switch (arg) {
        case Py.Dict source -> dict.entries.putAll(source.entries);
        case Py.Sequence pairs -> {
          for (Object pair : pairs.items) {
            if (!(pair instanceof Py.Sequence two) || two.items.size() != 2) {
              throw new Refused("makes a dict of something that is not pairs");
            }
            dict.entries.put(two.items.get(0), two.items.get(1));
          }
        }
        case Py.Global factory -> {
          // defaultdict's factory: only ever asked for missing keys.
        }
        case null, default -> throw new Refused("makes a dict of something that is not pairs");
      }
    }
    return dict;
  }

  private static Py.Bytes encode(List<Object> args) throws Refused {
    String encoding = args.size() > 1 ? as(String.class, args, 1) : "utf-8";
    return switch (encoding) {
      case "latin1", "latin-1" -> bytes(as(String.class, args, 0));
      default -> throw new Refused("encodes text as '" + encoding + "' where latin1 is expected");
    };
  }

  private static Py.Bytes bytes(String latin1) {
    byte[] content = latin1.getBytes(StandardCharsets.ISO_8859_1);
    return new Py.Bytes(MemorySegment.ofArray(content).asReadOnly());
  }

  private static Py.Global constructible(List<Object> args) throws Refused {
    Py.Global type = as(Py.Global.class, args, 0);
    if (type.role != Role.NAMESPACE && type.role != Role.DICT) {
      throw new Refused("reconstructs " + type.name + ", which is not a plain container");
    }
    return type;
  }

  private static String path(List<Object> args) throws Refused {
    StringJoiner path = new StringJoiner("/");
    for (int i = 0; i < args.size(); i++) {
      path.add(as(String.class, args, i));
      if (path.length() > MAX_PATH) {
        throw new Refused("holds a path of more than " + MAX_PATH + " characters");
      }
    }
    return path.toString();
  }

  private static String device(List<Object> args) throws Refused {
    String type = as(String.class, args, 0);
    return args.size() > 1 ? type + ":" + as(Long.class, args, 1) : type;
  }

  private static Py.Tensor rebuildTensor(List<Object> args, Py.Global type) throws Refused {
    Py.StorageRef storage = as(Py.StorageRef.class, args, 0);
    if (type != null && type.role != Role.DTYPE) {
      throw new Refused("gives a tensor the type " + type.name);
    }
    DType dtype = type == null ? storage.dtype : type.dtype;
    return new Py.Tensor(storage, dtype, as(Long.class, args, 1), longs(args, 2), longs(args, 3));
  }

  private static Object rebuildFromType(List<Object> args) throws Refused {
    Py.Global rebuild = as(Py.Global.class, args, 0);
    return switch (rebuild.role) {
      case REBUILD_TENSOR, REBUILD_TENSOR_TYPED, REBUILD_PARAMETER -> call(rebuild, items(args, 2));
      default -> throw new Refused("rebuilds a tensor by " + rebuild.name);
    };
  }

  private static Py.NumpyType numpyType(String code) throws Refused {
    String plain = code.startsWith("<") || code.startsWith("|") ? code.substring(1) : code;
    DType dtype =
        switch (plain) {
          case "f4" -> DType.F32;
          case "f2" -> DType.F16;
          case "f8" -> DType.F64;
          case "i8" -> DType.I64;
          case "i4" -> DType.I32;
          case "i2" -> DType.I16;
          case "i1" -> DType.I8;
          case "u1" -> DType.U8;
          case "b1" -> DType.BOOL;
          default -> throw new Refused("holds the numpy type '" + code + "', not supported here");
        };
    return new Py.NumpyType(dtype);
  }

  private static void requireLittleEndian(List<Object> state) throws Refused {
    if (">".equals(state.size() > 1 ? state.get(1) : null)) {
      throw new Refused("holds a big-endian numpy array; only little-endian data is supported");
    }
  }

  private static void fill(Py.NumpyArray array, List<Object> state) throws Refused {
    array.shape = longs(state, 1);
    array.dtype = as(Py.NumpyType.class, state, 2).dtype;
    array.columnMajor = as(Boolean.class, state, 3);
    array.content = as(Py.Bytes.class, state, 4).content;
  }

  private static Py.NumpyArray fromBuffer(List<Object> args) throws Refused {
    Py.NumpyArray array = new Py.NumpyArray();
    array.content = as(Py.Bytes.class, args, 0).content;
    array.dtype = as(Py.NumpyType.class, args, 1).dtype;
    array.shape = longs(args, 2);
    array.columnMajor = "F".equals(as(String.class, args, 3));
    return array;
  }

  private static Object scalar(List<Object> args) throws Refused {
    DType dtype = as(Py.NumpyType.class, args, 0).dtype;
    MemorySegment content = as(Py.Bytes.class, args, 1).content;
    if (content.byteSize() != dtype.width()) {
      throw new Refused("holds a numpy scalar of " + content.byteSize() + " bytes");
    }
    if (dtype.isFloating()) {
      double[] value = new double[1];
      dtype.toDoubles(content, 0, value, 0, 1);
      return value[0];
    }
    long[] value = new long[1];
    dtype.toLongs(content, 0, value, 0, 1);
    return dtype == DType.BOOL ? (Object) (value[0] != 0) : (Object) value[0];
  }

  static List<Object> items(List<Object> args, int index) throws Refused {
    return as(Py.Sequence.class, args, index).items;
  }

  static long[] longs(List<Object> args, int index) throws Refused {
    List<Object> items = items(args, index);
    if (items.size() > MAX_RANK) {
      throw new Refused("holds a shape of " + items.size() + " dimensions");
    }
    long[] values = new long[items.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = as(Long.class, items, i);
    }
    return values;
  }

  static <T> T as(Class<T> type, List<Object> args, int index) throws Refused {
    return as(type, index < args.size() ? args.get(index) : null);
  }

  private static <T> T as(Class<T> type, Object value) throws Refused {
    if (!type.isInstance(value)) {
      throw new Refused(
          "has "
              + (value == null ? "nothing" : "a " + value.getClass().getSimpleName())
              + " where a "
              + type.getSimpleName()
              + " is expected");
    }
    return type.cast(value);
  }
}
