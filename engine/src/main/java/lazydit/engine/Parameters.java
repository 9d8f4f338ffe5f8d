package lazydit.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The numbers that training changes: all tensors of a network one after the other in one array, and
 * their gradients in another of the same layout.
 *
 * <p>Gradients add up until {@link #clearGradients}: over micro-batches, and over the places where
 * a tensor is used. A tensor that no pass has {@link #touch touched} since then has no gradient,
 * which is not the same as one of zeros: an optimiser leaves it alone.
 *
 * <p>Not safe for concurrent use, except that operations write to parts of their own.
 */
public final class Parameters {
  /**
   * One tensor.
   *
   * @param name its name in a checkpoint
   * @param shape its sizes; not to be changed
   * @param offset where it begins in the arrays
   * @param size how many elements it has
   */
  public record Parameter(String name, long[] shape, int offset, int size) {}

  private final List<Parameter> list;
  private final Map<String, Integer> places = new HashMap<>();
  private final float[] values;
  private final float[] gradients;
  private final boolean[] touched;

  private Parameters(List<Parameter> list, int size) {
    this.list = List.copyOf(list);
    values = new float[size];
    gradients = new float[size];
    touched = new boolean[list.size()];
    for (int i = 0; i < list.size(); i++) {
      places.put(list.get(i).name(), i);
    }
  }

  /**
   * Makes room for tensors, of zeros.
   *
   * @param shapes their shapes by name, in the order in which they are to lie
   * @return the parameters
   * @throws LazyDitException when they have more elements than an array holds
   */
  public static Parameters of(Map<String, long[]> shapes) {
    List<Parameter> list = new ArrayList<>();
    int offset = 0;
    for (Map.Entry<String, long[]> entry : shapes.entrySet()) {
      long size = 1;
      for (long n : entry.getValue()) {
        size = Math.multiplyHigh(size, n) == 0 ? size * n : Long.MAX_VALUE;
      }
      if (size < 0 || size > Integer.MAX_VALUE - 8L - offset) {
        throw new LazyDitException(
            "Tensor %s of shape %s makes more parameters than an array holds."
                .formatted(entry.getKey(), Arrays.toString(entry.getValue())));
      }
      list.add(new Parameter(entry.getKey(), entry.getValue().clone(), offset, (int) size));
      offset += (int) size;
    }
    return new Parameters(list, offset);
  }

  /** {@return the tensors in the order of the arrays} */
  public List<Parameter> list() {
    return list;
  }

  /**
   * {@return whether there is such a tensor}
   *
   * @param name a tensor's name
   */
  public boolean contains(String name) {
    return places.containsKey(name);
  }

  /**
   * {@return the tensor}
   *
   * @param name a tensor's name
   * @throws LazyDitException when there is none
   */
  public Parameter get(String name) {
    return list.get(place(name));
  }

  private int place(String name) {
    Integer place = places.get(name);
    if (place == null) {
      throw new LazyDitException("There is no parameter %s.".formatted(name));
    }
    return place;
  }

  /** {@return the values: the array itself, to be read and written} */
  public float[] values() {
    return values;
  }

  /** {@return the gradients: the array itself, to be read and added to} */
  public float[] gradients() {
    return gradients;
  }

  /** {@return how many numbers there are} */
  public int size() {
    return values.length;
  }

  /**
   * Says that a tensor has got a gradient.
   *
   * @param name its name
   * @throws LazyDitException when there is no such tensor
   */
  public void touch(String name) {
    touched[place(name)] = true;
  }

  /** Says that all tensors have got gradients. */
  public void touchAll() {
    Arrays.fill(touched, true);
  }

  /**
   * {@return whether a tensor has got a gradient since they were cleared}
   *
   * @param index its place in {@link #list}
   */
  public boolean touched(int index) {
    return touched[index];
  }

  /** Forgets all gradients. */
  public void clearGradients() {
    Arrays.fill(gradients, 0);
    Arrays.fill(touched, false);
  }
}
