package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;

/**
 * The bytes behind one or more tensors. A checksum, where the container records one, is compared
 * once: when the bytes are first asked for.
 *
 * <p>Of a mapped file, what has been read is given back to the system now and then. It stays in the
 * file cache, but no longer counts as memory of this process, which would otherwise hold a model's
 * file beside the model.
 */
final class Storage {
  private static final long CHUNK = 1L << 25;
  private static final long KEPT = 1L << 16;

  private final MemorySegment bytes;
  private final Checksum checksum;
  private final AtomicLong released = new AtomicLong();

  private Storage(MemorySegment bytes, Checksum checksum) {
    this.bytes = bytes;
    this.checksum = checksum;
  }

  static Storage unchecked(MemorySegment bytes) {
    return new Storage(bytes, new Checksum("", "", bytes, 0));
  }

  /**
   * @param crc the recorded CRC-32; 0 means that the writer recorded none (torch.save can be told
   *     so)
   */
  static Storage checked(String file, String what, MemorySegment bytes, long crc) {
    return new Storage(bytes, new Checksum(file, what, bytes, crc));
  }

  /** The beginning of this storage; the checksum remains that of the whole. */
  Storage first(long size) {
    return size == bytes.byteSize() ? this : new Storage(bytes.asSlice(0, size), checksum);
  }

  long byteSize() {
    return bytes.byteSize();
  }

  MemorySegment bytes() {
    checksum.verify();
    return bytes;
  }

  /**
   * Says that so many bytes have been read and are probably not needed again. All are given back
   * after each chunk's worth, and whenever as many have been read as there are: then the last ones.
   */
  void release(long count) {
    long size = bytes.byteSize();
    if (size > KEPT) {
      long before = released.getAndAdd(count);
      long after = before + count;
      if (before / CHUNK != after / CHUNK || before / size != after / size) {
        unload(bytes);
      }
    }
  }

  private static void unload(MemorySegment bytes) {
    if (bytes.isMapped()) {
      bytes.unload();
    }
  }

  /** Compared once; threads that race to it merely compare it twice. */
  private static final class Checksum {
    private final String file;
    private final String what;
    private final MemorySegment bytes;
    private final long expected;
    private volatile boolean verified;

    Checksum(String file, String what, MemorySegment bytes, long expected) {
      this.file = file;
      this.what = what;
      this.bytes = bytes;
      this.expected = expected;
      this.verified = expected == 0;
    }

    void verify() {
      if (verified) {
        return;
      }
      CRC32 crc = new CRC32();
      for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
        MemorySegment chunk = bytes.asSlice(at, Math.min(CHUNK, bytes.byteSize() - at));
        crc.update(chunk.asByteBuffer());
        unload(chunk);
      }
      if (crc.getValue() != expected) {
        throw new CheckpointException(
            file,
            "entry '%s' is damaged: its CRC-32 is %08x where the archive says %08x"
                .formatted(what, crc.getValue(), expected));
      }
      verified = true;
    }
  }
}
