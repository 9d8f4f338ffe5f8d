package lazydit.weights;

import java.util.Arrays;
import java.util.List;

/** Rows of other tensors of one type, put below each other: what renaming layers takes. */
final class TensorSlices implements TensorData {
  /**
   * A part of a tensor.
   *
   * @param first its first element there
   * @param count how many elements
   */
  record Slice(TensorData tensor, long first, long count) {}

  private final List<Slice> slices;
  private final long[] shape;
  private final long size;

  private TensorSlices(List<Slice> slices, long[] shape) {
    this.slices = slices;
    this.shape = shape;
    size = StoredTensor.elements("a tensor of several", "", shape);
    if (slices.stream().mapToLong(Slice::count).sum() != size) {
      throw new IllegalArgumentException("slices do not fill " + Arrays.toString(shape));
    }
  }

  /** Elements from {@code first} on that are a tensor of that shape. */
  static TensorData of(TensorData tensor, long first, long... shape) {
    long size = StoredTensor.elements("a part of a tensor", "", shape);
    return new TensorSlices(List.of(new Slice(tensor, first, size)), shape.clone());
  }

  /**
   * All the tensors, of which only the number of rows and the type may differ, as one; of several
   * types float32 is made.
   */
  static TensorData stacked(List<? extends TensorData> tensors) {
    if (tensors.stream().map(TensorData::dtype).distinct().count() > 1) {
      return stacked(tensors.stream().map(tensor -> new CastTensor(tensor, DType.F32)).toList());
    }
    long[] shape = tensors.getFirst().shape();
    shape[0] = tensors.stream().mapToLong(tensor -> tensor.shape()[0]).sum();
    return new TensorSlices(
        tensors.stream().map(tensor -> new Slice(tensor, 0, tensor.size())).toList(), shape);
  }

  @Override
  public DType dtype() {
    return slices.getFirst().tensor.dtype();
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void readFloats(long first, float[] into, int at, int count) {
    pieces(first, count, (tensor, from, done, n) -> tensor.readFloats(from, into, at + done, n));
  }

  @Override
  public void readDoubles(long first, double[] into, int at, int count) {
    pieces(first, count, (tensor, from, done, n) -> tensor.readDoubles(from, into, at + done, n));
  }

  @Override
  public void readBytes(long first, byte[] into, int at, int count) {
    int width = dtype().width();
    pieces(
        first,
        count,
        (tensor, from, done, n) -> tensor.readBytes(from, into, at + done * width, n));
  }

  private interface Piece {
    void accept(TensorData tensor, long from, int done, int count);
  }

  private void pieces(long first, int count, Piece piece) {
    if (first < 0 || count < 0 || first > size - count) {
      throw new IndexOutOfBoundsException(first + " + " + count + " of " + size);
    }
    long begin = 0;
    int done = 0;
    for (Slice slice : slices) {
      long from = first + done - begin;
      if (done < count && from < slice.count) {
        int n = (int) Math.min(count - done, slice.count - from);
        piece.accept(slice.tensor, slice.first + from, done, n);
        done += n;
      }
      begin += slice.count;
    }
  }
}
