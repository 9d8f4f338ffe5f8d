package lazydit.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Files written by torch.save, in both containers: the zip archive (since PyTorch 1.6) and the
 * legacy sequence of pickles followed by raw storages.
 */
final class TorchFile {
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long LEGACY_PROTOCOL = 1001;

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String file;
  private final MemorySegment all;

  private TorchFile(String file, MemorySegment all) {
    this.file = file;
    this.all = all;
  }

  static Contents readZip(String file, MemorySegment all) {
    return new TorchFile(file, all).zip();
  }

  static Contents readLegacy(String file, MemorySegment all) {
    return new TorchFile(file, all).legacy();
  }

  // ---- zip

  private Contents zip() {
    Map<String, ZipIndex.Entry> entries = ZipIndex.read(file, all);
    String root = root(entries);
    requireLittleEndian(entries.get(root + "byteorder"));
    MemorySegment pickle = storage(entries.get(root + "data.pkl")).bytes();
    Unpickler unpickler = new Unpickler(new PickleInput(file, pickle, 0));
    Object value = unpickler.load();
    Map<String, Storage> found = new HashMap<>();
    return TensorTree.flatten(
        file,
        all.byteSize(),
        value,
        unpickler.bytesRead(),
        reference -> {
          Storage storage = found.computeIfAbsent(reference.key, key -> entry(entries, root, key));
          requireSize(reference, storage.byteSize());
          return storage;
        });
  }

  /** The archive's one folder, whatever its name, with the slash. */
  private String root(Map<String, ZipIndex.Entry> entries) {
    String root = null;
    for (String name : entries.keySet()) {
      int slash = name.indexOf('/');
      if (slash > 0 && name.substring(slash + 1).equals("data.pkl")) {
        if (root != null) {
          throw fault("holds two pickles, '" + root + "data.pkl' and '" + name + "'");
        }
        root = name.substring(0, slash + 1);
      }
    }
    if (root == null) {
      throw fault("is a zip archive without a 'data.pkl', so torch.save did not write it");
    }
    return root;
  }

  private void requireLittleEndian(ZipIndex.Entry entry) {
    if (entry == null) {
      return;
    }
    String order =
        new PickleInput(file, storage(entry).bytes(), 0).latin1(entry.bytes().byteSize());
    if (!order.equals("little")) {
      throw fault("has byte order '" + order + "'; only little-endian files are supported");
    }
  }

  private Storage entry(Map<String, ZipIndex.Entry> entries, String root, String key) {
    ZipIndex.Entry entry = entries.get(root + "data/" + key);
    if (entry == null) {
      throw fault("has no entry for storage '" + key + "', which a tensor refers to");
    }
    return storage(entry);
  }

  private void requireSize(Py.StorageRef reference, long available) {
    // A reference to part of a legacy storage has been compared with the whole by the unpickler.
    long needed = (reference.begin + reference.count) * reference.dtype.width();
    if (available < needed) {
      throw fault(
          "storage '"
              + reference.key
              + "' should hold "
              + needed
              + " bytes but holds "
              + available);
    }
  }

  private Storage storage(ZipIndex.Entry entry) {
    return Storage.checked(file, entry.name(), entry.bytes(), entry.crc());
  }

  // ---- legacy

  private Contents legacy() {
    PickleInput in = new PickleInput(file, all, 0);
    if (!MAGIC.equals(new Unpickler(in).load())) {
      throw fault("is a pickle but does not begin with the magic number of torch.save");
    }
    Object protocol = new Unpickler(in).load();
    if (!Long.valueOf(LEGACY_PROTOCOL).equals(protocol)) {
      throw fault("has torch.save protocol " + protocol + " where 1001 is expected");
    }
    if (!(new Unpickler(in).load() instanceof Py.Dict system)
        || !Boolean.TRUE.equals(system.entries.get("little_endian"))) {
      throw fault("was written on a big-endian machine; only little-endian files are supported");
    }
    Unpickler unpickler = new Unpickler(in);
    Object value = unpickler.load();
    Object keys = new Unpickler(in).load();
    if (!(keys instanceof Py.Sequence list)) {
      throw fault("does not list its storages");
    }
    Map<String, Storage> storages = legacyStorages(list.items, unpickler.storages(), in.position());
    return TensorTree.flatten(
        file,
        all.byteSize(),
        value,
        unpickler.bytesRead(),
        reference -> {
          Storage storage = storages.get(reference.key);
          if (storage == null) {
            throw fault("lacks storage '" + reference.key + "', which a tensor refers to");
          }
          return storage;
        });
  }

  private Map<String, Storage> legacyStorages(
      List<Object> keys, Map<String, Py.StorageRef> references, long begin) {
    Map<String, Storage> storages = new HashMap<>();
    long at = begin;
    for (Object key : keys) {
      Py.StorageRef reference = key instanceof String name ? references.get(name) : null;
      if (reference == null) {
        throw fault("lists storage '" + key + "', which no tensor refers to");
      }
      if (all.byteSize() - at < Long.BYTES) {
        throw fault("ends before storage '" + key + "'");
      }
      long count = all.get(LONG, at);
      long size = reference.count * reference.dtype.width();
      if (count != reference.count) {
        throw fault(
            "gives storage '"
                + key
                + "' "
                + count
                + " elements where "
                + reference.count
                + " were announced");
      }
      at += Long.BYTES;
      if (size > all.byteSize() - at) {
        throw fault(
            "ends inside storage '"
                + key
                + "': "
                + size
                + " bytes are expected and "
                + (all.byteSize() - at)
                + " are left");
      }
      storages.put((String) key, Storage.unchecked(all.asSlice(at, size)));
      at += size;
    }
    return storages;
  }

  private CheckpointException fault(String problem) {
    return new CheckpointException(file, problem);
  }
}
