package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** An element type of a stored tensor, under its safetensors name. Little-endian in every file. */
public enum DType {
  /** IEEE 754 single precision. */
  F32(4),
  /** IEEE 754 half precision. */
  F16(2),
  /** The upper half of a single-precision number. */
  BF16(2),
  /** IEEE 754 double precision. */
  F64(8),
  /** 64-bit signed integer. */
  I64(8),
  /** 32-bit signed integer. */
  I32(4),
  /** 16-bit signed integer. */
  I16(2),
  /** 8-bit signed integer. */
  I8(1),
  /** 8-bit unsigned integer. */
  U8(1),
  /** One byte a truth value: 0 is false, all else true. */
  BOOL(1);

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final Map<String, DType> BY_NAME =
      Stream.of(values()).collect(Collectors.toMap(DType::name, Function.identity()));

  private final int width;

  DType(int width) {
    this.width = width;
  }

  /** {@return bytes of one element} */
  public int width() {
    return width;
  }

  /** {@return whether elements are real numbers rather than integers or truth values} */
  public boolean isFloating() {
    return this == F32 || this == F16 || this == BF16 || this == F64;
  }

  /**
   * {@return the type, or nothing when it is not supported}
   *
   * @param name a safetensors type name such as {@code BF16}
   */
  public static Optional<DType> named(String name) {
    return Optional.ofNullable(BY_NAME.get(name));
  }

  /** Converts {@code count} contiguous elements, starting at byte {@code from}, to float32. */
  void toFloats(MemorySegment bytes, long from, float[] into, int at, int count) {
    switch (this) {
      case F32 -> MemorySegment.copy(bytes, FLOAT, from, into, at, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = Float.float16ToFloat(bytes.get(SHORT, from + 2L * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = Float.intBitsToFloat(bytes.get(SHORT, from + 2L * i) << 16);
        }
      }
      case F64 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = (float) bytes.get(DOUBLE, from + 8L * i);
        }
      }
      case I8 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = bytes.get(ValueLayout.JAVA_BYTE, from + i);
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = integer(bytes, from + (long) width * i);
        }
      }
    }
  }

  /**
   * Stores {@code count} float32 as this floating type, rounded to nearest with ties to even, from
   * byte {@code to} on.
   */
  void fromFloats(float[] values, int at, MemorySegment bytes, long to, int count) {
    switch (this) {
      case F32 -> MemorySegment.copy(values, at, bytes, FLOAT, to, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          bytes.set(SHORT, to + 2L * i, Float.floatToFloat16(values[at + i]));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          bytes.set(SHORT, to + 2L * i, bfloat16(values[at + i]));
        }
      }
      case F64 -> {
        for (int i = 0; i < count; i++) {
          bytes.set(DOUBLE, to + 8L * i, values[at + i]);
        }
      }
      default -> throw new IllegalStateException(this + " is not a floating type");
    }
  }

  private static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (value != value) {
      // Rounding could carry a NaN over into a zero or an infinity.
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  /** How many of the first {@code count} values are finite, but not as this floating type. */
  int countOverflows(float[] values, int count) {
    float limit =
        switch (this) {
          case F16 -> 65520f;
          case BF16 -> Float.intBitsToFloat(0x7F7F8000);
          default -> Float.POSITIVE_INFINITY;
        };
    int found = 0;
    for (int i = 0; i < count; i++) {
      float size = Math.abs(values[i]);
      found += size >= limit && size < Float.POSITIVE_INFINITY ? 1 : 0;
    }
    return found;
  }

  /** Converts {@code count} contiguous elements, starting at byte {@code from}, to float64. */
  void toDoubles(MemorySegment bytes, long from, double[] into, int at, int count) {
    switch (this) {
      case F64 -> MemorySegment.copy(bytes, DOUBLE, from, into, at, count);
      case F32 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = bytes.get(FLOAT, from + 4L * i);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = Float.float16ToFloat(bytes.get(SHORT, from + 2L * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = Float.intBitsToFloat(bytes.get(SHORT, from + 2L * i) << 16);
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = integer(bytes, from + (long) width * i);
        }
      }
    }
  }

  /** Reads {@code count} contiguous integers or truth values, starting at byte {@code from}. */
  void toLongs(MemorySegment bytes, long from, long[] into, int at, int count) {
    for (int i = 0; i < count; i++) {
      into[at + i] = integer(bytes, from + (long) width * i);
    }
  }

  private long integer(MemorySegment bytes, long from) {
    return switch (this) {
      case I64 -> bytes.get(LONG, from);
      case I32 -> bytes.get(INT, from);
      case I16 -> bytes.get(SHORT, from);
      case I8 -> bytes.get(ValueLayout.JAVA_BYTE, from);
      case U8 -> bytes.get(ValueLayout.JAVA_BYTE, from) & 0xFF;
      case BOOL -> bytes.get(ValueLayout.JAVA_BYTE, from) != 0 ? 1 : 0;
      case F32, F16, BF16, F64 -> throw new IllegalStateException(this + " is not an integer type");
    };
  }
}
