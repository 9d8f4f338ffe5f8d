package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnpicklerTest {
  @TempDir Path folder;

  private Checkpoint open(TorchFiles.Pickle pickle) {
    return open(pickle, Map.of());
  }

  private Checkpoint open(TorchFiles.Pickle pickle, Map<String, byte[]> storages) {
    return Checkpoint.open(TorchFiles.zip(folder, pickle.stop(), storages));
  }

  private void refused(String reason, TorchFiles.Pickle pickle) {
    refused(reason, pickle, Map.of());
  }

  private void refused(String reason, TorchFiles.Pickle pickle, Map<String, byte[]> storages) {
    CheckpointException e =
        assertTimeoutPreemptively(
            Duration.ofSeconds(5),
            () -> assertThrows(CheckpointException.class, () -> open(pickle, storages).close()));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  private static TorchFiles.Pickle dict() {
    return TorchFiles.pickle().op("}");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2, 4, 5})
  void numpyAndPlainValuesOfEveryProtocol(int protocol) {
    Path file = Resources.path("pickles/numpy_protocol" + protocol + ".pt");
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertEquals(List.of("c", "f", "scalar", "empty"), checkpoint.names());
      assertArrayEquals(new float[] {0, 1, 2, 3, 4, 5}, checkpoint.tensor("c").toFloats());
      assertArrayEquals(new long[] {0, 1, 2, 3, 4, 5}, checkpoint.tensor("f").toLongs());
      assertArrayEquals(new double[] {2.5}, checkpoint.tensor("scalar").toDoubles());
      assertArrayEquals(new long[0], checkpoint.shape("scalar"));
      assertArrayEquals(new long[] {0, 4}, checkpoint.shape("empty"));
      Map<?, ?> args = (Map<?, ?>) checkpoint.values().get("args");
      assertEquals(0.25, args.get("lr"));
      assertEquals(7L, args.get("steps"));
      assertEquals(true, args.get("flag"));
      assertEquals(1.5, args.get("half"));
      assertEquals("data/train", args.get("where"));
      assertEquals(List.of("one"), args.get("tags"));
      assertEquals(List.of(3L), args.get("frozen"));
      assertEquals("<2 bytes>", args.get("raw"));
      assertEquals(BigInteger.TWO.pow(70), args.get("huge"));
      assertEquals("{\"a\":[1,2.5,null]}", Json.write(args.get("nested")));
      assertEquals(Map.of("x", 1L), checkpoint.values().get("counts"));
    }
  }

  @Test
  void bigEndianArraysAreRefused() {
    CheckpointException e =
        assertThrows(
            CheckpointException.class,
            () -> Checkpoint.open(Resources.path("pickles/numpy_big_endian.pt")));
    assertTrue(e.getMessage().contains("big-endian"), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "os, system",
    "posix, system",
    "nt, system",
    "subprocess, Popen",
    "builtins, eval",
    "builtins, getattr",
    "builtins, __import__",
    "__builtin__, exec",
    "torch, load",
    "torch.hub, load",
    "torch.storage, _load_from_bytes",
    "torch._utils, _rebuild_qtensor",
    "torch, _utils._rebuild_tensor_v2",
    "torch._utils, _rebuild_tensor_v2.__globals__",
    "numpy, load",
    "numpy.core.multiarray, fromfile",
    "argparse, ArgumentParser",
    "collections, OrderedDict.fromkeys",
    "functools, partial",
    "operator, attrgetter",
    "codecs, decode",
    "runpy, _run_code",
    "webbrowser, open",
    "torch.nn.modules.linear, Linear",
  })
  void everyOtherNameIsRefused(String module, String name) {
    refused("'" + module + "." + name + "'", dict().string("k").global(module, name).op("s"));
    refused(
        "'" + module + "." + name + "'",
        dict().string("k").string(module).string(name).op("\u0093s"));
  }

  @Test
  void namesThatOnlyLookAllowedAreRefused() {
    refused("'torch .Size'", dict().string("k").global("torch ", "Size").op("s"));
    refused(
        "'torch.storage FloatStorage",
        dict().string("k").global("torch", "storage FloatStorage").op("s"));
    refused("'..'", dict().string("k").string(".").string("").op("\u0093s"));
  }

  @Test
  void allowedNamesAreNotCallableUnlessTheyMakeData() {
    refused(
        "calls torch.FloatStorage", dict().string("k").global("torch", "FloatStorage").op(")Rs"));
    refused(
        "calls builtins.object", dict().string("k").global("builtins", "object").op(")\u0081s"));
    refused("not a class or function", dict().string("k").string("os").op(")Rs"));
    refused(
        "encodes text as 'zip'",
        dict().string("k").global("_codecs", "encode").op("(").string("x").string("zip").op("tRs"));
    refused(
        "reconstructs torch.Size",
        dict()
            .string("k")
            .global("copyreg", "_reconstructor")
            .op("(")
            .global("torch", "Size")
            .global("builtins", "object")
            .op("NtRs"));
    refused(
        "rebuilds a tensor by torch._tensor._rebuild_from_type_v2",
        dict()
            .string("k")
            .global("torch._tensor", "_rebuild_from_type_v2")
            .op("(")
            .global("torch._tensor", "_rebuild_from_type_v2")
            .global("torch", "Tensor")
            .op(")NtRs"));
  }

  @Test
  void torchValuesBecomeText() {
    TorchFiles.Pickle pickle =
        dict()
            .op("(")
            .string("device")
            .global("torch", "device")
            .op("(")
            .string("cuda")
            .op("K\u0001tR")
            .string("dtype")
            .global("torch", "bfloat16")
            .string("size")
            .global("torch", "Size")
            .tuple(2, 3)
            .op("\u0085R")
            .op("u");
    try (Checkpoint checkpoint = open(pickle)) {
      assertEquals(
          "{\"device\":\"cuda:1\",\"dtype\":\"torch.bfloat16\",\"size\":[2,3]}",
          Json.write(checkpoint.values()));
    }
  }

  @Test
  void tensorsOfSubclassesAndUntypedStoragesAreRead() {
    TorchFiles.Pickle pickle =
        dict()
            .string("sub")
            .global("torch._tensor", "_rebuild_from_type_v2")
            .op("(")
            .global("torch._utils", "_rebuild_tensor_v2")
            .global("torch.nn.parameter", "Parameter")
            .op("(")
            .storage("FloatStorage", "0", 2)
            .integer(0)
            .tuple(2)
            .tuple(1)
            .op("\u0089)t}tRs")
            .string("untyped")
            .global("torch._utils", "_rebuild_tensor_v3")
            .op("(")
            .storage("UntypedStorage", "1", 8)
            .integer(1)
            .tuple(1)
            .tuple(1)
            .op("\u0089)")
            .global("torch", "float32")
            .op("tRs");
    byte[] bytes = TorchFiles.floats(1.5f, -2f);
    try (Checkpoint checkpoint = open(pickle, Map.of("0", bytes, "1", bytes))) {
      assertArrayEquals(new float[] {1.5f, -2f}, checkpoint.tensor("sub").toFloats());
      assertArrayEquals(new float[] {-2f}, checkpoint.tensor("untyped").toFloats());
    }
  }

  @Test
  void onlyItsOwnStorageIsWithinATensorsReach() {
    byte[] four = TorchFiles.floats(1, 2, 3, 4);
    long[] one = {1};
    refused(
        "needs 5 elements",
        dict().string("w").tensor("FloatStorage", "0", 4, 4, one, one).op("s"),
        Map.of("0", four));
    // The entry holds more than the pickle announces: the rest is out of reach all the same.
    refused(
        "begins at element 3",
        dict().string("w").tensor("FloatStorage", "0", 2, 3, one, one).op("s"),
        Map.of("0", four));
    refused(
        "in two different ways",
        dict()
            .string("w")
            .tensor("FloatStorage", "0", 4, 0, one, one)
            .op("s")
            .string("v")
            .tensor("DoubleStorage", "0", 2, 0, one, one)
            .op("s"),
        Map.of("0", four));
    refused(
        "no entry for storage '../0'",
        dict().string("w").tensor("FloatStorage", "../0", 4, 0, one, one).op("s"),
        Map.of("0", four));
  }

  @Test
  void storageViewsOfOldFilesStartWhereTheySay() {
    byte[] four = TorchFiles.floats(1, 2, 3, 4);
    try (Checkpoint checkpoint = open(view(1, 2, 1), Map.of("0", four))) {
      assertArrayEquals(new float[] {3}, checkpoint.tensor("w").toFloats());
    }
    refused("outside its 4 elements", view(3, 2, 0), Map.of("0", four));
    refused("begins at element 3", view(1, 2, 3), Map.of("0", four));
    refused("needs 4 elements", view(1, 2, 2), Map.of("0", four));
  }

  /** A tensor of one element in a view of a storage of four. */
  private static TorchFiles.Pickle view(long begin, long count, long offset) {
    return dict()
        .string("w")
        .global("torch._utils", "_rebuild_tensor_v2")
        .op("((")
        .string("storage")
        .global("torch", "FloatStorage")
        .string("0")
        .string("cpu")
        .integer(4)
        .op("(")
        .string("v")
        .integer(begin)
        .integer(count)
        .op("ttQ")
        .integer(offset)
        .tuple(1)
        .tuple(1)
        .op("\u0089NtRs");
  }

  @Test
  void sharedStructureDoesNotUnfold() {
    TorchFiles.Pickle laughs = dict().string("model").op("]q\u0000");
    for (int level = 0; level < 60; level++) {
      String get = "h" + (char) level;
      laughs.op("0(" + get + get + "lq" + (char) (level + 1));
    }
    refused("deeper than", laughs.op("s"));

    // Wide instead of deep: 8 levels of 40 references each, 40^8 leaves.
    TorchFiles.Pickle wide = dict().string("model").op("]q\u0000");
    for (int level = 0; level < 8; level++) {
      wide.op("0(" + ("h" + (char) level).repeat(40) + "lq" + (char) (level + 1));
    }
    refused("would unfold", wide.op("s"));

    TorchFiles.Pickle dicts = dict().string("model").op("}q\u0000");
    for (int level = 0; level < 8; level++) {
      dicts.op("0}(");
      for (int i = 0; i < 40; i++) {
        dicts.integer(i).op("h" + (char) level);
      }
      dicts.op("uq" + (char) (level + 1));
    }
    refused("would unfold", dicts.op("s"));
  }

  @Test
  void deepAndCyclicStructuresEnd() {
    refused(
        "deeper than", dict().string("model").op("]".repeat(100_000) + "a".repeat(99_999) + "s"));
    refused("deeper than", dict().string("model").op(")" + "\u0085".repeat(100_000) + "s"));
    refused("deeper than", dict().string("model").op("]q\u0000h\u0000as"));
    refused("deeper than", dict().op("q\u0000").string("self").op("h\u0000s"));
    // A deep tuple as a key must not be hashed by walking it.
    try (Checkpoint checkpoint = open(dict().op(")" + "\u0085".repeat(100_000) + "Ns"))) {
      assertEquals("{\"<Sequence>\":null}", Json.write(checkpoint.values()));
    }
  }

  @Test
  void viewsThatPretendToBeHugeAreRefused() {
    long[] shape = {1L << 20, 1L << 20};
    refused(
        "pretend to be far larger",
        dict().string("w").tensor("FloatStorage", "0", 1, 0, shape, new long[] {0, 0}).op("s"),
        Map.of("0", TorchFiles.floats(1)));
  }

  @Test
  void namesStayWithinReason() {
    String name = "n".repeat(3000);
    refused("more than 4096 characters", dict().string(name).op("}").string(name).op("Nss"));
  }

  @Test
  void namesThatCollideAreRefused() {
    long[] one = {1};
    refused(
        "both read 'a.b'",
        dict()
            .string("a.b")
            .tensor("FloatStorage", "0", 1, 0, one, one)
            .op("s")
            .string("a")
            .op("}")
            .string("b")
            .tensor("FloatStorage", "0", 1, 0, one, one)
            .op("ss"),
        Map.of("0", TorchFiles.floats(1)));
  }

  @Test
  void terminalCommandsInNamesAreNotPrinted() {
    refused("'\\u001b[2Jos.system'", dict().string("k").global("\u001b[2Jos", "system").op("s"));
  }

  @Test
  void damagedStacksAndMemosAreRefused() {
    refused("empty stack", TorchFiles.pickle().op("0"));
    refused("empty stack", TorchFiles.pickle());
    refused("a mark that its stack does not hold", TorchFiles.pickle().op("Nt"));
    refused("stack holds a mark", TorchFiles.pickle().op("(\u0085"));
    refused("stack holds a mark", TorchFiles.pickle().op("}("));
    refused("memo index 9", TorchFiles.pickle().op("h\u0009"));
    refused("memo index -1", TorchFiles.pickle().op("}p-1\n"));
    refused("not a dict", TorchFiles.pickle().op("]NNs"));
    refused("not a list", TorchFiles.pickle().op("}Na"));
    refused("not a list", TorchFiles.pickle().op(")Na"));
    refused("without a value", dict().op("(Nu"));
    refused("opcode 0xff", TorchFiles.pickle().op("\u00ff"));
    refused("protocol 6", new TorchFiles.Pickle().op("\u0080\u0006}"));
    refused("where an integer", TorchFiles.pickle().op("Iseven\n"));
    refused("outside it that is not a storage", TorchFiles.pickle().op(")Q"));
    refused("arguments that are not a tuple", TorchFiles.pickle().global("torch", "Size").op("NR"));
    refused("state to something that has none", TorchFiles.pickle().op("]}b"));
    refused(
        "frame that is longer",
        TorchFiles.pickle().op("\u0095\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f"));
    refused("UTF-8", TorchFiles.pickle().op("X\u0002\u0000\u0000\u0000\u00ff\u00fe"));
    refused(
        "holds a single tensor",
        TorchFiles.pickle().tensor("FloatStorage", "0", 1, 0, new long[0], new long[0]),
        Map.of("0", TorchFiles.floats(1)));
  }
}
