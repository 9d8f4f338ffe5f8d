package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void everyKindOfValueIsRead() {
    Map<String, Object> expected = new LinkedHashMap<>();
    expected.put("n", null);
    expected.put("t", true);
    expected.put("list", List.of(1L, -2.5e3, 0L, 1e-7));
    expected.put("text", "a\"\\/\b\f\n\r\t\u00e9\ud83d\ude00");
    expected.put("", Map.of());
    String text =
        " {\"n\" : null, \"t\":true,\r\n\"list\":[1,-2.5e3,-0,1E-7],"
            + "\"text\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\",\"\":{}} ";
    assertEquals(expected, Json.parse(text, "x"));
    assertEquals(List.copyOf(expected.keySet()), List.copyOf(Json.parseObject(text, "x").keySet()));
    assertEquals(Long.MIN_VALUE, Json.parse("-9223372036854775808", "x"));
    assertEquals(9.223372036854775808e18, Json.parse("9223372036854775808", "x"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1,\"a\":2}",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "-",
        "0x10",
        "NaN",
        "Infinity",
        "1e999",
        "tru",
        "nul",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00x\"",
        "\"\n\"",
        "[1]]",
        "1 2",
        "'a'",
        "// c\n1",
        "\ufeff1",
        "\"\\u0661\\u00\"",
      })
  void everythingElseIsRefused(String text) {
    CheckpointException e = assertThrows(CheckpointException.class, () -> Json.parse(text, "x"));
    assertTrue(e.getMessage().startsWith("x: is not valid JSON at character "), e.getMessage());
  }

  @Test
  void depthLengthAndNumberOfValuesAreBounded() {
    assertThrows(CheckpointException.class, () -> Json.parse("[".repeat(1_000_000), "x"));
    assertThrows(CheckpointException.class, () -> Json.parse("{\"a\":".repeat(100_000), "x"));
    assertThrows(CheckpointException.class, () -> Json.parse("1".repeat(100_000), "x"));
    String many = "[" + "0,".repeat(4_000_001) + "0]";
    assertThrows(CheckpointException.class, () -> Json.parse(many, "x"));
    Json.parse("[".repeat(64) + "]".repeat(64), "x");
  }

  @Test
  void onlyObjectsAreObjects() {
    assertThrows(CheckpointException.class, () -> Json.parseObject("[]", "x"));
  }

  @Test
  void valuesAreWrittenShortAndReadable() {
    Map<String, Object> value = new LinkedHashMap<>();
    value.put("a", Arrays.asList(1L, null, true));
    value.put("shape", new long[] {2, 3});
    value.put("bad", List.of(Double.NaN, Float.NEGATIVE_INFINITY));
    value.put("f", 0.1f);
    value.put("empty", List.of());
    value.put("esc", "\u0001\u007f\"");
    assertEquals(
        "{\"a\":[1,null,true],\"shape\":[2,3],\"bad\":[\"NaN\",\"-Infinity\"],\"f\":0.1,"
            + "\"empty\":[],\"esc\":\"\\u0001\\u007f\\\"\"}",
        Json.write(value));
    Map<String, Object> small = new LinkedHashMap<>();
    small.put("a", value.get("a"));
    small.put("shape", value.get("shape"));
    assertEquals(
        "{\n  \"a\": [\n    1,\n    null,\n    true\n  ],\n  \"shape\": [2, 3]\n}",
        Json.writeIndented(small));
    assertThrows(IllegalArgumentException.class, () -> Json.write(new Object()));
  }

  @Property(tries = 200)
  void whatIsWrittenIsReadBack(@ForAll("values") Object value) {
    assertEquals(value, Json.parse(Json.write(value), "x"));
    assertEquals(value, Json.parse(Json.writeIndented(value), "x"));
  }

  @Provide
  Arbitrary<Object> values() {
    return nested(3);
  }

  private static Arbitrary<Object> nested(int depth) {
    Arbitrary<Object> leaf =
        Arbitraries.oneOf(
            Arbitraries.longs().map(Object.class::cast),
            Arbitraries.doubles().map(Object.class::cast),
            Arbitraries.of(true, false).map(Object.class::cast),
            Arbitraries.strings().ofMaxLength(12).filter(JsonTest::sound).map(Object.class::cast));
    if (depth == 0) {
      return leaf;
    }
    Arbitrary<Object> inner = nested(depth - 1);
    Arbitrary<List<String>> names =
        Arbitraries.strings().ofMaxLength(5).filter(JsonTest::sound).list().ofMaxSize(3);
    return Arbitraries.oneOf(
        leaf,
        inner.list().ofMaxSize(4).map(Object.class::cast),
        Combinators.combine(names, inner.list().ofSize(3)).as(JsonTest::object));
  }

  private static boolean sound(String text) {
    return text.chars().noneMatch(c -> Character.isSurrogate((char) c));
  }

  private static Object object(List<String> names, List<Object> values) {
    Map<String, Object> object = new LinkedHashMap<>();
    for (int i = 0; i < names.size(); i++) {
      object.put(names.get(i), values.get(i));
    }
    return object;
  }
}
