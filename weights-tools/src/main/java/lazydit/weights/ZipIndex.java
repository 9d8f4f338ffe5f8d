package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The entries of a zip archive (PKWARE APPNOTE 4.3, with zip64), read from its central directory.
 *
 * <p>Entries stay where they are: only stored (uncompressed) ones are accepted, which is how
 * torch.save writes, so a tensor's bytes are a slice of the mapped file. Everything the directory
 * says is checked against the file before use: ranges, signatures, overlaps, duplicate names.
 */
final class ZipIndex {
  /** One stored entry: its bytes and recorded checksum. */
  record Entry(String name, MemorySegment bytes, long crc) {}

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int LOCAL_HEADER = 0x04034b50;
  private static final int DIRECTORY_HEADER = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int END64_LOCATOR = 0x07064b50;
  private static final int END64 = 0x06064b50;

  private static final int LOCAL_HEADER_BYTES = 30;
  private static final int DIRECTORY_HEADER_BYTES = 46;
  private static final int END_BYTES = 22;
  private static final int END64_LOCATOR_BYTES = 20;
  private static final int END64_BYTES = 56;
  private static final int MAX_COMMENT = 0xFFFF;
  private static final int MAX_ENTRIES = 1_000_000;
  private static final int BYTES_PER_ENTRY = 1024;
  private static final long SATURATED_32 = 0xFFFFFFFFL;
  private static final int SATURATED_16 = 0xFFFF;

  private final String file;
  private final MemorySegment all;

  private ZipIndex(String file, MemorySegment all) {
    this.file = file;
    this.all = all;
  }

  /**
   * {@return the entries by name, in the directory's order}
   *
   * @throws CheckpointException when the archive is not whole and consistent
   */
  static Map<String, Entry> read(String file, MemorySegment all) {
    return new ZipIndex(file, all).entries();
  }

  /** Where the central directory is. */
  private record Directory(long count, long offset, long size) {}

  private Map<String, Entry> entries() {
    Directory directory = directory();
    Map<String, Entry> entries = new LinkedHashMap<>();
    List<long[]> extents = new ArrayList<>();
    long at = directory.offset;
    long end = directory.offset + directory.size;
    for (long i = 0; i < directory.count; i++) {
      if (end - at < DIRECTORY_HEADER_BYTES || i32(at) != DIRECTORY_HEADER) {
        throw fault("its central directory is damaged at byte " + at);
      }
      long next = at + DIRECTORY_HEADER_BYTES + u16(at + 28) + u16(at + 30) + u16(at + 32);
      if (next > end) {
        throw fault("its central directory is cut short at byte " + at);
      }
      Entry entry = entry(at, directory.offset, extents);
      if (entries.put(entry.name, entry) != null) {
        throw fault("it holds two entries named '" + entry.name + "'");
      }
      at = next;
    }
    if (at != end) {
      throw fault("its central directory is longer than its " + directory.count + " entries");
    }
    refuseOverlaps(extents);
    return entries;
  }

  private Entry entry(long at, long directoryOffset, List<long[]> extents) {
    int nameLength = u16(at + 28);
    String name = text(at + DIRECTORY_HEADER_BYTES, nameLength);
    if ((u16(at + 8) & 1) != 0) {
      throw fault("entry '" + name + "' is encrypted");
    }
    if (u16(at + 10) != 0) {
      throw fault(
          "entry '"
              + name
              + "' is compressed; torch.save stores entries uncompressed, so unpack the archive and"
              + " zip it again without compression");
    }
    long[] sizes = {u32(at + 24), u32(at + 20), u32(at + 42)};
    widen(name, at + DIRECTORY_HEADER_BYTES + nameLength, u16(at + 30), sizes);
    long size = sizes[0];
    long header = sizes[2];
    if (size != sizes[1]) {
      throw fault("entry '" + name + "' is stored but its two sizes differ");
    }
    if (header < 0
        || header > directoryOffset - LOCAL_HEADER_BYTES
        || i32(header) != LOCAL_HEADER) {
      throw fault("entry '" + name + "' is said to begin at byte " + header + ", where none does");
    }
    long data = header + LOCAL_HEADER_BYTES + u16(header + 26) + u16(header + 28);
    if (size < 0 || data > directoryOffset || size > directoryOffset - data) {
      throw fault("entry '" + name + "' of " + size + " bytes reaches beyond the archive's data");
    }
    if (u16(header + 26) != nameLength
        || !text(header + LOCAL_HEADER_BYTES, nameLength).equals(name)) {
      throw fault("entry '" + name + "' has another name in its own header");
    }
    extents.add(new long[] {header, data + size});
    return new Entry(name, all.asSlice(data, size), u32(at + 16));
  }

  /** Replaces saturated sizes by those of the zip64 extra field. */
  private void widen(String name, long extra, int extraLength, long[] sizes) {
    long end = extra + extraLength;
    for (long at = extra; end - at >= 4; at += 4 + u16(at + 2)) {
      if (u16(at) != 1) {
        continue;
      }
      long field = at + 4;
      long fieldEnd = field + u16(at + 2);
      for (int i = 0; i < sizes.length; i++) {
        if (sizes[i] == SATURATED_32) {
          if (fieldEnd > end || fieldEnd - field < 8) {
            throw fault("entry '" + name + "' has a damaged zip64 field");
          }
          sizes[i] = all.get(LONG, field);
          field += 8;
        }
      }
      return;
    }
  }

  private void refuseOverlaps(List<long[]> extents) {
    extents.sort(Comparator.comparingLong(extent -> extent[0]));
    for (int i = 1; i < extents.size(); i++) {
      if (extents.get(i)[0] < extents.get(i - 1)[1]) {
        throw fault("two of its entries overlap at byte " + extents.get(i)[0]);
      }
    }
  }

  private Directory directory() {
    long end = endRecord();
    Directory directory = new Directory(u16(end + 10), u32(end + 16), u32(end + 12));
    long limit = end;
    long locator = end - END64_LOCATOR_BYTES;
    if (locator >= 0 && i32(locator) == END64_LOCATOR) {
      limit = all.get(LONG, locator + 8);
      directory = directory64(limit, locator, directory);
    }
    if (directory.offset < 0
        || directory.size < 0
        || directory.offset > limit
        || directory.size > limit - directory.offset) {
      throw fault(
          "its central directory is said to be at byte "
              + directory.offset
              + ", outside the archive's "
              + all.byteSize()
              + " bytes");
    }
    if (directory.count < 0 || directory.count > directory.size / DIRECTORY_HEADER_BYTES) {
      throw fault("its central directory is too small for " + directory.count + " entries");
    }
    long most = HeapBudget.limit(MAX_ENTRIES, BYTES_PER_ENTRY);
    if (directory.count > most) {
      throw fault("it holds " + directory.count + " entries; at most " + most + " are supported");
    }
    return directory;
  }

  private Directory directory64(long at, long locator, Directory narrow) {
    if (at < 0 || at > locator - END64_BYTES || i32(at) != END64) {
      throw fault("its zip64 end record is not at byte " + at);
    }
    Directory wide =
        new Directory(all.get(LONG, at + 32), all.get(LONG, at + 48), all.get(LONG, at + 40));
    if (disagree(narrow.count, wide.count, SATURATED_16)
        || disagree(narrow.offset, wide.offset, SATURATED_32)
        || disagree(narrow.size, wide.size, SATURATED_32)) {
      throw fault("its two end records contradict each other");
    }
    return wide;
  }

  private static boolean disagree(long narrow, long wide, long saturated) {
    return narrow != saturated && narrow != wide;
  }

  private long endRecord() {
    long last = all.byteSize() - END_BYTES;
    for (long at = last; at >= 0 && at >= last - MAX_COMMENT; at--) {
      if (i32(at) == END && at + END_BYTES + u16(at + 20) == all.byteSize()) {
        return at;
      }
    }
    throw fault("it begins like a zip archive but has no end record: it is probably cut short");
  }

  private int i32(long at) {
    return all.get(INT, at);
  }

  private long u32(long at) {
    return all.get(INT, at) & SATURATED_32;
  }

  private int u16(long at) {
    return all.get(SHORT, at) & 0xFFFF;
  }

  private String text(long at, int length) {
    byte[] bytes = new byte[length];
    MemorySegment.copy(all, ValueLayout.JAVA_BYTE, at, bytes, 0, length);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private CheckpointException fault(String problem) {
    return new CheckpointException(file, "this zip archive cannot be read: " + problem);
  }
}
