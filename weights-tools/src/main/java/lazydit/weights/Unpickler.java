package lazydit.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a Python pickle (protocols 0 to 5) as data. An interpreter of the opcodes that builds plain
 * values only; what the pickle would import is looked up in {@link PickleGlobals} and refused when
 * it is not there. Nothing is ever executed.
 *
 * <p>There is no recursion, and work and memory are bounded by a budget in proportion to the input:
 * each opcode costs one unit, and so does each element that a call copies.
 */
final class Unpickler {
  private static final int MAX_PROTOCOL = 5;

  /** What an opcode may cost in heap, generously: an empty list and its place in the memo. */
  private static final int BYTES_PER_UNIT = 128;

  private static final long MAX_UNITS = 16_000_000;

  /** An opcode takes a byte at least; calls with large arguments are rare. */
  private static final long UNITS_PER_BYTE = 4;

  /** Marks a place on the stack; opcodes that take a variable number of values pop down to it. */
  private static final Object MARK = new Object();

  private final PickleInput in;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();
  private final Map<String, Py.StorageRef> storages = new HashMap<>();
  private final long limit;
  private final long begin;
  private long units;

  Unpickler(PickleInput in) {
    this.in = in;
    this.begin = in.position();
    this.limit =
        Math.min(
            HeapBudget.limit(MAX_UNITS, BYTES_PER_UNIT), UNITS_PER_BYTE * (in.size() - begin + 1));
  }

  /** The bytes of pickle read so far. */
  long bytesRead() {
    return in.position() - begin;
  }

  /** The storages that the pickle refers to, whole, by their key. */
  Map<String, Py.StorageRef> storages() {
    return storages;
  }

  /**
   * {@return the pickled value; the input stands behind its STOP}
   *
   * @throws CheckpointException when the pickle is damaged, names anything that is not on the allow
   *     list, or exceeds a limit
   */
  Object load() {
    try {
      while (true) {
        charge(1);
        int opcode = in.u8();
        if (opcode == '.') {
          return pop();
        }
        execute(opcode);
      }
    } catch (PickleGlobals.Refused e) {
      throw in.fault(e.getMessage());
    }
  }

  private void charge(long cost) {
    units += cost;
    if (units > limit) {
      throw in.fault("asks for more work than " + limit + " steps");
    }
  }

  private void execute(int opcode) throws PickleGlobals.Refused {
    switch (opcode) {
      case 0x80 -> protocol();
      case 0x95 -> frame();
      case '(' -> push(MARK);
      case '0' -> popAny();
      case '1' -> popToMark();
      case '2' -> push(top());

      case 'N' -> push(null);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'K' -> push((long) in.u8());
      case 'M' -> push((long) in.u16());
      case 'J' -> push((long) in.i32());
      case 0x8A -> push(in.integer(in.u8()));
      case 0x8B -> push(in.integer(in.i32()));
      case 'I' -> push(integerLine());
      case 'L' -> push(longLine());
      case 'G' -> push(in.bigEndianDouble());
      case 'F' -> push(in.decimal());

      case 'X' -> push(in.utf8(in.u32()));
      case 0x8C -> push(in.utf8(in.u8()));
      case 0x8D -> push(in.utf8(in.u64()));
      case 'V' -> push(unescape(in.line()));
      case 'S' -> push(quoted(in.line()));
      case 'U' -> push(in.latin1(in.u8()));
      case 'T' -> push(in.latin1(in.i32()));
      case 'C' -> push(new Py.Bytes(in.slice(in.u8())));
      case 'B' -> push(new Py.Bytes(in.slice(in.u32())));
      case 0x8E, 0x96 -> push(new Py.Bytes(in.slice(in.u64())));

      case ']', 0x8F -> push(new Py.Sequence());
      case 'l', 't', 0x91 -> push(new Py.Sequence(popToMark()));
      case ')' -> push(new Py.Sequence(List.of()));
      case 0x85 -> push(new Py.Sequence(popLast(1)));
      case 0x86 -> push(new Py.Sequence(popLast(2)));
      case 0x87 -> push(new Py.Sequence(popLast(3)));
      case 'a' -> append(popLast(1));
      case 'e', 0x90 -> append(popToMark());
      case '}' -> push(new Py.Dict());
      case 'd' -> dict(popToMark());
      case 's' -> put(popLast(2));
      case 'u' -> put(popToMark());

      case 'q' -> memoize(in.u8());
      case 'r' -> memoize(in.u32());
      case 'p' -> memoize(memoLine());
      case 0x94 -> memoize(memo.size());
      case 'h' -> recall(in.u8());
      case 'j' -> recall(in.u32());
      case 'g' -> recall(memoLine());

      case 'c' -> push(global(in.line(), in.line()));
      case 0x93 -> stackGlobal();
      case 'R', 0x81 -> call();
      case 0x92 -> callWithKeywords();
      case 'b' -> build();
      case 'Q' -> push(storage(pop()));
      case 'i' -> {
        Py.Global type = global(in.line(), in.line());
        throw in.fault("makes " + type.name + " by INST, which torch.save never does");
      }
      default ->
          throw in.fault("holds opcode 0x%02x, which torch.save never writes".formatted(opcode));
    }
  }

  private void protocol() {
    int protocol = in.u8();
    if (protocol > MAX_PROTOCOL) {
      throw in.fault("has protocol " + protocol + "; at most " + MAX_PROTOCOL + " is known");
    }
  }

  private void frame() {
    long length = in.u64();
    if (length < 0 || length > in.size() - in.position()) {
      throw in.fault("holds a frame that is longer than the rest of the file");
    }
  }

  // ---- numbers and text on lines (protocol 0)

  private Object integerLine() {
    String line = in.line();
    return switch (line) {
      case "00" -> false;
      case "01" -> true;
      default -> in.integer(line);
    };
  }

  private Object longLine() {
    String line = in.line();
    return in.integer(line.endsWith("L") ? line.substring(0, line.length() - 1) : line);
  }

  private long memoLine() {
    String line = in.line();
    return in.integer(line) instanceof Long index ? index : -1;
  }

  private String quoted(String line) {
    int end = line.length() - 1;
    if (end < 1 || line.charAt(0) != line.charAt(end) || "'\"".indexOf(line.charAt(0)) < 0) {
      throw in.fault("holds a string without quotes");
    }
    return unescape(line.substring(1, end));
  }

  private String unescape(String text) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    StringBuilder result = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      char kind = c == '\\' && i + 1 < text.length() ? text.charAt(i + 1) : 0;
      int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
      if (kind == 0) {
        result.append(c);
      } else if (digits > 0) {
        result.appendCodePoint(codePoint(text, i + 2, digits));
        i += 1 + digits;
      } else {
        result.append(kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind == 't' ? '\t' : kind);
        i++;
      }
    }
    return result.toString();
  }

  private int codePoint(String text, int from, int digits) {
    try {
      int code = Integer.parseInt(text, from, from + digits, 16);
      if (Character.isValidCodePoint(code)) {
        return code;
      }
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      // Reported below with everything else that is no code point.
    }
    throw in.fault("holds a string with a damaged escape");
  }

  // ---- stack and memo

  private void push(Object value) {
    stack.add(value);
  }

  private Object popAny() {
    if (stack.isEmpty()) {
      throw in.fault("takes a value from an empty stack");
    }
    return stack.removeLast();
  }

  private Object pop() {
    Object value = popAny();
    if (value == MARK) {
      throw in.fault("takes a value where its stack holds a mark");
    }
    return value;
  }

  private Object top() {
    Object value = pop();
    push(value);
    return value;
  }

  private List<Object> popLast(int count) {
    Object[] values = new Object[count];
    for (int i = count - 1; i >= 0; i--) {
      values[i] = pop();
    }
    return new ArrayList<>(Arrays.asList(values));
  }

  private List<Object> popToMark() {
    int mark = stack.size() - 1;
    while (mark >= 0 && stack.get(mark) != MARK) {
      mark--;
    }
    if (mark < 0) {
      throw in.fault("looks for a mark that its stack does not hold");
    }
    List<Object> above = stack.subList(mark + 1, stack.size());
    List<Object> values = new ArrayList<>(above);
    stack.subList(mark, stack.size()).clear();
    return values;
  }

  private void memoize(long index) {
    // Each entry takes at least a byte of pickle, so a larger index can only be an attack.
    if (index < 0 || index > in.size()) {
      throw in.fault("puts a value at memo index " + index + " of a pickle this short");
    }
    memo.put(index, top());
  }

  private void recall(long index) {
    Object value = memo.get(index);
    if (value == null && !memo.containsKey(index)) {
      throw in.fault("recalls memo index " + index + ", where nothing was put");
    }
    push(value);
  }

  // ---- containers

  private void append(List<Object> values) {
    if (!(top() instanceof Py.Sequence list) || !(list.items instanceof ArrayList)) {
      throw in.fault("appends to something that is not a list");
    }
    list.items.addAll(values);
  }

  private void dict(List<Object> values) {
    push(new Py.Dict());
    put(values);
  }

  private void put(List<Object> keysAndValues) {
    if (!(top() instanceof Py.Dict dict)) {
      throw in.fault("sets an item of something that is not a dict");
    }
    if (keysAndValues.size() % 2 != 0) {
      throw in.fault("sets a dict's key without a value");
    }
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      dict.entries.put(keysAndValues.get(i), keysAndValues.get(i + 1));
    }
  }

  // ---- names, calls, storages

  private Py.Global global(String module, String name) {
    return PickleGlobals.find(module, name)
        .orElseThrow(
            () ->
                in.fault(
                    "names the Python object '"
                        + module
                        + "."
                        + name
                        + "', which is not among those that hold plain data; nothing was"
                        + " executed"));
  }

  private void stackGlobal() {
    Object name = pop();
    Object module = pop();
    if (!(module instanceof String moduleText) || !(name instanceof String nameText)) {
      throw in.fault("names a Python object by something that is not text");
    }
    push(global(moduleText, nameText));
  }

  private void callWithKeywords() throws PickleGlobals.Refused {
    if (!(pop() instanceof Py.Dict keywords) || !keywords.entries.isEmpty()) {
      throw in.fault("makes an object with keyword arguments, which torch.save never does");
    }
    call();
  }

  private void call() throws PickleGlobals.Refused {
    Object args = pop();
    Object callee = pop();
    if (!(args instanceof Py.Sequence sequence)) {
      throw in.fault("calls something with arguments that are not a tuple");
    }
    if (!(callee instanceof Py.Global global)) {
      throw in.fault("calls something that is not a class or function");
    }
    charge(sequence.items.size());
    for (Object arg : sequence.items) {
      charge(copied(arg));
    }
    push(PickleGlobals.call(global, sequence.items));
  }

  private void build() throws PickleGlobals.Refused {
    Object state = pop();
    charge(copied(state));
    PickleGlobals.build(top(), state);
  }

  private static long copied(Object value) {
    return switch (value) {
      case Py.Sequence sequence -> sequence.items.size();
      case Py.Dict dict -> dict.entries.size();
      case String text -> 2L * text.length() / BYTES_PER_UNIT;
      case null, default -> 0;
    };
  }

  /**
   * A persistent id: {@code ('storage', type, key, location, count)}, and in legacy files a view
   * {@code (key, offset, count)} or None behind that.
   */
  private Py.StorageRef storage(Object id) throws PickleGlobals.Refused {
    if (!(id instanceof Py.Sequence tuple)
        || tuple.items.isEmpty()
        || !"storage".equals(tuple.items.getFirst())) {
      throw in.fault("refers to something outside it that is not a storage");
    }
    List<Object> fields = tuple.items;
    Py.Global type = PickleGlobals.as(Py.Global.class, fields, 1);
    String key = PickleGlobals.as(String.class, fields, 2);
    long count = PickleGlobals.as(Long.class, fields, 4);
    if (type.role != PickleGlobals.Role.STORAGE) {
      throw in.fault("gives storage '" + key + "' the type " + type.name);
    }
    if (count < 0 || count > Long.MAX_VALUE / type.dtype.width()) {
      throw in.fault("gives storage '" + key + "' the impossible size " + count);
    }
    Py.StorageRef whole = new Py.StorageRef(key, type.dtype, 0, count);
    Py.StorageRef known = storages.putIfAbsent(key, whole);
    if (known != null && (known.dtype != whole.dtype || known.count != count)) {
      throw in.fault("describes storage '" + key + "' in two different ways");
    }
    Object view = fields.size() > 5 ? fields.get(5) : null;
    return view == null ? whole : viewOf(whole, fields);
  }

  private Py.StorageRef viewOf(Py.StorageRef whole, List<Object> fields)
      throws PickleGlobals.Refused {
    List<Object> view = PickleGlobals.items(fields, 5);
    long begin = PickleGlobals.as(Long.class, view, 1);
    long count = PickleGlobals.as(Long.class, view, 2);
    if (begin < 0 || count < 0 || begin > whole.count || count > whole.count - begin) {
      throw in.fault("views storage '" + whole.key + "' outside its " + whole.count + " elements");
    }
    return new Py.StorageRef(whole.key, whole.dtype, begin, count);
  }
}
