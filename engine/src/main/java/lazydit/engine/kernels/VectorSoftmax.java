package lazydit.engine.kernels;

import static java.nio.ByteOrder.nativeOrder;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Softmax over columns, a vector of columns at a time. */
final class VectorSoftmax implements SoftmaxKernel {
  private static final int VECTOR_BYTES = Lanes.COUNT * Float.BYTES;

  @Override
  public void columns(
      MemorySegment scores, long so, int keys, int columns, MemorySegment inverse, long io) {
    long rowBytes = (long) columns * Float.BYTES;
    for (long at = 0; at < rowBytes; at += VECTOR_BYTES) {
      FloatVector max = max(scores, so + at, keys, rowBytes);
      FloatVector sum = expAndSum(scores, so + at, keys, rowBytes, max);
      FloatVector.broadcast(Lanes.FLOATS, 1f)
          .div(sum)
          .intoMemorySegment(inverse, io + at, nativeOrder());
    }
  }

  private static FloatVector max(MemorySegment scores, long so, int keys, long rowBytes) {
    FloatVector max = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < keys; i++) {
      max = max.max(load(scores, so + i * rowBytes));
    }
    return max;
  }

  private static FloatVector expAndSum(
      MemorySegment scores, long so, int keys, long rowBytes, FloatVector max) {
    FloatVector sum = FloatVector.zero(Lanes.FLOATS);
    for (int i = 0; i < keys; i++) {
      FloatVector e = VectorMath.exp(load(scores, so + i * rowBytes).sub(max));
      e.intoMemorySegment(scores, so + i * rowBytes, nativeOrder());
      sum = sum.add(e);
    }
    return sum;
  }

  private static FloatVector load(MemorySegment scores, long at) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, scores, at, nativeOrder());
  }
}
