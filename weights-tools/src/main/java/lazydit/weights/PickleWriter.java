package lazydit.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Writes the little of Python's pickle format (protocol 2) that files of weights are made of:
 * dictionaries of tensors, and a Namespace of plain values.
 */
final class PickleWriter {
  private static final String ORDERED_DICT = "ccollections\nOrderedDict\n";

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  PickleWriter() {
    op("\u0080\u0002");
  }

  /** Raw opcodes, one char a byte. */
  private PickleWriter op(String latin1) {
    out.writeBytes(latin1.getBytes(StandardCharsets.ISO_8859_1));
    return this;
  }

  /** Begins an OrderedDict; its members follow, a key before each value. */
  PickleWriter beginDict() {
    return op(ORDERED_DICT).op(")R(");
  }

  PickleWriter endDict() {
    return op("u");
  }

  PickleWriter string(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    op("X").littleEndian(utf8.length, Integer.BYTES);
    out.writeBytes(utf8);
    return this;
  }

  PickleWriter integer(long value) {
    if (value >= 0 && value < 1 << 8) {
      return op("K").littleEndian(value, 1);
    }
    if (value == (int) value) {
      return op("J").littleEndian(value, Integer.BYTES);
    }
    return op("\u008a\u0008").littleEndian(value, Long.BYTES);
  }

  private PickleWriter littleEndian(long value, int bytes) {
    byte[] all =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    out.write(all, 0, bytes);
    return this;
  }

  private PickleWriter tuple(long[] values) {
    op("(");
    for (long value : values) {
      integer(value);
    }
    return op("t");
  }

  /** A contiguous tensor that is all of the storage of that key. */
  PickleWriter tensor(String key, TensorData tensor) {
    op("ctorch._utils\n_rebuild_tensor_v2\n((");
    string("storage").op("ctorch\n" + storage(tensor.dtype()) + "\n").string(key).string("cpu");
    integer(tensor.size()).op("tQ").integer(0);
    tuple(tensor.shape()).tuple(StoredTensor.rowMajor(tensor.shape()));
    return op("\u0089").op(ORDERED_DICT).op(")RtR");
  }

  private static String storage(DType dtype) {
    return switch (dtype) {
      case F32 -> "FloatStorage";
      case F16 -> "HalfStorage";
      case BF16 -> "BFloat16Storage";
      case F64 -> "DoubleStorage";
      case I64 -> "LongStorage";
      case I32 -> "IntStorage";
      case I16 -> "ShortStorage";
      case I8 -> "CharStorage";
      case U8 -> "ByteStorage";
      case BOOL -> "BoolStorage";
    };
  }

  /** An argparse.Namespace of strings, whole numbers and truth values. */
  PickleWriter namespace(Map<String, Object> values) {
    op("cargparse\nNamespace\n)\u0081}(");
    values.forEach(
        (name, value) -> {
          string(name);
          switch (value) {
            case String text -> string(text);
            case Boolean truth -> op(truth ? "\u0088" : "\u0089");
            case Number number -> integer(number.longValue());
            default -> throw new IllegalArgumentException(name + " is " + value.getClass());
          }
        });
    return op("ub");
  }

  byte[] stop() {
    op(".");
    return out.toByteArray();
  }
}
