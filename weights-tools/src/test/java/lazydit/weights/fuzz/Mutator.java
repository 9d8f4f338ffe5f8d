package lazydit.weights.fuzz;

import java.util.List;
import java.util.function.UnaryOperator;

/** Makes inputs of others: one or a few changes, most of them such as the format understands. */
final class Mutator {
  private static final int LONGEST = 1 << 14;

  private final Pool pool;
  private final Dice dice;

  Mutator(Pool pool, Dice dice) {
    this.pool = pool;
    this.dice = dice;
  }

  Sample mutate(Sample sample) {
    Sample mutant = sample;
    for (int changes = dice.oneIn(2) ? 1 : dice.few(6);
        changes > 0 && !mutant.files().isEmpty();
        changes--) {
      mutant = changed(mutant);
    }
    return mutant.files().isEmpty() ? sample : mutant;
  }

  private Sample changed(Sample sample) {
    List<String> names = sample.names();
    String name = dice.pick(names);
    if (names.size() > 1 && dice.oneIn(40)) {
      return sample.without(name);
    }
    if (names.size() > 1 && dice.oneIn(40)) {
      return sample.with(name, sample.files().get(dice.pick(names)));
    }
    byte[] old = sample.files().get(name);
    byte[] content = changed(old);
    return content.length > Math.max(old.length, LONGEST) ? sample : sample.with(name, content);
  }

  private byte[] changed(byte[] content) {
    if (dice.oneIn(24)) {
      return Bytes.splice(content, pool.content(dice), dice);
    }
    if (content.length == 0 || dice.oneIn(6)) {
      return Bytes.mutate(content, dice);
    }
    if (ZipBytes.matches(content)) {
      UnaryOperator<byte[]> pickle =
          bytes -> PickleBytes.mutate(PickleBytes.single(bytes), pool.pickle(dice), dice);
      return ZipBytes.mutate(content, pickle, dice);
    }
    if (SafetensorsBytes.matches(content)) {
      return SafetensorsBytes.mutate(content, dice);
    }
    if (PickleBytes.matches(content)) {
      return PickleBytes.mutate(PickleBytes.legacy(content), pool.pickle(dice), dice);
    }
    if (content[0] == '{' || content[0] == '[') {
      return Bytes.latin1(JsonText.mutate(Bytes.latin1(content), dice));
    }
    return Bytes.mutate(content, dice);
  }
}
