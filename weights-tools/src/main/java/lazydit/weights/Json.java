package lazydit.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * JSON as ordinary Java values: {@code Map<String, Object>} (in the text's order), {@code
 * List<Object>}, {@code String}, {@code Long}, {@code Double}, {@code Boolean} and {@code null}.
 *
 * <p>Reading is strict (RFC 8259, no duplicate keys, no lone surrogates, nothing after the value)
 * and bounded in depth and number of values, since the text may come from an untrusted file. An
 * integer that does not fit {@code long} becomes a {@code Double}.
 */
public final class Json {
  /** How deep arrays and objects may nest, reading and writing. */
  private static final int MAX_DEPTH = 64;

  /** How many values one text may hold. */
  private static final int MAX_VALUES = 4_000_000;

  /** An object of one member, the dearest of values, and as much again to spare. */
  private static final int BYTES_PER_VALUE = 512;

  private static final int MAX_NUMBER_LENGTH = 64;
  private static final long MAX_FILE_BYTES = 64L << 20;

  private Json() {}

  /**
   * Parses one JSON value.
   *
   * @param text the JSON text
   * @param source what to call it in an error message, such as a file name
   * @return the value
   * @throws CheckpointException when the text is not JSON or exceeds a limit
   */
  public static Object parse(String text, String source) {
    return new Parser(text, source).document();
  }

  /**
   * Parses one JSON object.
   *
   * @param text the JSON text
   * @param source what to call it in an error message, such as a file name
   * @return its members in the text's order
   * @throws CheckpointException when the text is not a JSON object or exceeds a limit
   */
  public static Map<String, Object> parseObject(String text, String source) {
    return object(parse(text, source), source, "the JSON text");
  }

  /**
   * Reads a file that holds one JSON object.
   *
   * @param file a file of at most 64 MiB
   * @return its members in the file's order
   * @throws CheckpointException when it cannot be read or does not hold a JSON object
   */
  public static Map<String, Object> read(Path file) {
    String source = file.toString();
    try {
      long size = Files.size(file);
      if (size > MAX_FILE_BYTES) {
        throw new CheckpointException(
            source, "has " + size + " bytes; a JSON file may have " + MAX_FILE_BYTES);
      }
      return parseObject(decode(ByteBuffer.wrap(Files.readAllBytes(file)), source), source);
    } catch (IOException e) {
      throw new CheckpointException(source, "cannot be read (" + e + ")", e);
    }
  }

  /** Decodes UTF-8, refusing what is not. */
  static String decode(ByteBuffer bytes, String source) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new CheckpointException(source, "holds JSON text that is not UTF-8", e);
    }
  }

  /**
   * Takes a parsed value to be an object.
   *
   * @param value a parsed value
   * @param source what to call the text in an error message
   * @param what what to call the value in an error message
   * @return the value's members
   * @throws CheckpointException when it is something else
   */
  @SuppressWarnings("unchecked")
  static Map<String, Object> object(Object value, String source, String what) {
    if (value instanceof Map<?, ?> map) {
      return (Map<String, Object>) map;
    }
    throw new CheckpointException(source, what + " is not a JSON object");
  }

  /**
   * Writes a value on one line.
   *
   * @param value maps, iterables, arrays of numbers, strings, numbers, truth values, null; numbers
   *     that JSON cannot express are written as the strings {@code "NaN"}, {@code "Infinity"} and
   *     {@code "-Infinity"}
   * @return JSON text
   * @throws IllegalArgumentException when the value holds anything else or nests too deep
   */
  public static String write(Object value) {
    return new Writer(false).write(value);
  }

  /**
   * Writes a value with one member a line, indented by two spaces.
   *
   * @param value as for {@link #write}
   * @return JSON text
   * @throws IllegalArgumentException as for {@link #write}
   */
  public static String writeIndented(Object value) {
    return new Writer(true).write(value);
  }

  private static final class Parser {
    private final String text;
    private final String source;
    private int at;
    private int depth;
    private final long maxValues = HeapBudget.limit(MAX_VALUES, BYTES_PER_VALUE);
    private int values;

    Parser(String text, String source) {
      this.text = text;
      this.source = source;
    }

    Object document() {
      Object value = value();
      skipSpace();
      if (at < text.length()) {
        throw fault("expected the end");
      }
      return value;
    }

    /** Recursion here is bounded by {@link #MAX_DEPTH}. */
    private Object value() {
      if (++values > maxValues) {
        throw fault("more than " + maxValues + " values");
      }
      skipSpace();
      return switch (peek()) {
        case '{' -> object();
        case '[' -> array();
        case '"' -> string();
        case 't' -> literal("true", true);
        case 'f' -> literal("false", false);
        case 'n' -> literal("null", null);
        default -> number();
      };
    }

    private Map<String, Object> object() {
      enter();
      Map<String, Object> members = new LinkedHashMap<>();
      for (boolean more = !closes('}'); more; more = continues('}')) {
        skipSpace();
        if (peek() != '"') {
          throw fault("expected a member's name in quotes");
        }
        String name = string();
        skipSpace();
        if (peek() != ':') {
          throw fault("expected ':'");
        }
        at++;
        if (members.containsKey(name)) {
          throw fault("the name '" + name + "' appears twice in one object");
        }
        members.put(name, value());
      }
      depth--;
      return members;
    }

    private List<Object> array() {
      enter();
      List<Object> items = new ArrayList<>();
      for (boolean more = !closes(']'); more; more = continues(']')) {
        items.add(value());
      }
      depth--;
      return items;
    }

    private void enter() {
      at++;
      if (++depth > MAX_DEPTH) {
        throw fault("nested deeper than " + MAX_DEPTH);
      }
    }

    private boolean closes(char end) {
      skipSpace();
      if (peek() != end) {
        return false;
      }
      at++;
      return true;
    }

    private boolean continues(char end) {
      if (closes(end)) {
        return false;
      }
      if (peek() != ',') {
        throw fault("expected ',' or '" + end + "'");
      }
      at++;
      return true;
    }

    private Object literal(String word, Object value) {
      if (!text.startsWith(word, at)) {
        throw fault("expected a value");
      }
      at += word.length();
      return value;
    }

    private String string() {
      int start = ++at;
      while (peek() >= ' ' && peek() != '"' && peek() != '\\') {
        at++;
      }
      if (peek() == '"') {
        return checked(text.substring(start, at++));
      }
      StringBuilder result = new StringBuilder(text.substring(start, at));
      for (char c = peek(); c != '"'; c = peek()) {
        if (c < ' ') {
          throw fault("a control character in a string");
        }
        at++;
        result.append(c == '\\' ? escape() : c);
      }
      at++;
      return checked(result.toString());
    }

    private char escape() {
      char c = peek();
      at++;
      return switch (c) {
        case '"', '\\', '/' -> c;
        case 'b' -> '\b';
        case 'f' -> '\f';
        case 'n' -> '\n';
        case 'r' -> '\r';
        case 't' -> '\t';
        case 'u' -> unicode();
        default -> throw fault("an unknown escape in a string");
      };
    }

    private char unicode() {
      int code = 0;
      for (int i = 0; i < 4; i++) {
        char c = peek();
        int digit = c < 128 ? Character.digit(c, 16) : -1;
        if (digit < 0) {
          throw fault("expected four hexadecimal digits");
        }
        code = code << 4 | digit;
        at++;
      }
      return (char) code;
    }

    private String checked(String string) {
      for (int i = 0; i < string.length(); i++) {
        char c = string.charAt(i);
        if (Character.isHighSurrogate(c)
            && i + 1 < string.length()
            && Character.isLowSurrogate(string.charAt(i + 1))) {
          i++;
        } else if (Character.isSurrogate(c)) {
          throw fault("half a surrogate pair in a string");
        }
      }
      return string;
    }

    private Object number() {
      int start = at;
      skip('-');
      if (!skip('0')) {
        digits();
      }
      boolean integer = true;
      if (skip('.')) {
        integer = false;
        digits();
      }
      if (skip('e') || skip('E')) {
        integer = false;
        if (!skip('+')) {
          skip('-');
        }
        digits();
      }
      if (at - start > MAX_NUMBER_LENGTH) {
        throw fault("a number of more than " + MAX_NUMBER_LENGTH + " characters");
      }
      return parsed(text.substring(start, at), integer);
    }

    private Object parsed(String number, boolean integer) {
      if (integer) {
        try {
          return Long.valueOf(number);
        } catch (NumberFormatException e) {
          // Beyond long: fall through to the nearest double.
        }
      }
      double value = Double.parseDouble(number);
      if (Double.isInfinite(value)) {
        throw fault("the number " + number + " is too large");
      }
      return value;
    }

    private void digits() {
      int start = at;
      while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
        at++;
      }
      if (at == start) {
        throw fault(depth == 0 && at == 0 ? "expected a value" : "expected a value or a digit");
      }
    }

    private boolean skip(char c) {
      if (at < text.length() && text.charAt(at) == c) {
        at++;
        return true;
      }
      return false;
    }

    private void skipSpace() {
      while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    private char peek() {
      if (at >= text.length()) {
        throw fault("ended early");
      }
      return text.charAt(at);
    }

    private CheckpointException fault(String problem) {
      return new CheckpointException(
          source, "is not valid JSON at character " + at + ": " + problem);
    }
  }

  private static final class Writer {
    private final StringBuilder out = new StringBuilder();
    private final boolean indented;
    private int depth;

    Writer(boolean indented) {
      this.indented = indented;
    }

    String write(Object value) {
      append(value);
      return out.toString();
    }

    private void append(Object value) {
      switch (value) {
        case null -> out.append("null");
        case String string -> quote(string);
        case Map<?, ?> map -> members(map);
        case Iterable<?> items -> items(items.iterator(), indented);
        case Object[] items -> items(List.of(items).iterator(), indented);
        case long[] items -> items(LongStream.of(items).iterator(), false);
        case int[] items -> items(IntStream.of(items).iterator(), false);
        case double[] items -> items(DoubleStream.of(items).iterator(), false);
        case Double number -> number(number, number);
        case Float number -> number(number, number);
        case Number number -> out.append(number);
        case Boolean truth -> out.append(truth);
        default ->
            throw new IllegalArgumentException(
                "JSON has no form for " + value.getClass().getName());
      }
    }

    private void number(Number shortest, double value) {
      if (Double.isFinite(value)) {
        out.append(shortest);
      } else {
        quote(shortest.toString());
      }
    }

    private void members(Map<?, ?> map) {
      enter('{');
      boolean first = true;
      for (Map.Entry<?, ?> member : map.entrySet()) {
        separate(first, indented);
        first = false;
        quote((String) member.getKey());
        out.append(indented ? ": " : ":");
        append(member.getValue());
      }
      leave('}', !first && indented);
    }

    private void items(Iterator<?> items, boolean lines) {
      enter('[');
      boolean first = true;
      while (items.hasNext()) {
        separate(first, lines);
        first = false;
        append(items.next());
      }
      leave(']', !first && lines);
    }

    private void enter(char bracket) {
      if (++depth > MAX_DEPTH) {
        throw new IllegalArgumentException("JSON nested deeper than " + MAX_DEPTH);
      }
      out.append(bracket);
    }

    private void leave(char bracket, boolean line) {
      depth--;
      if (line) {
        newLine();
      }
      out.append(bracket);
    }

    private void separate(boolean first, boolean line) {
      if (!first) {
        out.append(indented && !line ? ", " : ",");
      }
      if (line) {
        newLine();
      }
    }

    private void newLine() {
      out.append('\n').repeat(' ', 2 * depth);
    }

    private void quote(String string) {
      out.append('"');
      for (int i = 0; i < string.length(); i++) {
        char c = string.charAt(i);
        switch (c) {
          case '"' -> out.append("\\\"");
          case '\\' -> out.append("\\\\");
          case '\n' -> out.append("\\n");
          case '\r' -> out.append("\\r");
          case '\t' -> out.append("\\t");
          default -> {
            if (c < ' ' || c == 0x7F || Character.isSurrogate(c)) {
              out.append("\\u").append("%04x".formatted((int) c));
            } else {
              out.append(c);
            }
          }
        }
      }
      out.append('"');
    }
  }
}
