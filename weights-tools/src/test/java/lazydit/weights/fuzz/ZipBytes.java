package lazydit.weights.fuzz;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32;

/**
 * Changes to zip archives: to the fields of their records as they lie there, or to their entries,
 * with an archive written anew around those, so that no reader stops at a checksum.
 */
final class ZipBytes {
  private static final int LOCAL = 0x04034b50;
  private static final int CENTRAL = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int END64 = 0x06064b50;
  private static final int LOCATOR64 = 0x07064b50;

  /** By signature, pairs of offset and width of the fields that a reader may believe. */
  private static final Map<Integer, int[]> FIELDS =
      Map.of(
          LOCAL, new int[] {6, 2, 8, 2, 14, 4, 18, 4, 22, 4, 26, 2, 28, 2},
          CENTRAL, new int[] {8, 2, 10, 2, 16, 4, 20, 4, 24, 4, 28, 2, 30, 2, 32, 2, 42, 4},
          END, new int[] {8, 2, 10, 2, 12, 4, 16, 4, 20, 2},
          END64, new int[] {4, 8, 24, 8, 32, 8, 40, 8, 48, 8},
          LOCATOR64, new int[] {8, 8});

  private static final List<String> NAMES =
      List.of(
          "archive/data.pkl",
          "x/data.pkl",
          "/data.pkl",
          "archive/data/0",
          "archive/data/1",
          "archive/byteorder",
          "archive/",
          "",
          "../data.pkl",
          "archive/data/../0",
          "\u00c3");

  private ZipBytes() {}

  static boolean matches(byte[] bytes) {
    return Numbers.at(bytes, 0, 4) == LOCAL;
  }

  /**
   * @param pickle changes the bytes of a pickle
   */
  static byte[] mutate(byte[] bytes, UnaryOperator<byte[]> pickle, Dice dice) {
    Map<String, byte[]> entries = entries(bytes);
    if (entries.isEmpty() || dice.oneIn(4)) {
      return field(bytes, dice);
    }
    return write(changed(entries, pickle, dice), dice);
  }

  // ---- records

  private static byte[] field(byte[] bytes, Dice dice) {
    List<Integer> records = records(bytes);
    if (records.isEmpty()) {
      return Bytes.mutate(bytes, dice);
    }
    byte[] copy = bytes.clone();
    int record = dice.pick(records);
    int[] fields = FIELDS.get((int) Numbers.at(bytes, record, 4));
    int field = 2 * dice.below(fields.length / 2);
    int at = record + fields[field];
    int width = fields[field + 1];
    Numbers.put(copy, at, width, Numbers.instead(Numbers.at(copy, at, width), dice));
    return copy;
  }

  private static List<Integer> records(byte[] bytes) {
    List<Integer> records = new ArrayList<>();
    for (int at = 0; at < bytes.length - 4; at++) {
      if (bytes[at] == 'P' && FIELDS.containsKey((int) Numbers.at(bytes, at, 4))) {
        records.add(at);
      }
    }
    return records;
  }

  // ---- entries

  /** The stored entries that the central directory lists, as far as it can be followed. */
  static Map<String, byte[]> entries(byte[] bytes) {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    for (int record : records(bytes)) {
      long header = Numbers.at(bytes, record + 42, 4);
      if (Numbers.at(bytes, record, 4) == CENTRAL && header < bytes.length) {
        int local = (int) header;
        long name = Numbers.at(bytes, record + 28, 2);
        long begin = local + 30 + name + Numbers.at(bytes, local + 28, 2);
        byte[] content = Bytes.slice(bytes, begin, Numbers.at(bytes, record + 24, 4));
        entries.put(Bytes.latin1(Bytes.slice(bytes, record + 46L, name)), content);
      }
    }
    return entries;
  }

  private static List<Map.Entry<String, byte[]>> changed(
      Map<String, byte[]> entries, UnaryOperator<byte[]> pickle, Dice dice) {
    List<Map.Entry<String, byte[]>> list = new ArrayList<>(entries.entrySet());
    int at = dice.below(list.size());
    Map.Entry<String, byte[]> entry = list.get(at);
    switch (dice.below(14)) {
      case 0 -> list.remove(at);
      case 1 -> list.add(entry);
      case 2 -> list.set(at, Map.entry(dice.pick(NAMES), entry.getValue()));
      case 3 -> list.set(at, Map.entry(entry.getKey(), dice.pick(entries.values())));
      case 4 -> list.set(at, Map.entry(entry.getKey(), Bytes.mutate(entry.getValue(), dice)));
      case 5 -> list.add(at, Map.entry(dice.pick(NAMES), dice.bytes(dice.few(16))));
      default ->
          list.replaceAll(
              each ->
                  each.getKey().endsWith("data.pkl") && each.getValue().length > 0
                      ? Map.entry(each.getKey(), pickle.apply(each.getValue()))
                      : each);
    }
    return list;
  }

  private static byte[] write(List<Map.Entry<String, byte[]>> entries, Dice dice) {
    boolean wide = dice.oneIn(8);
    boolean checked = !dice.oneIn(8);
    List<byte[]> parts = new ArrayList<>();
    List<byte[]> directory = new ArrayList<>();
    long at = 0;
    for (Map.Entry<String, byte[]> entry : entries) {
      byte[] name = Bytes.latin1(entry.getKey());
      byte[] content = entry.getValue();
      long crc = checked ? crc(content) : 0;
      byte[] padding = dice.oneIn(4) ? extra(0x4246, new byte[dice.below(64)]) : new byte[0];
      byte[] local = new byte[30];
      Numbers.put(local, 0, 4, LOCAL);
      Numbers.put(local, 14, 4, crc);
      Numbers.put(local, 18, 4, content.length);
      Numbers.put(local, 22, 4, content.length);
      Numbers.put(local, 26, 2, name.length);
      Numbers.put(local, 28, 2, padding.length);
      long size = stated(content.length, dice);
      long header = stated(at, dice);
      byte[] sizes = wide ? extra(1, wide(size, header)) : new byte[0];
      byte[] central = new byte[46];
      Numbers.put(central, 0, 4, CENTRAL);
      Numbers.put(central, 16, 4, crc);
      Numbers.put(central, 20, 4, wide ? -1 : size);
      Numbers.put(central, 24, 4, wide ? -1 : size);
      Numbers.put(central, 28, 2, name.length);
      Numbers.put(central, 30, 2, sizes.length);
      Numbers.put(central, 42, 4, wide ? -1 : header);
      parts.addAll(List.of(local, name, padding, content));
      directory.addAll(List.of(central, name, sizes));
      at += 30 + name.length + padding.length + content.length;
    }
    byte[] central = Bytes.concat(directory);
    parts.add(central);
    if (wide) {
      parts.add(end64(entries.size(), at, central.length));
    }
    byte[] end = new byte[22];
    Numbers.put(end, 0, 4, END);
    Numbers.put(end, 8, 2, wide ? -1 : entries.size());
    Numbers.put(end, 10, 2, wide ? -1 : entries.size());
    Numbers.put(end, 12, 4, wide ? -1 : central.length);
    Numbers.put(end, 16, 4, wide ? -1 : at);
    parts.add(end);
    return Bytes.concat(parts);
  }

  /** A number as the directory states it, wherever it does: seldom a lie. */
  private static long stated(long value, Dice dice) {
    return dice.oneIn(100) ? Numbers.instead(value, dice) : value;
  }

  private static byte[] wide(long size, long header) {
    return Bytes.concat(
        List.of(Numbers.bytes(size, 8), Numbers.bytes(size, 8), Numbers.bytes(header, 8)));
  }

  private static byte[] extra(int id, byte[] content) {
    return Bytes.concat(List.of(Numbers.bytes(id, 2), Numbers.bytes(content.length, 2), content));
  }

  private static byte[] end64(long count, long offset, long size) {
    byte[] end = new byte[56 + 20];
    Numbers.put(end, 0, 4, END64);
    Numbers.put(end, 4, 8, 44);
    Numbers.put(end, 24, 8, count);
    Numbers.put(end, 32, 8, count);
    Numbers.put(end, 40, 8, size);
    Numbers.put(end, 48, 8, offset);
    Numbers.put(end, 56, 4, LOCATOR64);
    Numbers.put(end, 64, 8, offset + size);
    Numbers.put(end, 72, 4, 1);
    return end;
  }

  private static long crc(byte[] content) {
    CRC32 crc = new CRC32();
    crc.update(content);
    return crc.getValue();
  }
}
