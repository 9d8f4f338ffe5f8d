package lazydit.weights;

import java.lang.foreign.MemorySegment;

/** A small float32 tensor in an array, which it does not copy. */
record FloatTensor(float[] values, long... dimensions) implements TensorData {
  @Override
  public DType dtype() {
    return DType.F32;
  }

  @Override
  public long[] shape() {
    return dimensions.clone();
  }

  @Override
  public long size() {
    return values.length;
  }

  @Override
  public void readFloats(long first, float[] into, int at, int count) {
    System.arraycopy(values, (int) first, into, at, count);
  }

  @Override
  public void readBytes(long first, byte[] into, int at, int count) {
    DType.F32.fromFloats(values, (int) first, MemorySegment.ofArray(into), at, count);
  }
}
