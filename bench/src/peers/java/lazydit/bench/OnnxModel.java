package lazydit.bench;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * An ONNX model of one matrix product with constant weights, y = x W, as the bytes of its protocol
 * buffer (onnx.proto, ONNX 1.14).
 */
final class OnnxModel {
  private static final int IR_VERSION = 8;
  private static final int OPSET = 17;
  private static final int FLOAT = 1;

  /** A message under construction. */
  private static final class Message {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Message number(int field, long value) {
      varint(field << 3);
      varint(value);
      return this;
    }

    Message bytes(int field, byte[] value) {
      varint(field << 3 | 2);
      varint(value.length);
      bytes.writeBytes(value);
      return this;
    }

    Message text(int field, String value) {
      return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Message message(int field, Message value) {
      return bytes(field, value.bytes.toByteArray());
    }

    private void varint(long value) {
      long rest = value;
      for (; rest > 0x7f; rest >>>= 7) {
        bytes.write((int) rest | 0x80);
      }
      bytes.write((int) rest);
    }
  }

  private OnnxModel() {}

  /**
   * Makes the model, from "x" to "y".
   *
   * @param work the sizes, and W {@code [out, in]}
   * @return its bytes
   */
  static byte[] product(GemmWork work) {
    Message node = new Message().text(1, "x").text(1, "w").text(2, "y").text(4, "MatMul");
    Message weights =
        new Message()
            .number(1, work.in())
            .number(1, work.out())
            .number(2, FLOAT)
            .text(8, "w")
            .bytes(9, transposed(work));
    Message graph =
        new Message()
            .message(1, node)
            .text(2, "product")
            .message(5, weights)
            .message(11, matrix("x", work.m(), work.in()))
            .message(12, matrix("y", work.m(), work.out()));
    Message operators = new Message().text(1, "").number(2, OPSET);
    return new Message()
        .number(1, IR_VERSION)
        .message(7, graph)
        .message(8, operators)
        .bytes
        .toByteArray();
  }

  private static Message matrix(String name, int rows, int columns) {
    Message shape =
        new Message()
            .message(1, new Message().number(1, rows))
            .message(1, new Message().number(1, columns));
    Message tensor = new Message().number(1, FLOAT).message(2, shape);
    return new Message().text(1, name).message(2, new Message().message(1, tensor));
  }

  private static byte[] transposed(GemmWork work) {
    float[] w = work.weights();
    byte[] bytes = new byte[w.length * Float.BYTES];
    ByteBuffer values = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < work.in(); i++) {
      for (int o = 0; o < work.out(); o++) {
        values.putFloat(w[o * work.in() + i]);
      }
    }
    return bytes;
  }
}
