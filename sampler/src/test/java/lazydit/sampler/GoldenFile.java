package lazydit.sampler;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Expected numbers among the test resources: a safetensors file and its description. */
final class GoldenFile {
  private static final Pattern ENTRY =
      Pattern.compile(
          "\"([^\"]+)\": *\\{\"dtype\": *\"(\\w+)\", *\"shape\": *\\[[^]]*], *"
              + "\"data_offsets\": *\\[(\\d+), *(\\d+)]}");

  private final Map<String, ByteBuffer> tensors = new LinkedHashMap<>();
  private final String name;
  private final String sidecar;

  private GoldenFile(String name, byte[] file, String sidecar) {
    this.name = name;
    this.sidecar = sidecar;
    ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int headerSize = (int) buffer.getLong();
    String header = new String(file, 8, headerSize, StandardCharsets.UTF_8);
    Matcher entry = ENTRY.matcher(header);
    while (entry.find()) {
      int start = Integer.parseInt(entry.group(3));
      ByteBuffer data =
          buffer.slice(8 + headerSize + start, Integer.parseInt(entry.group(4)) - start);
      tensors.put(entry.group(1), data.order(ByteOrder.LITTLE_ENDIAN));
    }
  }

  static GoldenFile load(String name) {
    byte[] sidecar = resource(name + ".json");
    return new GoldenFile(
        name, resource(name + ".safetensors"), new String(sidecar, StandardCharsets.UTF_8));
  }

  private static byte[] resource(String name) {
    try (InputStream in = GoldenFile.class.getResourceAsStream("/golden/" + name)) {
      return in == null ? new byte[0] : in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Iterable<String> names() {
    return tensors.keySet();
  }

  float[] floats(String tensor) {
    float[] values = new float[data(tensor).remaining() / Float.BYTES];
    data(tensor).asFloatBuffer().get(values);
    return values;
  }

  double[] doubles(String tensor) {
    double[] values = new double[data(tensor).remaining() / Double.BYTES];
    data(tensor).asDoubleBuffer().get(values);
    return values;
  }

  int[] ints(String tensor) {
    long[] values = new long[data(tensor).remaining() / Long.BYTES];
    data(tensor).asLongBuffer().get(values);
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }

  private ByteBuffer data(String tensor) {
    ByteBuffer data = tensors.get(tensor);
    if (data == null) {
      throw new AssertionError(name + " has no tensor " + tensor);
    }
    return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The largest difference that the description allows an expected tensor. */
  double tolerance(String tensor) {
    String accuracy = sidecar.substring(sidecar.indexOf("\"accuracy\""));
    Matcher found =
        Pattern.compile(
                Pattern.quote("\"" + tensor + "\"") + ": *\\{[^}]*\"suggested_atol\": *([^,}]+)")
            .matcher(accuracy);
    if (!found.find()) {
      throw new AssertionError(name + " states no tolerance for " + tensor);
    }
    return Double.parseDouble(found.group(1));
  }
}
