package lazydit.sampler.training;

import java.util.List;
import lazydit.sampler.ClassNames;
import lazydit.sampler.data.DataSet;

/** Pictures of 8 x 8 whose class says in which of four places they have a bright column. */
record Stripes(int count) implements DataSet {
  static final ClassNames CLASSES = new ClassNames(4, List.of("a", "b", "c", "d"));

  @Override
  public String name() {
    return "stripes";
  }

  @Override
  public String origin() {
    return "made up";
  }

  @Override
  public int channels() {
    return 1;
  }

  @Override
  public int height() {
    return 8;
  }

  @Override
  public int width() {
    return 8;
  }

  @Override
  public ClassNames classes() {
    return CLASSES;
  }

  @Override
  public int label(int index) {
    return index * 7 % 4;
  }

  @Override
  public void read(int index, float[] into, int at) {
    for (int i = 0; i < 64; i++) {
      into[at + i] = i % 8 / 2 == label(index) ? 0.9f - index % 3 * 0.1f : -0.8f;
    }
  }
}
